/** What a program may say of the system that it runs, and the defaults: everything in memory, on any free ports of this machine. */
import type { Log } from '../base/log.ts'
import { checkOptions, checkValue, type OptionTable } from '../base/option-check.ts'
import type { Config } from '../config/config.ts'
import { configOf, parseConfig } from '../config/load.ts'
import { defaultServices } from '../config/services.ts'
import type { Later, MessageResult } from '../library/smtp/handlers.ts'
import type { IncomingMessage } from '../library/smtp/incoming-message.ts'

/**
 * The keys of the configuration file, docs/config.md: `{ hostname: 'mx.example.org', listener: [{ service: 'smtp', address: '127.0.0.1:0' }] }`.
 * Or the text of such a file, TOML.
 */
export type SystemConfig = string | Readonly<Record<string, unknown>>

export interface CreateSystemOptions {
  /** Addresses and their passwords (8 characters at least): accounts, and their domains, that are made unless they are there. */
  readonly accounts?: Readonly<Record<string, string>>
  /**
   * Takes every message that would leave for other hosts, so that none does; it says what becomes of each as `onMessage` of an
   * `SmtpServer` does. Default: mail leaves as the configuration says: to the MX hosts of its domains, unless a route is given.
   */
  outgoing?(message: IncomingMessage): Later<MessageResult>
  /** Hears of events. Default: nothing does; nothing is written to standard output or standard error. */
  readonly log?: Log
}

const table: OptionTable<CreateSystemOptions> = {
  accounts(where, value) {
    checkValue(where, value, 'object')
    for (const [address, password] of Object.entries(value as object))
      checkValue(`${where}[${JSON.stringify(address)}]`, password, 'string!')
  },
  outgoing: 'function',
  log: 'object',
}

/** Throws a TypeError of one sentence. The keys of the configuration are checked by its reader, in its own words. @internal */
export function checkCreateOptions(config: unknown, options: unknown): void {
  checkValue('createSystem: the configuration', config, 'string|object')
  checkOptions('createSystem', options, table, {
    port: "write it in the configuration: { listener: [{ service: 'smtp', address: '127.0.0.1:2525' }] }",
    data: 'write it in the configuration, the first argument',
    users: 'write accounts: { address: password }',
  })
}

/** @param sink the port of what takes outgoing mail. Throws a ConfigError that tells everything that is wrong. @internal */
export async function readSystemConfig(config: SystemConfig, sink: number | undefined): Promise<Config> {
  const complete = (root: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
    data: ':memory:',
    domains: [],
    listener: defaultServices.map((service) => ({ service, address: '127.0.0.1:0', plaintextAuth: true })),
    ...root,
    ...(sink === undefined ? {} : { route: [{ domain: '*', to: `127.0.0.1:${sink}`, tls: 'none' }] }),
  })
  return typeof config === 'string' ? parseConfig(config, 'config', complete) : configOf(complete(config))
}
