/**
 * What an engine is: rows, contents, and one way to write. What a process remembers of them (message tables, the directory, flag names) and
 * who listens is the node's, `node/node-store.ts`, the same above every engine. docs/architecture.md §31.
 */
import type { AccountId, ModSeq } from '../mail/ids.ts'
import type { Change } from './changes.ts'
import type { Store, StoreReads } from './store.ts'

/** An engine has no memory of what it read, and one listener: its node. */
export interface StoreEngine extends Omit<Store, 'read' | 'listen'> {
  readonly rows: EngineRows
  /**
   * Called once, before the first commit. `changed` hears of every group of commits, when its rows can be read and before its commits with
   * `until: 'visible'` are answered, also before what it returns has resolved: there the node reads what it missed.
   */
  attach(changed: (changes: readonly Change[]) => Promise<unknown> | void): void
  /**
   * Keeps a table that nothing uses any more, so that the next reader has its messages at once; optional, and no promise. Does not throw: without
   * it the rows are read.
   */
  keepTable?(mailbox: number, table: KeptTable): Promise<void>
  /** News may be lost on its way, or come twice, late or in another order: the node looks for what it missed. */
  readonly newsMayBeLost?: boolean
}

/** Reads of rows, as `StoreReads` describes them. What a node has as a value is a promise here. */
export interface EngineRows extends Omit<StoreReads, 'domains' | 'isLocalDomain' | 'table'> {
  /** Lower case, sorted. */
  domains(): Promise<readonly string[]>
  /** The account's keywords and their bits; system flags and well-known keywords have theirs in every account. */
  keywords(account: AccountId): Promise<readonly KeywordRow[]>
  /** Of an account, as its rows are; 0 for one that is gone. */
  modSeq(account: AccountId): Promise<ModSeq>
  /** Of accounts, aliases, credentials and domains: grows with each change of them. */
  directoryVersion(): Promise<number>
  /**
   * What brings a reader with everything up to `after` to the present, in pages. The first change is the account's: its `after` is larger than
   * the one asked for where older expunges are forgotten, and then the rest is not all; one that says so may also come at the end. Nothing at all: the account is gone. A
   * mailbox's messages come before its expunges. Newer changes
   * may be in it already: they change nothing when they come once more.
   */
  changes(account: AccountId, after: ModSeq): AsyncIterable<readonly Change[]>
  /** Messages of a mailbox behind UID `after`, in UID order: as many as the engine reads at once, none at the end. */
  tablePage(mailbox: number, after: number): Promise<TablePage>
}

/** A message table as a node has it: everything of the mailbox up to `highestModSeq`. */
export interface KeptTable {
  readonly page: TablePage
  readonly highestModSeq: ModSeq
}

export interface KeywordRow {
  readonly bit: number
  readonly name: string
}

/** Parallel arrays, one entry a message. */
export interface TablePage {
  readonly uids: Uint32Array
  readonly flagsLow: Uint32Array
  readonly flagsHigh: Uint32Array
  readonly modSeqs: Float64Array
  /** All of it was kept by `keepTable`. */
  readonly isKept?: boolean
}
