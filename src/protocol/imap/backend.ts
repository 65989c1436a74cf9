/** What IMAP needs from the rest of the world. `system.ts` hands in the store's; tests hand in one in memory. */
import type { ModSeq, Uid } from '../../mail/ids.ts'
import type { Authenticated } from '../sasl/authenticator.ts'
import type { ContentSink, MessageBytes } from '../../mail/content.ts'
import type { FlagBits } from '../../mail/flags.ts'
import type { SearchKey, UidRanges } from '../../mail/search-key.ts'

/**
 * What the backend declines: answered `NO [code] text`. RFC 9051 §7.1, RFC 5530.
 * Everything else that it throws is answered NO [SERVERBUG] and logged.
 */
export class ImapRefusal extends Error {
  readonly code: ImapCode | undefined
  constructor(code: ImapCode | undefined, text: string) {
    super(text)
    this.name = 'ImapRefusal'
    this.code = code
  }
}

export type ImapCode =
  | 'NONEXISTENT'
  | 'ALREADYEXISTS'
  | 'TRYCREATE'
  | 'CANNOT'
  | 'OVERQUOTA'
  | 'LIMIT'
  | 'NOPERM'
  | 'INUSE'
  | 'EXPUNGEISSUED'
  | 'UNAVAILABLE'
  | 'TOOBIG'
  | 'HASCHILDREN'
  | 'AUTHORIZATIONFAILED'
  | 'AUTHENTICATIONFAILED'
  | 'PRIVACYREQUIRED'
  | 'USEATTR'
  | 'UNKNOWN-CTE'
  | `BADCHARSET (${string})`
  | 'SERVERBUG'
  | 'CORRUPTION'

export interface ImapBackend {
  /** Opens the mail of a user who has signed in. */
  open(user: Authenticated): Promise<ImapAccount>
}

export interface ImapMailboxInfo {
  /** NFC UTF-8, delimiter `/`; INBOX in capitals. */
  readonly name: string
  /** RFC 6154 special use, with its backslash: `\Sent`. */
  readonly specialUse?: string
  /** A name that only holds children: LIST says \Noselect (RFC 3501) or \NonExistent (RFC 9051). */
  readonly selectable: boolean
  readonly subscribed: boolean
}

export interface ImapMailboxStatus {
  readonly messages: number
  readonly recent: number
  readonly uidNext: Uid
  readonly uidValidity: number
  readonly unseen: number
  readonly deleted: number
  readonly sizeBytes: number
  readonly highestModSeq: ModSeq
  /** RFC 8474: an id that survives RENAME. */
  readonly mailboxId: string
}

export interface Namespaces {
  readonly personal: readonly { prefix: string; delimiter: string }[]
  readonly otherUsers: readonly { prefix: string; delimiter: string }[]
  readonly shared: readonly { prefix: string; delimiter: string }[]
}

export interface ImapAccount {
  /** RFC 2342. */
  readonly namespaces: Namespaces
  /** Largest message that APPEND takes, bytes. RFC 7889. */
  readonly appendLimitBytes: number
  /** Every mailbox of the account, and every subscribed name that no longer exists (not selectable). Bounded: `mailboxesMax` an account. */
  list(): Promise<readonly ImapMailboxInfo[]>
  /** Parents that miss are created. */
  create(name: string, specialUse?: string): Promise<{ readonly mailboxId: string }>
  delete(name: string): Promise<void>
  /** Children move along; of INBOX the messages move and INBOX stays. RFC 9051 §6.3.6. */
  rename(from: string, to: string): Promise<void>
  subscribe(name: string): Promise<void>
  unsubscribe(name: string): Promise<void>
  /** `recent`: whether that number is wanted, which may cost more than the rest. */
  status(name: string, wanted: { readonly recent: boolean }): Promise<ImapMailboxStatus>
  /** Throws NONEXISTENT. `onChange` is called (soon, never inside a call from the session) whenever `view.current()` has changed. */
  select(name: string, options: { readonly readOnly: boolean; readonly onChange: () => void }): Promise<ImapSelected>
  /** Is the name there, can `sizeBytes` more be stored? Asked before a literal is taken: TRYCREATE, OVERQUOTA, TOOBIG. */
  checkAppend(name: string, sizeBytes: number): Promise<void>
  /** Where an APPEND's literal goes. `finish()` of the sink gives the value that `append` takes. */
  appendSink(): ContentSink<AppendContent>
  /** Files the messages in one commit, or none. */
  append(
    name: string,
    messages: readonly AppendMessage[],
  ): Promise<{ readonly uidValidity: number; readonly uids: readonly number[] }>
  close(): void
}

/** Opaque to the protocol. */
export interface AppendContent {
  readonly sizeBytes: number
}

export interface AppendMessage {
  readonly content: AppendContent
  /** Flag and keyword names as given, without \Recent. */
  readonly flags: readonly string[]
  readonly internalDate?: InternalDate
}

