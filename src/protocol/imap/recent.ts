/** Which messages are \Recent to one session: it was the first read-write one to be told of them. RFC 3501 §2.3.2. */
import { lowerBound } from '../../base/lower-bound.ts'

/** Another session that takes turns with us splits the ranges; \Recent is a hint, and the oldest of them is forgotten. */
const rangesMax = 32

export class RecentRanges {
  /** Pairs: first UID, end (exclusive); ascending. */
  readonly #ranges: number[] = []

  constructor(first: number, end: number) {
    this.add(first, end)
  }

  add(first: number, end: number): void {
    if (first >= end) return
    const ranges = this.#ranges
    if (ranges.length > 0 && first <= ranges[ranges.length - 1]!) {
      ranges[ranges.length - 1] = Math.max(end, ranges[ranges.length - 1]!)
      return
    }
    ranges.push(first, end)
    if (ranges.length > 2 * rangesMax) ranges.splice(0, 2)
  }

  has(uid: number): boolean {
    const ranges = this.#ranges
    for (let i = ranges.length - 2; i >= 0; i -= 2) {
      if (uid >= ranges[i]!) return uid < ranges[i + 1]!
    }
    return false
  }

  count(uids: Uint32Array, count: number): number {
    let sum = 0
    for (let i = 0; i < this.#ranges.length; i += 2)
      sum += lowerBound(uids, count, this.#ranges[i + 1]!) - lowerBound(uids, count, this.#ranges[i]!)
    return sum
  }

  /** As UID ranges, for SEARCH RECENT. */
  ranges(): [number, number][] {
    const pairs: [number, number][] = []
    for (let i = 0; i < this.#ranges.length; i += 2) pairs.push([this.#ranges[i]!, this.#ranges[i + 1]! - 1])
    return pairs
  }
}
