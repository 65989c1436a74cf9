/** What a verb of SMTP is: what it sees and changes, what it answers, and what only SMTP says of it. */
import type { Peer } from '../../base/network.ts'
import type { Action, SessionHost } from '../action.ts'
import { commandOf, type Command, type CommandTable } from '../command.ts'
import type { Authenticated } from '../sasl/authenticator.ts'
import type { SaslMechanism } from '../sasl/mechanism.ts'
import type { SmtpClientFacts, SmtpConnection, SmtpService, SmtpTransaction } from './backend.ts'
import type { ErrorLimits } from './error-limits.ts'
import type { Forwarded } from './forwarded.ts'
import type { SmtpServerOptions } from './options.ts'
import type { SmtpPolicy } from './policy.ts'

/** Before EHLO; in the initial state (RFC 5321 §4.1.1.1); with a sender; with a sender and recipients. */
export type State = 'connected' | 'initial' | 'transaction' | 'recipients'

export const anyState: readonly State[] = ['connected', 'initial', 'transaction', 'recipients']
export const afterHello: readonly State[] = ['initial', 'transaction', 'recipients']

/** What verbs see and change. */
export interface ServerState {
  readonly options: SmtpServerOptions
  /** EHLO and HELP tell what is in it. */
  readonly commands: CommandTable<SmtpCommand>
  readonly policy: SmtpPolicy
  readonly host: SessionHost
  readonly errorLimits: ErrorLimits
  /** What takes the messages of this connection. */
  readonly connection: SmtpConnection
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
  /** The client has signed in, or is in one of our own networks. */
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

/** What a verb says: bytes at once, a promise of them, or an action of its own. */
export type Answer = Uint8Array | Promise<Uint8Array> | Action

/** The types of SMTP's commands. */
export interface SmtpTypes {
  readonly context: ServerState
  readonly state: State
  /** What stands behind the verb, without spaces around it. */
  readonly line: Uint8Array
  /** The EHLO keyword that the verb earns in the present state, or undefined. RFC 5321 §2.2.2. */
  readonly capability: (state: ServerState) => string | undefined
  /** Faults: SyntaxFault, Refusal. */
  readonly answer: Answer
  readonly own: {
    /** Services that have the verb; all when absent. */
    readonly services?: readonly SmtpService[]
    /** Whether this client may have it: HELP tells others nothing of it. All clients when absent. */
    offered?(state: ServerState): boolean
    /** Why it cannot be had now, whatever its argument: said before the grammar sees that. undefined: it can. */
    declines?(state: ServerState): Answer | undefined
    /** What HELP says. */
    readonly help: string
  }
}

export type SmtpCommand = Command<SmtpTypes>

export const command = commandOf<SmtpTypes>()

function stateOf({ helo, transaction, recipients }: ServerState): State {
  if (helo === undefined) return 'connected'
  if (!transaction) return 'initial'
  return recipients === 0 ? 'transaction' : 'recipients'
}

/** What has to be said first, where the session is in none of `states`; undefined: nothing. RFC 5321 §4.1.4. */
export function missingFor(states: readonly State[], session: ServerState): string | undefined {
  const state = stateOf(session)
  if (states.includes(state)) return undefined
  if (state === 'connected') return `Say ${session.options.service === 'lmtp' ? 'LHLO' : 'EHLO'} first`
  return state === 'initial' ? 'Say MAIL first' : 'Say RCPT first'
}
