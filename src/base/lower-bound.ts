/** The first index from `from` to `count` at which sorted numbers have `value` or more; `count` where there is none. */
export function lowerBound(sorted: Uint32Array, count: number, value: number, from = 0): number {
  let low = from
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
