/** Options of an embedded system, and its defaults: everything in memory, on free ports of this machine. */
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
  /** Addresses and their passwords (at least 8 characters). These accounts and their domains are created if they do not exist. */
  readonly accounts?: Readonly<Record<string, string>>
  /**
   * Gets every message for other hosts instead of them, and decides its outcome as `onMessage` of an `SmtpServer` does.
   * Default: mail is relayed as the configuration says: to the MX hosts of its domains, unless a route is given.
   */
  outgoing?(message: IncomingMessage): Later<MessageResult>
  /** Gets log events. Default: none; nothing is written to standard output or standard error. */
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

/** Throws a TypeError of one sentence. The keys of the configuration are checked later, when it is read. @internal */
export function checkCreateOptions(config: unknown, options: unknown): void {
  checkValue('createSystem: the configuration', config, 'string|object')
  checkOptions('createSystem', options, table, {
    port: "write it in the configuration: { listener: [{ service: 'smtp', address: '127.0.0.1:2525' }] }",
    data: 'write it in the configuration, the first argument',
    users: 'write accounts: { address: password }',
  })
}

/** @param sink the port that gets outgoing mail. Throws a ConfigError that lists every fault. @internal */
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
