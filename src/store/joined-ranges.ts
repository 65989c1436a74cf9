/** Runs of expunged UIDs, joined: a run spans UIDs that had no message any more, so runs of different expunges may overlap. */
import type { Ranges } from './operations.ts'

/** @param ranges in order of their first UIDs. */
export function joinedRanges(ranges: Ranges): Ranges {
  const joined: [number, number][] = []
  for (const [first, last] of ranges) {
    const before = joined.at(-1)
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else joined.push([first, last])
  }
  return joined
}
