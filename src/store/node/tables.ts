/** The message tables in use: loaded once, updated by the change feed, dropped after the last holder released them. */
import type { Clock } from '../../base/clock.ts'
import { turn } from '../../base/clock.ts'
import type { AccountId } from '../../mail/ids.ts'
import type { Change } from '../changes.ts'
import type { EngineRows, StoreEngine, TablePage } from '../engine.ts'
import type { MailboxRow } from '../entities.ts'
import { StoreRefusal } from '../store.ts'
import type { LiveTable } from '../table.ts'
import type { FollowedAccounts } from './followed-accounts.ts'
import { appendPage, MessageTable } from './message-table.ts'
import { SharedTable } from './shared-table.ts'

/** How long a table is kept after its last holder: for the next SELECT of a phone that connects every minute. */
const lingerMs = 90_000
/** Tables kept without a holder; the oldest are dropped first. */
const lingeringMax = 256
/** Messages for which a new table has room beyond those that there are. */
const spareMin = 64
/** Tables of fewer messages are not kept: their rows are read as quickly. */
const keptMin = 500
/** A kept table is 20 bytes a message. */
const keptMax = 200_000
/** Messages of all tables that are kept at a close: a second's work. */
const keptAtCloseMax = 2_000_000

interface TablesTools {
  readonly rows: Pick<EngineRows, 'mailbox' | 'tablePage'>
  readonly keepTable?: StoreEngine['keepTable'] | undefined
  readonly clock: Clock
  readonly accounts: Pick<FollowedAccounts, 'hold' | 'release' | 'learn' | 'settled' | 'isBehind'>
}

interface ReadRows {
  readonly table: MessageTable
  readonly row: MailboxRow
  /** The engine has kept it as it is. */
  readonly isKept: boolean
}

export class Tables {
  readonly #tools: TablesTools
  readonly #loaded = new Map<number, SharedTable>()
  readonly #loading = new Map<number, Promise<SharedTable>>()
  /** Changes of mailboxes whose rows are being read. */
  readonly #news = new Map<number, Set<Change[]>>()
  readonly #lingering = new Map<number, number>()
  /** Tables are kept one after another: many may be let go at once. */
  #keeping: Promise<void> = Promise.resolve()

  constructor(tools: TablesTools) {
    this.#tools = tools
  }

  async hold(mailbox: number): Promise<LiveTable> {
    const shared = this.#loaded.get(mailbox) ?? (await this.#load(mailbox))
    this.#lingering.delete(mailbox)
    const held = shared.hold(() => this.#released(mailbox))
    await this.#tools.accounts.settled(shared.account)
    return held
  }

  #load(mailbox: number): Promise<SharedTable> {
    let loading = this.#loading.get(mailbox)
    if (!loading) {
      loading = this.#read(mailbox).finally(() => this.#loading.delete(mailbox))
      this.#loading.set(mailbox, loading)
    }
    return loading
  }

