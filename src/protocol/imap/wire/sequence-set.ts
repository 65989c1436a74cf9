/** Sets of sequence numbers and UIDs: `2,4:7,9,12:*`. RFC 3501 §9 `sequence-set`, RFC 5182 §2.1 `$`. */

/** Stands for `*`, the largest number in use: larger than any number. */
export const star = 2 ** 32

/** As written: ends may be in either order, ranges may overlap. `saved`: the set is `$`, the last saved SEARCH result. */
export interface SequenceSet {
  readonly ranges: readonly (readonly [number, number])[]
  readonly saved?: true
}

/** Ascending, merged ranges with `*` replaced by `last`. */
export function resolveRanges(set: SequenceSet, last: number): [first: number, last: number][] {
  const ordered = set.ranges.map(([a, b]): [number, number] => {
    const from = a === star ? last : a
    const to = b === star ? last : b
    return from <= to ? [from, to] : [to, from]
  })
  if (ordered.length < 2) return ordered
  ordered.sort((a, b) => a[0] - b[0])
  const merged: [number, number][] = [ordered[0]!]
  for (let i = 1; i < ordered.length; i++) {
    const range = ordered[i]!
    const before = merged[merged.length - 1]!
    if (range[0] <= before[1] + 1) before[1] = Math.max(before[1], range[1])
    else merged.push(range)
  }
  return merged
}

/**
 * `1:3,5`: runs become ranges. Numbers need not ascend: read from left to right the ranges give them back in order,
 * as COPYUID wants its two lists. RFC 4315 §3.
 */
export function formatNumberSet(numbers: ArrayLike<number>): string {
  let text = ''
  for (let i = 0; i < numbers.length;) {
    const first = numbers[i]!
    let last = first
    while (++i < numbers.length && numbers[i] === last + 1) last++
    text += (text === '' ? '' : ',') + (first === last ? first : `${first}:${last}`)
  }
  return text
}
