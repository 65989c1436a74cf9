/** UIDs of a table as ranges, and back. */
import { lowerBound } from '../../base/lower-bound.ts'
import type { MessageTable } from '../../protocol/imap/backend.ts'
import type { Ranges } from '../../store/operations.ts'

/** Indexes of UIDs in a table as ranges of UIDs: neighbours in the table become one range, whatever gaps their UIDs have. */
export function rangesOf(table: MessageTable, uids: Uint32Array): Ranges {
  const ranges: [number, number][] = []
  let last: [number, number] | undefined
  let expected = -1
  let at = 0
  for (const uid of uids) {
    if (table.uids[at] !== uid) at = lowerBound(table.uids, table.count, uid, at)
    if (at >= table.count || table.uids[at] !== uid) continue
    if (last && at === expected) last[1] = uid
    else ranges.push((last = [uid, uid]))
    expected = ++at
  }
  return ranges
}

/** The UIDs of a table within ranges. */
export function uidsIn(table: MessageTable, ranges: Ranges): Uint32Array {
  const found: number[] = []
  for (const [first, last] of ranges) {
    for (let at = lowerBound(table.uids, table.count, first); at < table.count && table.uids[at]! <= last; at++)
      found.push(table.uids[at]!)
  }
  return Uint32Array.from(found)
}
