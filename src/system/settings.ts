/**
 * The current configuration, with the files that it names: rooms read their part of it live, and a reload swaps it
 * whole.
 */
import type { Files } from '../base/files.ts'
import { part, type Live } from '../base/live.ts'
import type { Log } from '../base/log.ts'
import type { Config } from '../config/config.ts'
import type { StaticRoute } from '../transport/static-routes.ts'
import type { Lifetime } from './lifetime.ts'
import { readAuthorities, readRoutes } from './start.ts'

interface Loaded {
  readonly config: Config
  /** With the passwords from the files that they name. */
  readonly routes: readonly StaticRoute[]
  /** Certificate authorities in addition to the well-known ones, PEM. */
  readonly authorities: readonly string[]
}

export class Settings {
  readonly config: Live<Config>
  readonly routes: Live<readonly StaticRoute[]>
  readonly authorities: Live<readonly string[]>
  readonly #loaded: { now: Loaded }

  constructor(loaded: Loaded) {
    const swapped = { now: loaded }
    this.#loaded = swapped
    this.config = part(swapped, ({ config }) => config)
    this.routes = part(swapped, ({ routes }) => routes)
    this.authorities = part(swapped, ({ authorities }) => authorities)
  }

  /** One key of the current configuration. */
  of<Key extends keyof Config>(key: Key): Live<Config[Key]> {
    return part(this.config, (config) => config[key])
  }

  /** Makes a new configuration current, except for keys that need a restart: see `nextStartKeys`. */
  swap(next: Loaded): void {
    const { hostname, data, origin } = this.#loaded.now.config
    const transfer = { ...next.config.transfer, hostname }
    this.#loaded.now = { ...next, config: { ...next.config, hostname, data, origin, transfer } }
  }
}

/** Reads the files that a configuration names. */
export async function loadSettings(
  config: Config,
  files: Files,
  during: 'start' | 'reload',
  life: Lifetime,
): Promise<Loaded> {
  const routes = await life.step(`${during} routes`, () => readRoutes(config, files))
  const authorities = await life.step(`${during} authorities`, () => readAuthorities(config, files))
  return { config, routes, authorities }
}

/** Changed keys that take effect at the next start only: the running system was built with them. */
export function nextStartKeys(before: Config, after: Config): string[] {
  const keys = ['hostname', 'data', 'origin', 'user', 'group', 'oauth', 'directory', 'warmUp'] as const
  const changed: string[] = keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
  for (const key of ['scramSha1', 'scramPlus'] as const)
    if (before.auth[key] !== after.auth[key]) changed.push(`auth.${key}`)
  for (const key of ['servers', 'validated'] as const)
    if (JSON.stringify(before.dns[key]) !== JSON.stringify(after.dns[key])) changed.push(`dns.${key}`)
  return changed
}

export function warnOfOldNames({ warnings }: Config, log: Log): void {
  for (const { file, line, text, hint } of warnings)
    log.warn('configuration has an old name', { file, line, text, hint })
}
