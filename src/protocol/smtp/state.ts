/** What the verbs of an SMTP session see and change. */
import type { Action, SessionHost } from '../action.ts'
import type { Peer } from '../../base/network.ts'
import type { Authenticated } from '../sasl/authenticator.ts'
import type { SaslMechanism } from '../sasl/mechanism.ts'
import type { Conduct } from './conduct.ts'
import type { Forwarded } from './forwarded.ts'
import type { SmtpServerOptions } from './options.ts'
import type { SmtpPolicy } from './policy.ts'
import type { SmtpClientFacts, SmtpTransaction } from './backend.ts'

/** What verbs see and change. */
export interface ServerState {
  readonly options: SmtpServerOptions
  readonly policy: SmtpPolicy
  readonly host: SessionHost
  readonly conduct: Conduct
  /** The client, as its proxy says where there is one. */
  readonly peer: Peer
  /** The other end may say whom it speaks for. */
  readonly mayForward: boolean
  /** Where the next message came from, by XFORWARD. */
  origin: Forwarded | undefined
  helo: string | undefined
  extended: boolean
  readonly user: Authenticated | null
  transaction: SmtpTransaction | undefined
  recipients: number
  /** One of the services by which people submit. RFC 6409. */
  readonly submission: boolean
  /** Of our own network. */
  readonly trusted: boolean
  /** One who may do what a stranger may not: he has signed in, or is of our own network. */
  readonly known: boolean
  /** Epoch milliseconds; undefined without a clock. */
  readonly nowMs: number | undefined
  readonly facts: SmtpClientFacts
  /** What one may sign in with on this connection as it is now; none where AUTH is not spoken. */
  readonly mechanisms: readonly SaslMechanism[]
  readonly mayStartTls: boolean
  smtpUtf8: boolean
  /** BODY=BINARYMIME was said. */
  binary: boolean
  /** The message has begun to come by BDAT. */
  readonly chunking: boolean
  /** Ends the transaction, if one is open: nothing of it is kept. */
  reset(): void
  /** Says a last reply and closes. */
  part(words: Uint8Array): Uint8Array
  startTls(): Action
  /** The session begins anew, with the client that was told. */
  speakFor(client: Forwarded): Uint8Array | Promise<Uint8Array>
  /** The lines from here on belong to a SASL exchange. */
  authenticate(mechanism: SaslMechanism, initial: Uint8Array | undefined): Promise<Uint8Array>
  /** Bytes from here on are the message. */
  takeData(): Uint8Array
  /** So many octets from here on are a piece of the message, whatever is answered behind them. */
  takeChunk(octets: number, last: boolean): Uint8Array
}
