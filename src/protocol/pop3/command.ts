/** What a verb of POP3 is: what it sees and changes, and what it answers. */
import type { Action, SessionHost } from '../action.ts'
import { commandOf, type Command, type CommandTable } from '../command.ts'
import type { Authenticated } from '../sasl/authenticator.ts'
import type { SaslMechanism } from '../sasl/mechanism.ts'
import type { Pop3Maildrop } from './backend.ts'
import type { Pop3Options } from './options.ts'
import { Pop3Fault } from './reply.ts'
import type { Words } from './words.ts'

/** RFC 1939 §3: before login and after it. The UPDATE state is QUIT's own work. */
export type State = 'authorization' | 'transaction'

export const anyState: readonly State[] = ['authorization', 'transaction']

/** What verbs see and change. */
export interface Pop3State {
  readonly options: Pop3Options
  /** CAPA tells what the others earn. */
  readonly commands: CommandTable<Pop3Command>
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

/** The types of POP3's commands. */
export interface Pop3Types {
  readonly context: Pop3State
  readonly state: State
  /** The words behind the verb. */
  readonly line: readonly string[]
  /** The CAPA lines that the verb earns in the present state. RFC 2449 §5. */
  readonly capability: (state: Pop3State) => readonly string[]
  /** Bytes at once, a promise of them, or an action of its own. Faults: Pop3Fault, Pop3Refusal, Refusal. */
  readonly answer: Uint8Array | Promise<Uint8Array> | Action
  readonly own: object
}

export type Pop3Command = Command<Pop3Types>

export const command = commandOf<Pop3Types>()

/** `msg`, the number of a message that exists and is not deleted; as its index. RFC 1939 §3. */
export function messageIndex(state: Pop3State, text: string | undefined): number {
  const number = text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : 0
  const index = number - 1
  if (number < 1 || !state.maildrop.messages[index] || state.deleted.has(index))
    throw new Pop3Fault((words) => words.noSuchMessage)
  return index
}
