/** The message tables in use: loaded once, updated by the change feed, dropped after the last holder released them. */
import type { Clock } from '../../base/clock.ts'
import { turn } from '../../base/clock.ts'
import type { Change } from '../changes.ts'
import type { EngineRows, TablePage } from '../engine.ts'
import { StoreRefusal } from '../store.ts'
import type { LiveTable } from '../table.ts'
import { FlagNames } from './flag-names.ts'
import { appendPage, MessageTable } from './message-table.ts'
import { SharedTable } from './shared-table.ts'

/** How long a table is kept after its last holder: for the next SELECT of a phone that connects every minute. */
const lingerMs = 90_000
/** Tables kept without a holder; the oldest are dropped first. */
const lingeringMax = 256
/** Messages for which a new table has room beyond those that there are. */
const spareMin = 64

export class Tables {
  readonly #rows: EngineRows
  readonly #clock: Clock
  readonly #flagNames: FlagNames
  readonly #loaded = new Map<number, SharedTable>()
  readonly #loading = new Map<number, { promise: Promise<SharedTable>; news: Change[] }>()
  readonly #lingering = new Map<number, number>()

  constructor(rows: EngineRows, clock: Clock) {
    this.#rows = rows
    this.#clock = clock
    this.#flagNames = new FlagNames((account) => rows.keywords(account))
  }

  async hold(mailbox: number): Promise<LiveTable> {
    const shared = this.#loaded.get(mailbox) ?? (await this.#load(mailbox))
    this.#lingering.delete(mailbox)
    return shared.hold(() => this.#released(mailbox))
  }

  #load(mailbox: number): Promise<SharedTable> {
    let loading = this.#loading.get(mailbox)
    if (!loading) {
      const news: Change[] = []
      const promise = this.#read(mailbox, news).finally(() => this.#loading.delete(mailbox))
      this.#loading.set(mailbox, (loading = { promise, news }))
    }
    return loading.promise
  }

  /** In pages, yielding to the event loop in between; later commits are applied at the end, which is idempotent. */
  async #read(mailbox: number, news: Change[]): Promise<SharedTable> {
    const row = await this.#rows.mailbox(mailbox)
    if (!row) throw new StoreRefusal('noSuchMailbox', 'The mailbox is gone')
    const flagNames = await this.#flagNames.hold(row.account)
    try {
      let table = new MessageTable(row.messages + spareMin)
      // Once as many as the row had are there, the rest is news: newer messages have larger UIDs.
      while (table.count < row.messages) {
        const page: TablePage = await this.#rows.tablePage(mailbox, table.lastUid)
        if (page.uids.length === 0) break
        table = appendPage(table, page)
        if (table.count < row.messages) await turn(this.#clock)
      }
      const shared = new SharedTable(table, row, flagNames)
      for (const change of news) shared.apply(change)
      if (shared.gone) throw new StoreRefusal('noSuchMailbox', 'The mailbox is gone')
      this.#loaded.set(mailbox, shared)
      return shared
    } catch (error) {
      this.#flagNames.release(row.account)
      throw error
    }
  }

  /** Applies the changes of a group; returns the changed tables, for `tell()` once everything is applied. */
  apply(changes: readonly Change[]): Set<SharedTable> {
    const touched = new Set<SharedTable>()
    for (const change of changes) {
      if (change.kind === 'flagName') this.#flagNames.learn(change.account, change.bit, change.name)
      if (!('mailbox' in change)) continue
      this.#loading.get(change.mailbox)?.news.push(change)
      const shared = this.#loaded.get(change.mailbox)
      if (!shared) continue
      shared.apply(change)
      touched.add(shared)
      if (change.kind === 'mailboxGone') this.#drop(change.mailbox, shared)
    }
    return touched
  }

  #released(mailbox: number): void {
    const now = this.#clock.monotonic()
    this.#lingering.delete(mailbox)
    this.#lingering.set(mailbox, now)
    // Checked whenever another is released: this needs no timer, and the number is limited anyway.
    for (const [old, since] of this.#lingering) {
      if (this.#lingering.size <= lingeringMax && now - since < lingerMs) break
      this.#lingering.delete(old)
      const shared = this.#loaded.get(old)
      if (shared?.holders.size === 0) this.#drop(old, shared)
    }
  }

  #drop(mailbox: number, { account }: SharedTable): void {
    this.#loaded.delete(mailbox)
    this.#flagNames.release(account)
  }
}
