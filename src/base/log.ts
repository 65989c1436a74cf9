/** Events for the operator: one line each. Never a secret, never a message body. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export type LogFacts = Readonly<Record<string, unknown>>

export interface Log {
  debug(event: string, facts?: LogFacts): void
  info(event: string, facts?: LogFacts): void
  warn(event: string, facts?: LogFacts): void
  error(event: string, facts?: LogFacts): void
  /** Debug events are written. Checked first where gathering their facts costs something. */
  readonly verbose?: boolean
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
