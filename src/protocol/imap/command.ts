/** What a verb of IMAP is: what it sees, what it answers, and what only IMAP says of it. */
import type { SessionHost } from '../action.ts'
import { commandOf, type Command } from '../command.ts'
import type { Authenticated } from '../sasl/authenticator.ts'
import type { ImapAccount, ImapSelected } from './backend.ts'
import type { ImapOptions } from './options.ts'
import type { Out } from './out.ts'
import type { LastStructure } from './fetch/structure.ts'
import type { View } from './view.ts'
import type { Line } from './wire/line.ts'

/** RFC 3501 §3. Logout is the end of the session object itself. */
export type State = 'notAuthenticated' | 'authenticated' | 'selected'

export const anyState: readonly State[] = ['notAuthenticated', 'authenticated', 'selected']
export const signedIn: readonly State[] = ['authenticated', 'selected']

/** Nothing: done at once. A promise: waits for the backend. A generator: streams, and leaves what it has not yielded in `out`. */
export type Work = void | Promise<void> | AsyncGenerator<Uint8Array, void, void>

/** The session as verbs see it. */
export interface Conversation {
  readonly host: SessionHost
  readonly options: ImapOptions
  readonly out: Out
  readonly state: State
  /** The present command's. */
  readonly tag: string
  /** The present command was given as UID <name>. */
  readonly byUid: boolean
  /** The structure of the message last looked into: clients ask for its parts one after another. */
  structure: LastStructure | undefined
  /** Asserts that the client has signed in. */
  readonly account: ImapAccount
  /** Asserts that a mailbox is selected. */
  readonly selected: ImapSelected
  readonly view: View
  /** Names that ENABLE has switched on. RFC 5161. */
  readonly enabled: ReadonlySet<string>
  enable(name: string): void
  capabilities(): string
  signIn(user: Authenticated): Promise<void>
  /** A wrong password: counted; the limit ends the session. */
  signInFailed(): void
  select(name: string, readOnly: boolean): Promise<void>
  /** Leaves the selected mailbox without expunging. */
  unselect(): void
  /** The code and words of the tagged OK; without it "<name> completed". */
  completed(code: string | undefined, text?: string): void
  /** The command goes on line by line: IDLE, SASL. Its tagged reply waits for the dialogue's end. */
  converse(dialogue: Dialogue): void
  startTls(): void
  /** After the tagged reply the connection is closed. */
  logout(): void
  /** Only for APPEND: aborts the whole command with BYE. */
  bye(text: string): void
}

/** Lines that are no commands. */
export interface Dialogue {
  readonly lineMaxBytes: number
  /** The client is told of changes while it lasts: IDLE. */
  readonly listens: boolean
  /** Takes a line, null when it was too long. True: the dialogue is over and the tagged OK follows. Faults end it as well. */
  line(conversation: Conversation, bytes: Uint8Array | null): boolean | Promise<boolean>
}

/** Takes a command's literals as a stream: APPEND. */
export interface LiteralSink {
  /** `line` stands behind the verb, or behind the literal before. Refuses by throwing, before the client is told to send. */
  literal(line: Line, sizeBytes: number): Promise<void>
  /** @returns false: await `drained()` before more is written. */
  write(bytes: Uint8Array): boolean
  drained(): Promise<void>
  /** The literal is complete. */
  end(): Promise<void>
  /** The rest of the command, nothing if all went well: does the work. */
  finish(line: Line): Promise<void>
  abort(): void
}

/** The types of IMAP's commands. */
export interface ImapTypes {
  readonly context: Conversation
  readonly state: State
  readonly line: Line
  /** What CAPABILITY says. */
  readonly capability: string | ((conversation: Conversation) => readonly string[])
  readonly answer: Work
  readonly own: {
    /** Also as UID <name>. RFC 3501 §6.4.8. */
    readonly uid?: true
    /** When this verb's reply may tell of expunged messages. 'uid': only its UID form, or numbers in flight would shift. RFC 3501 §7.4.1. */
    readonly tellsExpunge: 'always' | 'uid' | 'never'
    /** The verb streams its literals. */
    literalSink?(conversation: Conversation): LiteralSink
  }
}

/** What a grammar leaves unread is a fault; a verb without one has no arguments. */
export type ImapCommand = Command<ImapTypes>

export const command = commandOf<ImapTypes>()
