/** Steps of a start: first domain and account, passwords of routes, DKIM keys, the sweep's timer. */
import { running } from '../base/running.ts'
import { easyPassword } from '../directory/password.ts'
import { latin1 } from '../base/bytes.ts'
import type { Clock, Timer } from '../base/clock.ts'
import type { Files } from '../base/files.ts'
import type { Log } from '../base/log.ts'
import type { Config } from '../config/config.ts'
import { addAccount } from '../admin/provision.ts'
import type { Store } from '../store/store.ts'
import { makeDkimKeys } from '../delivery/signing.ts'
import type { StaticRoute } from '../transport/static-routes.ts'
import type { Platform } from './platform.ts'
import type { FirstAccount } from './types.ts'

export function certificateNames(config: Config): string[] {
  return [...new Set([config.hostname, 'localhost', ...config.domains])]
}

export async function readRoutes(config: Config, files: Files): Promise<StaticRoute[]> {
  return Promise.all(
    config.routes.map(async ({ passwordFile, proxy, proxyPasswordFile, ...route }): Promise<StaticRoute> => {
      const password = await passwordIn(files, passwordFile)
      const proxyPassword = await passwordIn(files, proxyPasswordFile)
      return { ...route, password, proxy: proxy && { ...proxy, password: proxyPassword } }
    }),
  )
}

async function passwordIn(files: Files, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  const bytes = await files.read(path)
  if (!bytes) throw new Error(`The password file of a route does not exist: ${path}`)
  return latin1(bytes).replace(/\r?\n$/, '')
}

/** Certificate authorities in addition to the well-known ones, PEM. */
export async function readAuthorities({ tls }: Config, files: Files): Promise<string[]> {
  if (tls.authorities === undefined) return []
  const bytes = await files.read(tls.authorities)
  const found = bytes && latin1(bytes).match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  if (!found) throw new Error(`The file in tls.authorities has no certificate: ${tls.authorities}`)
  return found
}

export async function addDomains({ domains }: Config, store: Store): Promise<void> {
  const missing = domains.filter((domain) => !store.read.isLocalDomain(domain))
  if (missing.length > 0) await store.commit(missing.map((name) => ({ kind: 'domainAdd' as const, name })))
}

/** Creates configured domains; and an account in a store without any, whose password is shown once. */
export async function firstStart(
  config: Config,
  { clock, random }: Platform,
  store: Store,
): Promise<FirstAccount | undefined> {
  await addDomains(config, store)
  if (config.domains.length === 0 || (await store.read.accounts('', 1)).length > 0) return undefined
  const name = `admin@${config.domains[0]}`
  const password = easyPassword(random.bytes(16))
  await addAccount(store, name, password, { nowMs: clock.now() })
  return { name, password }
}

/** Creates DKIM keys for domains without any. */
export function makeMissingKeys(store: Store, clock: Clock, log: Log): void {
  for (const domain of store.read.domains())
    void makeDkimKeys(store, domain, clock.now()).catch((error: unknown) =>
      log.warn('DKIM keys could not be created', { domain, error: String(error) }),
    )
}

/** How often unused contents are swept. */
const sweepEveryMs = 10 * 60_000

export function sweepNowAndThen(store: Store, clock: Clock, log: Log): Timer {
  let timer: Timer
  const again = (): void => {
    timer = clock.after(sweepEveryMs, () => {
      running('sweep')
      store
        .sweep(clock.now())
        .catch((error) => log.warn('sweep failed', { error: String(error) }))
        .finally(again)
    })
  }
  again()
  return { cancel: () => timer.cancel() }
}
