/** The messages of one mailbox in typed arrays, shared by all who look at it: 28 bytes a message, however many sessions. */
import type { ModSeq, Uid } from '../mail/ids.ts'
import { lowerBound } from '../base/lower-bound.ts'
import type { Change } from './changes.ts'
import type { MailboxRow } from './entities.ts'

/** What a reader sees: the arrays never change below `count`, but for flags and modSeqs. An expunge makes new arrays. */
export interface TableView {
  readonly count: number
  readonly uids: Uint32Array
  readonly flagsLow: Uint32Array
  readonly flagsHigh: Uint32Array
  readonly modSeqs: Float64Array
}

/** A table that follows its mailbox. Hold it while a session has the mailbox selected. */
export interface LiveTable {
  view(): TableView
  readonly uidNext: Uid
  readonly highestModSeq: ModSeq
  /** No flags of a message that was there before changed behind this mod-sequence. */
  readonly flagsModSeq: ModSeq
  /** UIDs from here on are \Recent for the next read-write session. */
  readonly recentUid: Uid
  /** Claims \Recent for everything below uidNext, before any other session can. @returns the first UID claimed; uidNext where none is left. */
  claimRecent(): number
  readonly gone: boolean
  /** `changed` runs after each change, on a turn of its own. @returns how to stop. */
  listen(changed: () => void): () => void
  release(): void
}

const spareMin = 64

export class MessageTable implements TableView {
  count = 0
  uids: Uint32Array
  flagsLow: Uint32Array
  flagsHigh: Uint32Array
  modSeqs: Float64Array

  constructor(capacity: number) {
    this.uids = new Uint32Array(capacity)
    this.flagsLow = new Uint32Array(capacity)
    this.flagsHigh = new Uint32Array(capacity)
    this.modSeqs = new Float64Array(capacity)
  }

  push(uid: Uid, low: number, high: number, modSeq: ModSeq): void {
    const at = this.count++
    this.uids[at] = uid
    this.flagsLow[at] = low
    this.flagsHigh[at] = high
    this.modSeqs[at] = modSeq
  }
}

/**
 * Applies changes to a table. Idempotent: a change that the table already holds (it was loaded after the commit, before the news) does nothing.
 * Answers the table that holds from now on: the same with a larger count, or a new one after an expunge or when the room was used up.
 */
export function applyChange(table: MessageTable, change: Change): MessageTable {
  switch (change.kind) {
    case 'added': {
      const last = table.count > 0 ? table.uids[table.count - 1]! : 0
      const fresh = change.uids.length
      let result = table
      if (table.count + fresh > table.uids.length) result = copyTable(table, table.count + fresh)
      for (let i = 0; i < fresh; i++) {
        if (change.uids[i]! > last)
          result.push(change.uids[i]!, change.flagsLow[i]!, change.flagsHigh[i]!, change.modSeqs[i]!)
      }
      return result
    }
    case 'flags': {
      for (const range of change.ranges) {
        for (
          let at = lowerBound(table.uids, table.count, range.first);
          at < table.count && table.uids[at]! <= range.last;
          at++
        ) {
          if (table.modSeqs[at]! > change.modSeq) continue
          table.flagsLow[at] = range.flagsLow
          table.flagsHigh[at] = range.flagsHigh
          table.modSeqs[at] = change.modSeq
        }
      }
      return table
    }
    case 'expunged': {
      let kept: MessageTable | undefined
      let from = 0
      // Copies the runs between the removed ranges; readers of the old arrays are not disturbed.
      for (const [first, last] of change.uids) {
        const start = lowerBound(table.uids, table.count, first)
        const end = lowerBound(table.uids, table.count, last + 1)
        if (start === end) continue
        kept ??= new MessageTable(table.count + spareMin)
        copyRun(table, kept, from, start)
        from = end
      }
      if (!kept) return table
      copyRun(table, kept, from, table.count)
      return kept
    }
    default:
      return table
  }
}

function copyRun(source: MessageTable, target: MessageTable, start: number, end: number): void {
  target.uids.set(source.uids.subarray(start, end), target.count)
  target.flagsLow.set(source.flagsLow.subarray(start, end), target.count)
  target.flagsHigh.set(source.flagsHigh.subarray(start, end), target.count)
  target.modSeqs.set(source.modSeqs.subarray(start, end), target.count)
  target.count += end - start
}

/** The same messages with room for more. Flags written to the new arrays are not seen through the old: holders take `view()` anew. */
function copyTable(table: MessageTable, needed: number): MessageTable {
  const result = new MessageTable(Math.max(needed + spareMin, Math.floor(needed * 1.5)))
  copyRun(table, result, 0, table.count)
  return result
}

interface Holder {
  readonly listeners: Set<() => void>
}

/** One per loaded mailbox in the registry of an engine. */
export class SharedTable {
  table: MessageTable
  readonly holders = new Set<Holder>()
  uidNext: Uid
  highestModSeq: ModSeq
  flagsModSeq: ModSeq
  recentUid: Uid
  gone = false

  constructor(
    table: MessageTable,
    { uidNext, highestModSeq, recentUid }: Pick<MailboxRow, 'uidNext' | 'highestModSeq' | 'recentUid'>,
  ) {
    this.table = table
    this.uidNext = uidNext
    this.highestModSeq = highestModSeq
    this.flagsModSeq = highestModSeq
    this.recentUid = recentUid
  }

  apply(change: Change): void {
    if (change.kind === 'mailboxGone') this.gone = true
    else this.table = applyChange(this.table, change)
    if (change.kind === 'added') {
      const last = change.uids.length - 1
      this.uidNext = Math.max(this.uidNext, change.uids[last]! + 1) as Uid
      this.highestModSeq = Math.max(this.highestModSeq, change.modSeqs[last]!) as ModSeq
    } else if (change.kind === 'flags' || change.kind === 'expunged') {
      this.highestModSeq = Math.max(this.highestModSeq, change.modSeq) as ModSeq
      if (change.kind === 'flags') this.flagsModSeq = Math.max(this.flagsModSeq, change.modSeq) as ModSeq
    }
  }

  tell(): void {
    for (const holder of this.holders) for (const listener of holder.listeners) listener()
  }

  /** `released` runs when the last holder let go. */
  hold(released: () => void): LiveTable {
    const holder: Holder = { listeners: new Set() }
    this.holders.add(holder)
    return new HeldTable(this, holder, released)
  }
}

/** One holder's way to the shared table. */
class HeldTable implements LiveTable {
  readonly #shared: SharedTable
  readonly #holder: Holder
  readonly #released: () => void

  constructor(shared: SharedTable, holder: Holder, released: () => void) {
    this.#shared = shared
    this.#holder = holder
    this.#released = released
  }

  view(): TableView {
    return this.#shared.table
  }

  get uidNext(): Uid {
    return this.#shared.uidNext
  }

  get highestModSeq(): ModSeq {
    return this.#shared.highestModSeq
  }

  get flagsModSeq(): ModSeq {
    return this.#shared.flagsModSeq
  }

  get recentUid(): Uid {
    return this.#shared.recentUid
  }

  claimRecent(): number {
    const { recentUid, uidNext } = this.#shared
    this.#shared.recentUid = uidNext
    return recentUid
  }

  get gone(): boolean {
    return this.#shared.gone
  }

  listen(changed: () => void): () => void {
    this.#holder.listeners.add(changed)
    return () => void this.#holder.listeners.delete(changed)
  }

  release(): void {
    const { holders } = this.#shared
    if (holders.delete(this.#holder) && holders.size === 0) this.#released()
  }
}
