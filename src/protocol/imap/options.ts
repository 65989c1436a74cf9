/** What the owner of a session hands in. */
import type { Authenticator } from '../sasl/authenticator.ts'
import type { ImapBackend } from './backend.ts'
import type { SaslMechanism } from '../sasl/mechanisms.ts'

export interface ImapOptions {
  readonly backend: ImapBackend
  readonly authenticator: Authenticator
  readonly mechanisms: readonly SaslMechanism[]
  /** A certificate is there: STARTTLS is offered on connections in clear. */
  readonly startTls: boolean
  /** Passwords may cross in clear: for loopback only. Otherwise LOGINDISABLED is said until TLS runs. RFC 3501 §6.2.3. */
  readonly plaintextAuth: boolean
  /** Said in the greeting and in ID. */
  readonly serverName: string
  readonly serverVersion?: string
  /** Autologout once signed in, milliseconds; default `idleTimeoutMs`. */
  readonly idleTimeoutMs?: number
}
