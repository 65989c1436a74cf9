/** The store as everybody sees it: one way to write, bounded reads, a feed of changes. Engines implement `Store`. */
import type { ContentSink, MessageBytes } from '../mail/content.ts'
import type { SearchKey, UidRanges } from '../mail/search-key.ts'
import type { Change } from './changes.ts'
import type { StoredContent, ZonedInstant } from './content.ts'
import type {
  Account,
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
   * Does all operations or none, in order. With `until: 'durable'` the promise resolves when power loss can no longer undo it (SMTP's 250);
   * with 'visible' (the default) also every reader sees it. Results stand in the order of the operations; those of
   * delivery operations are known (UIDs) with 'visible' only.
   * Throws `StoreRefusal` for what cannot be (no such mailbox, over quota, name taken), StoreFault for what failed (disk full).
   */
  commit<const Ops extends readonly Operation[]>(
    operations: Ops,
    options?: { readonly until?: 'durable' | 'visible' },
  ): Promise<{ [I in keyof Ops]: ResultOf<Ops[I]> }>

  /** Where the bytes of a message go while it arrives. */
  sink(): ContentSink<StoredContent>
  /** Bytes [start, end) of a content that no commit has named yet. */
  readContent(content: StoredContent, start: number, end: number): Promise<Uint8Array>

  /** Listens to what becomes visible. Called on a turn of its own, never inside a commit's caller. @returns how to stop. */
  listen(listener: (changes: readonly Change[]) => void): () => void

  readonly read: StoreReads

  /** Frees what nobody holds any more and old expunge records. Called by a timer of the system, in small steps. */
  sweep(nowMs: number): Promise<SweepReport>
  /** A consistent copy of the whole store into a new folder or that of an earlier backup, while everything goes on. */
  backup(folder: string, options?: BackupOptions): Promise<BackupReport>
  /** Whether mail is taken: readiness asks. */
  state(): StoreState
  /** Files of the data folder that the rows do not know: moved aside, never removed by the store itself. */
  lost(): readonly LostFile[]
  /** Removes them. @returns how many there were. */
  dropLost(): number
  readonly quarantine: StoreQuarantine
  /** Computes anew what is kept of contents beside their bytes, and mends what differs. */
  reindex(options?: ReindexOptions): Promise<ReindexReport>
  close(): Promise<void>
}

export interface StoreState {
  /** Rows are missing that the log has: nothing is taken until they can be written. */
  readonly behind: boolean
  /** There is less room on the disk than is kept free: nothing new is taken, reading and deleting go on. */
  readonly full: boolean
}

export interface LostFile {
  /** From the data folder. */
  readonly path: string
  readonly sizeBytes: number
  readonly changedMs: number
}

/** Where a record of the log lies. */
export interface Place {
  readonly segment: number
  readonly position: number
}

/** A record of the log that could not be applied, or not be read though it was synced. Its recipients' ledger rows stay open. */
export interface QuarantinedRecord {
  readonly place: Place
  readonly sizeBytes: number
  readonly reason: string
  /** 1,000 at most. */
  readonly recipients: readonly string[]
}

/** What can be done about records that were set aside. */
export interface StoreQuarantine {
  count(): number
  has(place: Place): boolean
  list(limit: number): readonly QuarantinedRecord[]
  /** The messages of a record, with what stands before them; none where it cannot be read. */
  messages(place: Place): Promise<readonly Uint8Array[]>
  /** The bytes of the record, as they lie on the disk; undefined where even the copy is gone. */
  bytes(place: Place): Uint8Array | undefined
  /** Writes its messages into a folder, or the record's bytes where it cannot be read. */
  export(place: Place, folder: string): Promise<{ readonly files: readonly string[] }>
  /** Does what the record says, with new numbers. A mailbox that is gone is the recipient's INBOX. Throws StoreRefusal where it cannot. */
  retry(place: Place): Promise<void>
  /** Its recipients end as discarded. */
  drop(place: Place): Promise<void>
}

export interface ReindexOptions {
  /** One account's mail alone. */
  readonly account?: number
  /** Called with the messages looked at so far. */
  readonly progress?: (messages: number) => void
}

export interface ReindexReport {
  readonly messages: number
  /** Contents whose facts differed. */
  readonly contentsMended: number
  /** Ways to find a thread that missed. */
  readonly threadKeysMended: number
}

export interface BackupOptions {
  /** Called with the bytes that are in the backup so far. */
  readonly progress?: (bytes: number) => void
  /** Folders of the data folder, beside the store's own, that belong to it. */
  readonly also?: readonly string[]
}

export interface BackupReport {
  readonly generation: number
  readonly accounts: number
  readonly messages: number
  readonly bytes: number
  /** What had to be copied: an earlier backup in that folder had the rest. */
  readonly copiedBytes: number
}

export interface SweepReport {
  /** Large files that the rows do not know and that are no leftovers of their own: moved to `lost/`. */
  readonly movedToLost: number
  readonly contentsFreed: number
  readonly segmentsFreed: number
  readonly expungedForgotten: number
}

/** Reads by key, in bounded pages. */
export interface StoreReads {
  /** The domains that are ours, lower case. */
  domains(): readonly string[]
  isLocalDomain(domain: string): boolean
  /** What delivery asks of an address with every message: remembered until the directory changes. */
  user(name: string): User | undefined
  /** The account's INBOX, which never changes. */
  inbox(account: number): number | undefined
  account(name: string): Account | undefined
  accountById(id: number): Account | undefined
  accounts(after: string, limit: number): readonly Account[]
  /** Remembered like `user`. */
  alias(address: string): Alias | undefined
  aliases(after: string, limit: number): readonly Alias[]
  /** Credentials of one kind, newest first. */
  credentials(
    account: number,
    kind: string,
  ): readonly { readonly id: number; readonly name: string; readonly value: string }[]
  setting(name: string): string | undefined

  mailboxes(account: number): readonly MailboxRow[]
  mailbox(id: number): MailboxRow | undefined
  mailboxByName(account: number, name: string): MailboxRow | undefined
  /** Remembered, unlike the row: who appends or copies asks again and again. */
  mailboxId(account: number, name: string): number | undefined
  subscriptions(account: number): readonly string[]
  /** Names of the account's flag bits; index = bit. Shared, grows in place. */
  flagNames(account: number): readonly (string | undefined)[]
  /** The messages of a mailbox, shared by all who hold it; `release()` it. */
  table(mailbox: number): Promise<LiveTable>
  /** What FETCH asks of messages: in pages, in UID order. */
  rows(mailbox: number, uids: Uint32Array, need: RowNeed): AsyncIterable<readonly MessageRow[]>
  /** Throws SearchCancelled once `signal` says so, StoreRefusal 'searchTooLong'. Searches of different accounts take turns. */
  search(mailbox: number, key: SearchKey, within: UidRanges, options?: SearchOptions): Promise<Uint32Array>

  /** What tells each message of a mailbox from every other, wherever it lies: behind `after`, in UID order. */
  identities(mailbox: number, after: number, limit: number): readonly MessageIdentity[]

  queue(after: number, limit: number): readonly QueueRow[]
  /**
   * Those of the next `looked` recipients that fit, up to `limit`; `next` is where to go on, undefined at the end. However few fit, one call
   * reads no more than that.
   */
  queueWhere(filter: QueueFilter, after: number, limit: number): QueuePage
  queueRecipient(id: number): QueueRow | undefined
  /** The recipients that still wait of the same message, up to `limit`. */
  queueSiblings(row: QueueRow, limit: number): readonly QueueRow[]
  queueAttempts(recipient: number): readonly QueueAttempt[]
  /** How much waits for whom, over the next recipients in the order of their ids. */
  queueShape(after: number, nowMs: number): QueueShape
  /** When the next queued recipient is due, epoch milliseconds. */
  queueDue(): number | undefined
  /** `problem`: why it cannot be read; each read of it throws. */
  queuedContent(entry: number): MessageBytes | undefined
  ledger(arrivalId: string): readonly LedgerRow[]
  /** Rows of arrivals with `after` < id < `before`, oldest first, of one recipient where one is given; bounded as `queueWhere`. */
  ledgerWhere(after: string, before: string, recipient: string | undefined, limit: number): LedgerPage
  /** How many messages of a mailbox have that UID or a larger one; of many only the first are counted, and `next` is where to go on. */
  messagesFrom(mailbox: number, uid: number): { readonly count: number; readonly next?: number }
  /** What there is in all: kept by the writer, not counted. */
  counts(): StoreCounts
}

/** `identity`: a number made of the bytes that arrived, of what we put before them, and of the internal date. */
export interface MessageIdentity {
  readonly uid: number
  readonly identity: number
}

export interface SearchOptions {
  /** Nobody waits for it any more. */
  readonly signal?: AbortSignal
  /** Called now and then while it goes on. */
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
  /** false: date, size and ids are not wanted (they are then 0): the page is read quicker. */
  readonly facts?: boolean
  readonly envelope?: boolean
  readonly body?: boolean
  readonly bodyStructure?: boolean
  readonly bytes?: boolean
}

/** Date, size and ids come with every row unless `facts` is false; the rest when asked. Strings are in FETCH's own spelling, one byte a character. */
export interface MessageRow {
  readonly uid: number
  readonly internalDate: ZonedInstant
  readonly sizeBytes: number
  readonly emailId: number
  readonly threadId: number
  readonly saveDateMs: number
  /** What an import gave; null: derived from uidValidity and UID. */
  readonly uidl: string | null
  readonly envelope?: string
  readonly body?: string
  readonly bodyStructure?: string
  readonly bytes?: MessageBytes
  /** Why the bytes that were asked for cannot be read: each read of them throws. */
  readonly problem?: string
}

export type StoreRefusalCode =
  | 'noSuchMailbox'
  | 'noSuchAccount'
  | 'noSuchDomain'
  | 'noSuchAlias'
  | 'noSuchEntry'
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

/** What cannot be done, and why: expected, nothing was changed. */
export class StoreRefusal extends Error {
  readonly code: StoreRefusalCode
  constructor(code: StoreRefusalCode, text: string) {
    super(text)
    this.name = 'StoreRefusal'
    this.code = code
  }
}

/** What failed: nothing of the commit was done. `full`: there is no room on the disk; it may be tried again later. */
export class StoreFault extends Error {
  readonly full: boolean
  constructor(text: string, full: boolean) {
    super(text)
    this.name = 'StoreFault'
    this.full = full
  }
}
