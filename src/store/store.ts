/** The interface of the store: one way to write, bounded reads, a feed of changes. Engines implement `Store`. */
import type { AccountId, Uid } from '../mail/ids.ts'
import type { ContentSink, MessageBytes } from '../mail/content.ts'
import type { SearchKey, UidRanges } from '../mail/search-key.ts'
import type { Change } from './changes.ts'
import type { StoredContent, ZonedInstant } from './content.ts'
import type { EmailReads } from './emails.ts'
import type {
  Account,
  AddressRows,
  Alias,
  LedgerRow,
  MailboxRow,
  QueueAttempt,
  QueueFilter,
  QueueRow,
  QueueShapeRow,
  StoreCounts,
  User,
} from './entities.ts'
import type { Operation, ResultOf } from './operations.ts'
import type { LiveTable } from './table.ts'

export type { StoredContent, ZonedInstant } from './content.ts'

export interface Store {
  /**
   * Does all operations or none, in order. With `until: 'durable'` the promise resolves when power loss can no longer undo them (SMTP's
   * 250); with 'visible' (the default) when every reader sees them too. Results are in the order of the operations, with the
   * numbers that were given (UIDs, ids of the queue). Rows of arrivals may come at the end: no operation of the same commit may rely on them.
   * Throws `StoreRefusal` for impossible operations (no such mailbox, over quota, name taken), StoreFault for failures (disk full).
   */
  commit<const Ops extends readonly Operation[]>(
    operations: Ops,
    options?: { readonly until?: 'durable' | 'visible' },
  ): Promise<{ [I in keyof Ops]: ResultOf<Ops[I]> }>

  /** Takes the bytes of an arriving message. */
  sink(): ContentSink<StoredContent>

  /** Listens to changes as they become visible. Never called synchronously within `commit`. @returns a function that stops listening. */
  listen(listener: (changes: readonly Change[]) => void): () => void

  readonly read: StoreReads

  /** Deletes unreferenced rows and files, and old expunge records. Called by a timer of the system, in small steps. */
  sweep(nowMs: number): Promise<SweepReport>
  /** Copies the whole store consistently into a new folder, or into that of an earlier backup, while it is in use. */
  backup(folder: string, options?: BackupOptions): Promise<BackupReport>
  /** Whether mail is accepted; for readiness. */
  state(): StoreState
  /** Files of the data folder without a row: moved to `lost/`, never deleted by the store itself. */
  lost(): Promise<readonly LostFile[]>
  /** Deletes them. @returns how many there were. */
  dropLost(): Promise<number>
  readonly quarantine: StoreQuarantine
  /** Computes the facts of all contents again from their bytes, and corrects those that differ. */
  reindex(options?: ReindexOptions): Promise<ReindexReport>
  close(): Promise<void>
}

export interface StoreState {
  /** Rows of committed records are missing: no mail is accepted until they can be written. */
  readonly behind: boolean
  /** The disk has less space than the reserve: no new mail is accepted; reading and deleting still work. */
  readonly full: boolean
}

export interface LostFile {
  /** Relative to the data folder. */
  readonly path: string
  readonly sizeBytes: number
  readonly changedMs: number
}

/** The position of a record in the log. */
export interface Place {
  readonly segment: number
  readonly position: number
}

/** A synced record that could not be applied or read. The ledger rows of its recipients stay open. */
export interface QuarantinedRecord {
  readonly place: Place
  readonly sizeBytes: number
  readonly reason: string
  /** 1,000 at most. */
  readonly recipients: readonly string[]
}

/** Commands for quarantined records. */
export interface StoreQuarantine {
  count(): Promise<number>
  has(place: Place): Promise<boolean>
  list(limit: number): Promise<readonly QuarantinedRecord[]>
  /** The messages of a record, with their prefixes; none if it cannot be read. */
  messages(place: Place): Promise<readonly Uint8Array[]>
  /** The bytes of the record on disk; undefined if even the copy is missing. */
  bytes(place: Place): Promise<Uint8Array | undefined>
  /** Writes its messages into a folder, or the bytes of the record if it cannot be read. */
  export(place: Place, folder: string): Promise<{ readonly files: readonly string[] }>
  /** Applies the record again with new numbers; INBOX replaces a deleted mailbox. Throws StoreRefusal if that is impossible. */
  retry(place: Place): Promise<void>
  /** Gives its recipients the outcome `discarded`. */
  drop(place: Place): Promise<void>
}

