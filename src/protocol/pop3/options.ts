/** What the owner of a POP3 session hands in. */
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