  async #read(mailbox: number): Promise<SharedTable> {
    const row = await this.#tools.rows.mailbox(mailbox)
    if (!row) throw new StoreRefusal('noSuchMailbox', 'The mailbox is gone')
    const flagNames = await this.#tools.accounts.hold(row.account)
    try {
      const shared = await this.#whileItChanges(mailbox, async (news) => {
        const { table, row, isKept } = await this.#readRows(mailbox)
        const read = new SharedTable(table, row, flagNames)
        if (isKept) read.keptModSeq = row.highestModSeq
        for (const change of news) read.apply(change)
        if (read.gone) throw new StoreRefusal('noSuchMailbox', 'The mailbox is gone')
        this.#loaded.set(mailbox, read)
        return read
      })
      return shared
    } catch (error) {
      this.#tools.accounts.release(row.account)
      throw error
    }
  }

  /** Gathers the changes of a mailbox while its rows are read; they are applied at the end, which is idempotent. */
  async #whileItChanges<T>(mailbox: number, read: (news: readonly Change[]) => Promise<T>): Promise<T> {
    const news: Change[] = []
    let all = this.#news.get(mailbox)
    if (!all) this.#news.set(mailbox, (all = new Set()))
    all.add(news)
    try {
      return await read(news)
    } finally {
      all.delete(news)
      if (all.size === 0) this.#news.delete(mailbox)
    }
  }

  /** In pages, yielding to the event loop in between. */
  async #readRows(mailbox: number): Promise<ReadRows> {
    const { rows, clock } = this.#tools
    const row = await rows.mailbox(mailbox)
    if (!row) throw new StoreRefusal('noSuchMailbox', 'The mailbox is gone')
    let table = new MessageTable(row.messages + spareMin)
    table.uidNext = row.uidNext
    let isKept = false
    // Once as many as the row had are there, the rest is news: newer messages have larger UIDs.
    while (table.count < row.messages) {
      const page: TablePage = await rows.tablePage(mailbox, table.lastUid)
      if (page.uids.length === 0) break
      table = appendPage(table, page)
      isKept = page.isKept === true
      if (table.count < row.messages) await turn(clock)
    }
    return { table, row, isKept }
  }

  /** Reads the loaded tables of an account anew: not all changes behind what they know are known any more. */
  async reload(account: AccountId): Promise<void> {
    // Those that are being read may be of before.
    await Promise.allSettled(this.#loading.values())
    for (const [mailbox, shared] of [...this.#loaded]) {
      if (shared.account !== account) continue
      await this.#whileItChanges(mailbox, async (news) => {
        const read = await this.#readRows(mailbox).catch((error: unknown) => {
          if (error instanceof StoreRefusal) return undefined
          throw error
        })
        if (!read) {
          for (const gone of this.apply([{ kind: 'mailboxGone', account, mailbox }])) gone.tell()
          return
        }
        shared.replace(read.table, read.row)
        for (const change of news) shared.apply(change)
        shared.tell()
      })
    }
  }

  /** The tables of an account have all that was missed. */
  caughtUp(account: AccountId): void {
    for (const shared of this.#loaded.values()) if (shared.account === account && shared.caughtUp()) shared.tell()
  }

  /**
   * Applies the changes of a group; returns the changed tables, for `tell()` once everything is applied.
   *
   * @param isPart of what was missed: the tables are where the changes say when `caughtUp` is called.
   */
  apply(changes: readonly Change[], isPart = false): Set<SharedTable> {
    const touched = new Set<SharedTable>()
    for (const change of changes) {
      if (change.kind === 'flagName') this.#tools.accounts.learn(change.account, change.bit, change.name)
      if (!('mailbox' in change)) continue
      for (const news of this.#news.get(change.mailbox) ?? []) news.push(change)
      const shared = this.#loaded.get(change.mailbox)
      if (!shared) continue
      shared.apply(change, isPart)
      touched.add(shared)
      if (change.kind === 'mailboxGone') this.#drop(change.mailbox, shared)
    }
    return touched
  }

  #released(mailbox: number): void {
    const now = this.#tools.clock.monotonic()
    this.#lingering.delete(mailbox)
    this.#lingering.set(mailbox, now)
    // Checked whenever another is released: this needs no timer, and the number is limited anyway.
    for (const [old, since] of this.#lingering) {
      if (this.#lingering.size <= lingeringMax && now - since < lingerMs) break
      this.#lingering.delete(old)
      const shared = this.#loaded.get(old)
      if (shared?.holders.size !== 0) continue
      this.#keep(old, shared)
      this.#drop(old, shared)
    }
  }

  /** For the next reader, unless the engine has it so. */
  #keep(mailbox: number, shared: SharedTable): void {
    const { table, highestModSeq, keptModSeq, gone } = shared
    const { count } = table
    if (gone || highestModSeq === keptModSeq || count < keptMin || count > keptMax) return
    // Half of what was missed may be in it.
    if (this.#tools.accounts.isBehind(shared.account)) return
    shared.keptModSeq = highestModSeq
    const page = {
      uids: table.uids.subarray(0, count),
      flagsLow: table.flagsLow.subarray(0, count),
      flagsHigh: table.flagsHigh.subarray(0, count),
      modSeqs: table.modSeqs.subarray(0, count),
    }
    this.#keeping = this.#keeping.then(() => this.#tools.keepTable?.(mailbox, { page, highestModSeq }))
  }

  /** Before the store closes. */
  async keepAll(): Promise<void> {
    let messages = 0
    for (const [mailbox, shared] of this.#loaded) {
      messages += shared.table.count
      if (messages > keptAtCloseMax) break
      this.#keep(mailbox, shared)
    }
    await this.#keeping
  }

  #drop(mailbox: number, { account }: SharedTable): void {
    this.#loaded.delete(mailbox)
    this.#tools.accounts.release(account)
  }
}
