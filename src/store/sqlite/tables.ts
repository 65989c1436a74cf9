/** The message tables in use: loaded once, updated by the change feed, dropped after the last holder released them. */
import type { Change } from '../changes.ts'
import { StoreRefusal } from '../store.ts'
import { MessageTable, SharedTable, type LiveTable } from '../table.ts'
import type { Clock } from '../../base/clock.ts'
import { turn } from '../../base/clock.ts'
import type { SqliteReads } from './reads.ts'

/** How long a table is kept after its last holder: for the next SELECT of a phone that connects every minute. */
const lingerMs = 90_000
/** Tables kept without a holder; the oldest are dropped first. */
const lingeringMax = 256

export class Tables {
  readonly #reads: SqliteReads
  readonly #clock: Clock
  readonly #loaded = new Map<number, SharedTable>()
  readonly #loading = new Map<number, { promise: Promise<SharedTable>; news: Change[] }>()
  readonly #lingering = new Map<number, number>()

  constructor(reads: SqliteReads, clock: Clock) {
    this.#reads = reads
    this.#clock = clock
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
    const row = this.#reads.mailbox(mailbox)
    if (!row) throw new StoreRefusal('noSuchMailbox', 'The mailbox is gone')
    const table = new MessageTable(row.messages + 64)
    const shared = new SharedTable(table, row)
    let last = 0
    for (;;) {
      const room = table.count + 16_384
      if (table.uids.length < room) grow(table, room)
      if (this.#reads.tablePage(mailbox, last, table) === 0) break
      last = table.uids[table.count - 1]!
      if (table.count < row.messages) await turn(this.#clock)
    }
    for (const change of news) shared.apply(change)
    this.#loaded.set(mailbox, shared)
    return shared
  }

  /** Applies the changes of a group; returns the changed tables, for `tell()` once everything is applied. */
  apply(changes: readonly Change[]): Set<SharedTable> {
    const touched = new Set<SharedTable>()
    for (const change of changes) {
      if (!('mailbox' in change)) continue
      this.#loading.get(change.mailbox)?.news.push(change)
      const shared = this.#loaded.get(change.mailbox)
      if (!shared) continue
      shared.apply(change)
      touched.add(shared)
      if (change.kind === 'mailboxGone') this.#loaded.delete(change.mailbox)
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
      if (this.#loaded.get(old)?.holders.size === 0) this.#loaded.delete(old)
    }
  }
}

function grow(table: MessageTable, capacity: number): void {
  const larger = new MessageTable(capacity)
  larger.uids.set(table.uids.subarray(0, table.count))
  larger.flagsLow.set(table.flagsLow.subarray(0, table.count))
  larger.flagsHigh.set(table.flagsHigh.subarray(0, table.count))
  larger.modSeqs.set(table.modSeqs.subarray(0, table.count))
  table.uids = larger.uids
  table.flagsLow = larger.flagsLow
  table.flagsHigh = larger.flagsHigh
  table.modSeqs = larger.modSeqs
}
