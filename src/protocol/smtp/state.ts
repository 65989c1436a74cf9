/** What an SMTP session is given, and what its verbs see and change. */
import type { Clock } from '../../base/clock.ts'
import type { Action, SessionHost } from '../action.ts'
import type { Peer } from '../../base/network.ts'
import type { Authenticated, VouchedSource } from '../sasl/authenticator.ts'
import type { SaslMechanism } from '../sasl/mechanism.ts'
import type { Conduct } from './conduct.ts'
import type { Forwarded } from './forwarded.ts'
import type { SmtpPace } from './pace.ts'
import type { SmtpPolicy } from './policy.ts'
import type { SmtpPromise } from './promises.ts'
import type { SmtpClientFacts, SmtpReceiver, SmtpService, SmtpTransaction } from './backend.ts'

export interface SmtpServerOptions {
  readonly service: SmtpService
  readonly receiver: SmtpReceiver
  /** Our name in the greeting. */
  readonly hostname: string
  readonly mechanisms: readonly SaslMechanism[]
  /** A certificate is there: STARTTLS is offered on connections in clear. */
  readonly startTls: boolean
  /** Passwords may cross in clear: for loopback only. */
  readonly plaintextAuth: boolean
  readonly messageBytesMax: number
  /** What becomes of a body with a CR or LF that stands alone: refused, or its lines mended. RFC 5321 §2.3.8. */
  readonly bareNewline?: 'refuse' | 'normalize'
  /** Whether a peer may send to others without signing in. */
  readonly trusted?: (peer: Peer) => boolean
  /** Default: `smtpDefaults`. */
  readonly policy?: SmtpPolicy
  /** Without it nothing that depends on time is offered, and no client is delayed. */
  readonly clock?: Clock
  /** Rate limits over all connections; undefined: none. */
  readonly pace?: SmtpPace
  /** Signs in the user that a proxy names (LOGIN of XCLIENT); undefined: not possible. */
  readonly vouched?: VouchedSource
  /** Not offered in EHLO, and their parameters are refused as unknown: the receiver does not keep them. */
  readonly withheld?: readonly SmtpPromise[]
  /** Names the connection in logs and traces. */
  readonly connectionId: string
}

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
  /** The client has signed in, or is in a trusted network: some checks and limits do not apply to it. */
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
