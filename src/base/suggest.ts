/** "Did you mean": the known name that is nearest to a mistyped one. */

/** Of longer words only the start is compared: the cost is the product of both lengths. */
const comparedMax = 64

/** Number of insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment). */
export function editDistance(from: string, to: string): number {
  const a = from.slice(0, comparedMax)
  const b = to.slice(0, comparedMax)
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, before[j - 2]! + 1)
      row.push(best)
    }
    before = previous
    previous = row
  }
  return previous[b.length]!
}

/** `plaintext_auth` and `plaintextAuth` count as the same word. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[-_]/g, '')
}

/** @returns undefined when no name is near: a wrong suggestion is worse than none. */
export function nearest(word: string, names: Iterable<string>): string | undefined {
  const wanted = plain(word)
  let found: string | undefined
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1
  for (const name of names) {
    const distance = editDistance(wanted, plain(name))
    if (distance < least) {
      least = distance
      found = name
    }
  }
  return found
}
