/** What a check is: it sees a message come, and says whether, and how, it is accepted. docs/architecture.md §30. */
import type { Mailbox, RecipientDsn, ReversePath } from '../mail/envelope.ts'
import type { Header } from '../mail/header.ts'
import type { HeaderFacts } from '../mail/message-facts.ts'
import type { Status } from '../mail/status.ts'
import type { MailParameters, SmtpClientFacts } from '../protocol/smtp/backend.ts'
import type { SpeaksFor } from './clients.ts'
import type { MessageNotes, Note } from './notes.ts'

/** undefined: passes. */
export type Verdict =
  /** A 5xx reply. The first refusal ends: the checks that follow are not asked. */
  | { readonly kind: 'refuse'; readonly status: Status; readonly untraced?: boolean }
  /** A 4xx reply: the client is to come again. `untraced`: too cheap an event for the log and the trace, such as a flood. */
  | { readonly kind: 'defer'; readonly status: Status; readonly untraced?: boolean }
  /**
   * The checks of these names that follow in the array are not asked. Said at `hello`, this holds for the connection; at
   * `sender` or `data`, for the message; at `recipient` and `message`, for that moment.
   */
  | { readonly kind: 'trust'; readonly skips: readonly string[] }
  /** Passes, and something is to be done or known. At `hello`, for each message of the connection. */
  | ({ readonly kind: 'note' } & Note)
  | undefined

export type Answer = Verdict | Promise<Verdict>

/** A message as a check sees it, between its last byte and the reply. */
export interface CheckedMessage {
  /** As in Received and in `pennypost trace`. */
  readonly id: string
  readonly reversePath: ReversePath
  readonly parameters: MailParameters
  /** Those that were accepted at RCPT. */
  readonly recipients: readonly Mailbox[]
  readonly sizeBytes: number
  /** What was parsed of the header. */
  readonly facts: HeaderFacts
  /** What the checks before have noted. */
  readonly notes: () => MessageNotes
  readonly header: () => Promise<Header>
  /** The bytes after the header, in pieces. */
  readonly body: () => AsyncIterable<Uint8Array>
  /** Bytes of the message as it arrived. */
  readonly read: (start: number, end: number) => Promise<Uint8Array>
}

/** The moments at which a check may speak, in the order of SMTP. */
export type Moment = 'hello' | 'sender' | 'recipient' | 'data' | 'message'

/**
 * A check in one connection: its state is in this object, or in its closure. All methods are optional.
 *
 * Each moment gets the client as it is then. A connection carries one message at a time, so what `sender` keeps is still
 * there at `message`; there may be no `message` (RSET, refusals), and the next `sender` begins anew.
 *
 * What a moment throws is an error of the check and answered by its `onFailure`; a Refusal is a verdict.
 */
export interface CheckSession {
  /** EHLO, HELO or LHLO; again after STARTTLS, and then what was said before counts no more. RFC 3207 §4.2. */
  hello?(client: SmtpClientFacts): Answer
  /** MAIL. Work that takes time is best begun here, and awaited at `message`. */
  sender?(client: SmtpClientFacts, reversePath: ReversePath, parameters: MailParameters): Answer
  /** RCPT. @param mailbox complete, and as rewritten by our rules. */
  recipient?(client: SmtpClientFacts, mailbox: Mailbox, dsn: RecipientDsn): Answer
  /** DATA, before the client is told to go ahead; or the first BDAT. */
  data?(client: SmtpClientFacts): Answer
  /** The message is complete, and nothing of it is accepted yet. */
  message?(client: SmtpClientFacts, message: CheckedMessage): Answer
  /** A recipient was refused, by this check or another one. */
  refused?(client: SmtpClientFacts, mailbox: Mailbox, status: Status): void
  /**
   * The connection has ended, however it ended; the last call, and made once for each session that began. A message whose
   * bytes had come is decided first.
   */
  closed?(): void
}

/**
 * A check: one file in this room, and one row in the array of `system/checks.ts`, whose order is the order in which
 * checks are asked at each moment. The bounces that we make ourselves are not checked.
 *
 * A complete one, which asks a list of addresses while the message comes, and counts a listing as four points:
 *
 * ```ts
 * export function listed(resolver: Resolver, zone: string): Check {
 *   return {
 *     name: 'listed',
 *     speaksFor: 'unauthenticated',
 *     limitMs: 5_000,
 *     onFailure: 'pass',
 *     begin({ peer }) {
 *       // Begun with the connection, and awaited only when the answer is needed.
 *       const answer = early(resolver.addresses(`${peer.address.split('.').reverse().join('.')}.${zone}`))
 *       return {
 *         async message() {
 *           if ((await answer).kind !== 'found') return undefined
 *           return { kind: 'note', score: 4, fitted: [`listed in ${zone}`] }
 *         },
 *       }
 *     },
 *   }
 * }
 * ```
 */
export interface Check {
  /** Unique. For the log, the trace, and checks that trust. */
  readonly name: string
  /** It is not asked about the mail of others. */
  readonly speaksFor: SpeaksFor
  /**
   * How long one moment may take; after it, `onFailure` answers, and what comes late is ignored. undefined: the check
   * waits for nothing but what has limits of its own (the store, the directory, a resolver with a budget), and costs no
   * timer.
   */
  readonly limitMs?: number
  /**
   * The answer when it throws or takes too long: `pass`, as if it were not there, or 451 with these words. For the rest
   * of the message it then counts as failed, and is not waited for again. `fault`: it fails only when the store or we
   * ourselves do, and the transaction fails as with any such error.
   */
  readonly onFailure: 'pass' | 'fault' | { readonly defer: string }
  /**
   * A connection has opened. What it takes time to find out is begun here, and awaited in a moment: a connection is
   * refused at `hello`. undefined: this check has nothing to do with it.
   */
  begin(client: SmtpClientFacts): CheckSession | undefined
}

/** Refused or deferred, as the reply's code says. */
export function declined(status: Status): Verdict {
  return { kind: status.code >= 500 ? 'refuse' : 'defer', status }
}

/**
 * Work that is begun now and awaited later, or never: if it fails before it is awaited, that is not an unhandled
 * rejection, which would end the process.
 */
export function early<T>(work: Promise<T>): Promise<T> {
  work.catch(() => {})
  return work
}
