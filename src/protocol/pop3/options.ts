/** What the owner of a POP3 session hands in, and what of it the configuration says. */
import * as kinds from '../../base/options/kinds.ts'
import { option, table } from '../../base/options/option.ts'
import type { Authenticator } from '../sasl/authenticator.ts'
import type { SaslMechanism } from '../sasl/mechanism.ts'
import type { Pop3Backend } from './backend.ts'

export interface Pop3Options {
  readonly backend: Pop3Backend
  readonly authenticator: Authenticator
  readonly mechanisms: readonly SaslMechanism[]
  /** A certificate is there: STLS is offered on connections in clear. */
  readonly startTls: boolean
  /** Passwords may cross in clear: for loopback only. */
  readonly plaintextAuth: boolean
  readonly hostname: string
  /** Seconds that have to pass between two logins of one user; 0: none. RFC 2449 §6.5. */
  readonly loginDelaySeconds: number
}

/** `[pop3]` of the configuration. */
export const loginOptions = table({
  loginDelayMs: option(
    kinds.duration,
    0,
    'Minimum time between two POP3 logins of one account (RFC 2449 §6.5), announced in CAPA. Useful where programs poll every second. 0: none.',
    60_000,
  ),
})