export interface ReindexOptions {
  /** Only the mail of this account. */
  readonly account?: AccountId
  /** Called with the messages looked at so far. */
  readonly progress?: (messages: number) => void
}

export interface ReindexReport {
  readonly messages: number
  /** Contents whose facts differed. */
  readonly contentsMended: number
  /** Thread keys that were missing. */
  readonly threadKeysMended: number
}

export interface BackupOptions {
  /** Called with the bytes that are in the backup so far. */
  readonly progress?: (bytes: number) => void
  /** Further folders of the data folder that belong to the backup. */
  readonly also?: readonly string[]
}

export interface BackupReport {
  readonly generation: number
  readonly accounts: number
  readonly messages: number
  readonly bytes: number
  /** Bytes that were copied; the rest was there from an earlier backup. */
  readonly copiedBytes: number
}

export interface SweepReport {
  /** Large files that the rows do not know and that are no leftovers of their own: moved to `lost/`. */
  readonly movedToLost: number
  readonly contentsFreed: number
  readonly segmentsFreed: number
  readonly expungedForgotten: number
}

/**
 * Reads by key, in bounded pages. What leaves memory is a promise, and may be old when it is used: what a write relies on is checked again by
 * the commit (docs/architecture.md §27). A read never misses what a commit has answered, even if its rows are still to come.
 */
export interface StoreReads extends EmailReads {
  /** The local domains, lower case. */
  domains(): readonly string[]
  isLocalDomain(domain: string): boolean
  /** Needed for the addresses of every message, so remembered until the directory changes. */
  user(name: string): Promise<User | undefined>
  account(name: string): Promise<Account | undefined>
  accountById(id: AccountId): Promise<Account | undefined>
  /**
   * Bytes that an account uses, 0 for one that is gone. Unlike the account's row it waits for nothing, so it may be behind what was answered:
   * deliveries ask for it, one after another, and the commit counts again.
   */
  usedBytes(account: AccountId): Promise<number>
  accounts(after: string, limit: number): Promise<readonly Account[]>
  /** Both by one read. */
  address(address: string): Promise<AddressRows>
  /** Remembered like `user`. */
  alias(address: string): Promise<Alias | undefined>
  aliases(after: string, limit: number): Promise<readonly Alias[]>
  /** Credentials of one kind, newest first. */
  credentials(account: AccountId, kind: string): Promise<readonly Credential[]>
  setting(name: string): Promise<string | undefined>

  mailboxes(account: AccountId): Promise<readonly MailboxRow[]>
  mailbox(id: number): Promise<MailboxRow | undefined>
  mailboxByName(account: AccountId, name: string): Promise<MailboxRow | undefined>
  /** Remembered, unlike the row: APPEND and COPY need it often. */
  mailboxId(account: AccountId, name: string): Promise<number | undefined>
  subscriptions(account: AccountId): Promise<readonly string[]>
  /** The messages of a mailbox, in a table that all its holders share; `release()` it. */
  table(mailbox: number): Promise<LiveTable>
  /** Resolves when the table of this mailbox has all that was answered; undefined: it has. */
  upToDate(mailbox: number): Promise<void> | undefined
  /** Facts of messages for FETCH: in pages, in UID order. */
  rows(mailbox: number, uids: Uint32Array, need: RowNeed): MessagePages
  /** Throws SearchCancelled once `signal` says so, StoreRefusal 'searchTooLong'. Searches of different accounts take turns. */
  search(mailbox: number, key: SearchKey, within: UidRanges, options?: SearchOptions): Promise<Uint32Array>

  /** An identity for each message of a mailbox, equal in other mailboxes and stores: after UID `after`, in UID order. */
  identities(mailbox: number, after: number, limit: number): Promise<readonly MessageIdentity[]>

