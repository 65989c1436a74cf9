/** The messages of one mailbox in typed arrays, and what a change makes of them. */
import { lowerBound } from '../../base/lower-bound.ts'
import { editFlagWord } from '../../mail/flags.ts'
import type { ModSeq, Uid } from '../../mail/ids.ts'
import type { Change } from '../changes.ts'
import type { TablePage } from '../engine.ts'
import type { TableView } from '../table.ts'

const spareMin = 64

export class MessageTable implements TableView {
  count = 0
  /** Larger than each UID that there was: what is below it and not there is gone. */
  uidNext = 1
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

  /** 0: none. */
  get lastUid(): number {
    return this.count > 0 ? this.uids[this.count - 1]! : 0
  }

  push(uid: Uid, low: number, high: number, modSeq: ModSeq): void {
    const at = this.count++
    this.uidNext = uid + 1
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
    case 'added':
      return addNew(table, change)
    case 'messages': {
      // New arrays: their modSeqs may lie below what the table has reached, so that nothing else would tell of the flags.
      const result = copyTable(table, table.count + change.uids.length)
      setFlags(result, change)
      return addNew(result, change)
    }
    case 'flags': {
      for (const [first, last] of change.uids) editFlags(table, first, last, change)
      return table
    }
    case 'expunged': {
      let kept: MessageTable | undefined
      let from = 0
      // Those of news that was lost may have come and gone since.
      table.uidNext = Math.max(table.uidNext, change.uids.at(-1)![1] + 1)
      // Copies the runs between the removed ranges; readers of the old arrays are not disturbed.
      for (const [first, last] of change.uids) {
        const start = lowerBound(table.uids, table.count, first)
        const end = lowerBound(table.uids, table.count, last + 1)
        if (start === end) continue
        kept ??= emptyCopy(table, table.count + spareMin)
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

/** @returns the table that has the page too: the same, or a larger one. */
export function appendPage(table: MessageTable, page: TablePage): MessageTable {
  const { length } = page.uids
  const result = table.count + length > table.uids.length ? copyTable(table, table.count + length) : table
  result.uids.set(page.uids, result.count)
  result.flagsLow.set(page.flagsLow, result.count)
  result.flagsHigh.set(page.flagsHigh, result.count)
  result.modSeqs.set(page.modSeqs, result.count)
  result.count += length
  result.uidNext = Math.max(result.uidNext, result.lastUid + 1)
  return result
}

function emptyCopy({ uidNext }: MessageTable, capacity: number): MessageTable {
  const result = new MessageTable(capacity)
  result.uidNext = uidNext
  return result
}

type Messages = Extract<Change, { kind: 'added' | 'messages' }>

/** Those that the table has had already are left out. */
function addNew(table: MessageTable, { uids, flagsLow, flagsHigh, modSeqs }: Messages): MessageTable {
  const { length } = uids
  if (length === 0 || uids[length - 1]! < table.uidNext) return table
  const result = table.count + length > table.uids.length ? copyTable(table, table.count + length) : table
  for (let i = 0; i < length; i++)
    if (uids[i]! >= result.uidNext) result.push(uids[i]!, flagsLow[i]!, flagsHigh[i]!, modSeqs[i]!)
  return result
}

/** Of messages that the table has. */
function setFlags(table: MessageTable, { uids, flagsLow, flagsHigh, modSeqs }: Messages): void {
  uids.forEach((uid, i) => {
    const at = lowerBound(table.uids, table.count, uid)
    if (at === table.count || table.uids[at] !== uid || table.modSeqs[at]! >= modSeqs[i]!) return
    table.flagsLow[at] = flagsLow[i]!
    table.flagsHigh[at] = flagsHigh[i]!
    table.modSeqs[at] = modSeqs[i]!
  })
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
  const result = emptyCopy(table, Math.max(needed + spareMin, Math.floor(needed * 1.5)))
  copyRun(table, result, 0, table.count)
  return result
}

/** The rule of the rows: a message that has the result already keeps its modSeq. */
function editFlags(table: MessageTable, first: number, last: number, edit: Extract<Change, { kind: 'flags' }>): void {
  const { uids, flagsLow, flagsHigh, modSeqs, count } = table
  const { mode, low, high, modSeq } = edit
  for (let at = lowerBound(uids, count, first); at < count && uids[at]! <= last; at++) {
    if (modSeqs[at]! > modSeq) continue
    const nextLow = editFlagWord(mode, flagsLow[at]!, low)
    const nextHigh = editFlagWord(mode, flagsHigh[at]!, high)
    if (nextLow === flagsLow[at] && nextHigh === flagsHigh[at]) continue
    flagsLow[at] = nextLow
    flagsHigh[at] = nextHigh
    modSeqs[at] = modSeq
  }
}
