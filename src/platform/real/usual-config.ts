/** Where a configuration is found when none is named. */
import { existsSync } from 'node:fs'

const systemConfig = '/etc/pennypost/pennypost.toml'

/** PENNYPOST_CONFIG, else the system's file if there is one. */
export function usualConfigFile(): string | undefined {
  const named = process.env['PENNYPOST_CONFIG']
  if (named !== undefined && named !== '') return named
  // npm's scripts run a clone for its developer, whatever the machine serves besides.
  return process.env['npm_lifecycle_event'] === undefined && existsSync(systemConfig) ? systemConfig : undefined
}
