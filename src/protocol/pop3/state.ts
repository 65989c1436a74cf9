/** What the verbs of a POP3 session see and change. */
import type { Action, SessionHost } from '../action.ts'
import type { Authenticated } from '../sasl/authenticator.ts'
import type { SaslMechanism } from '../sasl/mechanism.ts'
import type { Pop3Maildrop } from './backend.ts'
import type { Pop3Options } from './options.ts'
import type { Words } from './words.ts'

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
