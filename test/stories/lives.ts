/** Systems whose steps of start, reload and stop can be watched, and made to fail. */
import { join } from 'node:path'
import { silentLog, type Log } from '../../src/base/log.ts'
import type { Config } from '../../src/config/config.ts'
import { defaultConfig } from '../../src/config/load.ts'
import { realPlatform, startSystem, type Platform } from '../../src/system.ts'

export const graceMs = 2000

export type Ports = Readonly<Record<'smtp' | 'imap' | 'http', number>>

/** In a folder of its own below `base`. Ports that stay the same: what a failed start holds, the next one misses. */
export function configOf(base: string, name: string, ports: Ports): Config {
  const defaults = defaultConfig()
  return {
    ...defaults,
    data: join(base, name),
    submitSocket: join(base, name, 'submit.sock'),
    domains: [],
    listeners: defaults.listeners
      .filter(({ service }) => service in ports)
      .map((one) => ({ ...one, port: ports[one.service as 'smtp'] })),
    limits: { ...defaults.limits, shutdownGraceMs: graceMs },
  }
}

export function platformOf(config: Config, watchSteps: Platform['watchSteps'], log: Log = silentLog): Platform {
  return { ...realPlatform(config, log), watchSteps }
}

/** The steps of a whole life: a start, a reload, a stop; and what its stop left. */
export async function goodLife(config: Config): Promise<{ steps: string[]; left: readonly string[] }> {
  const steps: string[] = []
  const system = await startSystem(
    config,
    platformOf(config, (step) => void steps.push(step)),
  )
  await system.reload(config)
  return { steps, left: await system.stop() }
}