/** An instant with the zone it was told in. */
export interface InternalDate {
  readonly epochMs: number
  readonly offsetMinutes: number
}

/**
 * The messages of a mailbox at one moment, in UID order: index i is sequence number i + 1.
 * The arrays are shared by all sessions and never change below `count`, but for flags and modSeqs, which are always the newest.
 * They may have spare room behind `count`. An expunge makes a new table (new arrays), an arrival only a larger count.
 */
export interface MessageTable {
  readonly count: number
  readonly uids: Uint32Array
  readonly flagsLow: Uint32Array
  readonly flagsHigh: Uint32Array
  readonly modSeqs: Float64Array
}

export interface ImapSelected {
  readonly name: string
  readonly mailboxId: string
  readonly readOnly: boolean
  readonly uidValidity: number
  uidNext(): Uid
  highestModSeq(): ModSeq
  /** No flags of a message that was there before changed behind this mod-sequence: a walk over the table for news is not needed. */
  flagsModSeq(): ModSeq
  /** UIDs from here on are \Recent to this session: it was the first read-write one to see them. RFC 3501 §2.3.2. */
  readonly recentUid: Uid
  /** Called when the session is told of new messages: claims \Recent for UIDs below uidNext; answers the first UID claimed. */
  claimRecent(): number
  /** The newest state. Cheap. The same table object as long as nothing but flags changed. */
  table(): MessageTable
  /** Resolves when `table()` has every message whose acceptance was answered; undefined: it has. */
  upToDate?(): Promise<void> | undefined
  /** Names of the flag bits, index = bit; grows, never changes. Some entries may be undefined (not in use). */
  flagNames(): readonly (string | undefined)[]
  /** Whether a new keyword could still be made: PERMANENTFLAGS says \*. */
  keywordsOpen(): boolean
  /** True when the mailbox was deleted meanwhile by another session: the session says BYE or unselects. */
  readonly gone: boolean
  /** Rows for the UIDs, in UID order, in pages; UIDs that are gone meanwhile are left out. */
  fetch(uids: Uint32Array, need: FetchNeed): FetchPages
  /**
   * Changes flags of the messages; answers the new modSeq, which those have whose flags were changed. `mode` is +FLAGS, -FLAGS or FLAGS.
   * With `unchangedSince`, messages changed later are left and named in `failed`. RFC 7162 §3.1.3.
   * When the promise resolves, `table()` shows the new flags.
   */
  store(
    uids: Uint32Array,
    mode: 'add' | 'remove' | 'replace',
    flags: readonly string[],
    unchangedSince?: ModSeq,
  ): Promise<{ readonly modSeq: ModSeq; readonly failed: Uint32Array }>
  /** Removes those of the UIDs that are \Deleted (all of the mailbox's when undefined). `table()` shows it when the promise resolves. */
  expunge(uids?: Uint32Array): Promise<{ readonly expunged: Uint32Array; readonly modSeq: ModSeq }>
  copy(uids: Uint32Array, target: string): Promise<CopyResult>
  move(uids: Uint32Array, target: string): Promise<CopyResult>
  /** UIDs that match, ascending; the backend runs it away from the main thread. `within` are the UIDs that the session knows of. */
  /** Ends early with `close`. @param still called now and then while it goes on. */
  search(key: SearchKey, within: UidRanges, still?: () => void): Promise<Uint32Array>
  close(): void
}

/** COPYUID: source and target in the same order. RFC 4315 §3. */
export interface CopyResult {
  readonly uidValidity: number
  readonly source: Uint32Array
  readonly target: Uint32Array
}

export interface FetchNeed {
  readonly envelope?: boolean
  readonly body?: boolean
  readonly bodyStructure?: boolean
  readonly internalDate?: boolean
  readonly size?: boolean
  readonly emailId?: boolean
  readonly threadId?: boolean
  readonly saveDate?: boolean
  /** The row's `bytes` can be read. */
  readonly bytes?: boolean
}

/** `whole`: all rows, where they could be had at once; then the pages need not be asked for, and are the same. */
export interface FetchPages extends AsyncIterable<readonly FetchRow[]> {
  readonly whole?: readonly FetchRow[]
}

/** What was asked of one message. Strings hold one byte a character (latin1) in the spelling that FETCH sends. */
export interface FetchRow {
  readonly uid: Uid
  readonly envelope?: string
  readonly body?: string
  readonly bodyStructure?: string
  readonly internalDate?: InternalDate
  readonly sizeBytes?: number
  readonly emailId?: string
  readonly threadId?: string
  readonly saveDateMs?: number
  readonly bytes?: MessageBytes
  /** The bytes that were asked for cannot be read: the message is left out of the answer, and the command ends with NO [CORRUPTION]. */
  readonly problem?: string
}

export type { FlagBits }
