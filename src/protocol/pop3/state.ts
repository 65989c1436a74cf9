/** What a POP3 session is given, and what its verbs see and change. */
import type { Action, SessionHost } from '../action.ts'
import type { Authenticated, Authenticator } from '../sasl/authenticator.ts'
import type { SaslMechanism } from '../sasl/mechanism.ts'
import type { Pop3Backend, Pop3Maildrop } from './backend.ts'
import type { Words } from './words.ts'

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

/** What verbs see and change. */
export interface Pop3State {
  readonly options: Pop3Options
  readonly host: SessionHost
  readonly maildrop: Pop3Maildrop
  readonly deleted: Set<number>
  userName: string | undefined
  /** The language that the client chose. RFC 6856 §3. */
  words: Words
  /** The client takes internationalized messages as they are. RFC 6856 §2. */
  utf8: boolean
  /** Whether a password itself may be said: USER and PASS. */
  readonly mayTellPassword: boolean
  /** What one may sign in with on this connection as it is now. */
  readonly mechanisms: readonly SaslMechanism[]
  readonly mayStartTls: boolean
  signIn(user: Authenticated | null): Promise<Uint8Array>
  authenticate(mechanism: SaslMechanism, initial: Uint8Array | undefined): Promise<Uint8Array>
  startTls(reply: Uint8Array): Action
  /** The session is over once the answer is said. */
  leave(): void
}