  queue(after: number, limit: number): Promise<readonly QueueRow[]>
  /**
   * Matching recipients among the next `looked` ones, up to `limit`; `next` is where to continue, undefined at the end. However few match,
   * one call reads no more rows.
   */
  queueWhere(filter: QueueFilter, after: number, limit: number): Promise<QueuePage>
  queueRecipient(id: number): Promise<QueueRow | undefined>
  /** Queued recipients of the same message, up to `limit`. */
  queueSiblings(row: QueueRow, limit: number): Promise<readonly QueueRow[]>
  queueAttempts(recipient: number): Promise<readonly QueueAttempt[]>
  /** How many recipients wait for each destination, among the next ones by id. */
  queueShape(after: number, nowMs: number): Promise<QueueShape>
  /** When the next queued recipient is due, epoch milliseconds. Recipients that their own commit has leased are not counted. */
  queueDue(): Promise<number | undefined>
  /** The message of a leased recipient. If it has a `problem`, it cannot be read: each read throws. */
  queuedContent(entry: number): Promise<QueuedMessage | undefined>
  ledger(arrivalId: string): Promise<readonly LedgerRow[]>
  /** Rows of arrivals with `after` < id < `before`, oldest first; of one recipient if given; limited like `queueWhere`. */
  ledgerWhere(after: string, before: string, recipient: string | undefined, limit: number): Promise<LedgerPage>
  /** How many messages of a mailbox have this UID or a larger one; counts a limited number, `next` is where to continue. */
  messagesFrom(mailbox: number, uid: Uid): Promise<{ readonly count: number; readonly next?: Uid }>
  /** Totals, maintained by the writer instead of counted. */
  counts(): Promise<StoreCounts>
}

/** A queued message as it goes out. */
export interface QueuedMessage extends MessageBytes {
  /** The facts of its content are stored: it can be filed without reading it. */
  readonly indexed?: boolean
}

export interface Credential {
  readonly id: number
  readonly name: string
  readonly value: string
}

/** `identity`: a number made of the bytes that arrived, of what we put before them, and of the internal date. */
export interface MessageIdentity {
  readonly uid: Uid
  readonly identity: number
}

export interface SearchOptions {
  /** Aborts the search. */
  readonly signal?: AbortSignal
  /** Called at intervals while the search runs. */
  readonly still?: () => void
}

export class SearchCancelled extends Error {
  constructor() {
    super('The search was cancelled')
    this.name = 'SearchCancelled'
  }
}

export interface QueuePage {
  readonly rows: readonly QueueRow[]
  readonly next?: number
}

export interface QueueShape {
  readonly rows: readonly QueueShapeRow[]
  readonly next?: number
}

export interface LedgerPage {
  readonly rows: readonly LedgerRow[]
  readonly next?: string
}

export interface RowNeed {
  /** false: date, size and ids are not needed (they are 0 then), which is quicker. */
  readonly facts?: boolean
  readonly envelope?: boolean
  readonly body?: boolean
  readonly bodyStructure?: boolean
  readonly bytes?: boolean
}

/**
 * Date, size and ids are in every row unless `facts` is false; the rest on request. Strings are in the form that FETCH sends, one byte a
 * character.
 */
export interface MessageRow {
  readonly uid: Uid
  readonly internalDate: ZonedInstant
  readonly sizeBytes: number
  readonly emailId: number
  readonly threadId: number
  readonly saveDateMs: number
  /** Given by an import; null: derived from uidValidity and UID. */
  readonly uidl: string | null
  readonly envelope?: string
  readonly body?: string
  readonly bodyStructure?: string
  readonly bytes?: MessageBytes
  /** Why the requested bytes cannot be read: each read throws. */
  readonly problem?: string
}

/** `whole`: all rows, where an engine had them at once; then the pages need not be asked for, and are the same. */
export interface MessagePages extends AsyncIterable<readonly MessageRow[]> {
  readonly whole?: readonly MessageRow[]
}

export type StoreRefusalCode =
  | 'noSuchMailbox'
  | 'noSuchAccount'
  | 'noSuchDomain'
  | 'noSuchAlias'
  | 'noSuchEntry'
  | 'accountDisabled'
  | 'changed'
  | 'nameTaken'
  | 'nameBad'
  | 'notAllowed'
  | 'hasChildren'
  | 'overQuota'
  | 'tooManyMailboxes'
  | 'tooManyKeywords'
  | 'leaseLost'
  | 'notReadable'
  | 'searchTooLong'

/** An expected refusal, with its reason: nothing was changed. */
export class StoreRefusal extends Error {
  readonly code: StoreRefusalCode
  constructor(code: StoreRefusalCode, text: string) {
    super(text)
    this.name = 'StoreRefusal'
    this.code = code
  }
}

/** A failure: nothing of the commit was done. `full`: the disk is full; try again later. */
export class StoreFault extends Error {
  readonly full: boolean
  constructor(text: string, full: boolean) {
    super(text)
    this.name = 'StoreFault'
    this.full = full
  }
}
