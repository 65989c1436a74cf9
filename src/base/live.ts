/** Values that a reload replaces. */

/** Read `now` each time it is needed: a reload swaps the value whole, so all that is read of one `now` belongs together. `{ now: value }` is one that stays. */
export interface Live<T> {
  readonly now: T
}

/** A part of a live value, as live as the whole. */
export function part<Whole, T>(whole: Live<Whole>, read: (now: Whole) => T): Live<T> {
  return {
    get now() {
      return read(whole.now)
    },
  }
}
