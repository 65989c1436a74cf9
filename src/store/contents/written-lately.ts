/** Contents that were written a moment ago: what a read of them gives comes out of the kernel's memory, and says nothing of the disk. */
import type { Clock } from '../../base/clock.ts'

const latelyMs = 10 * 60_000
/** A mark in so long: some twenty of them are kept. */
const markEveryMs = 30_000

export class WrittenLately {
  readonly #clock: Clock
  readonly #newest: () => number
  /** How high ids had come at some moments of late, oldest first. */
  readonly #marks: { readonly atMs: number; readonly id: number }[] = []

  /** @param newest the highest id that there is. */
  constructor(clock: Clock, newest: () => number) {
    this.#clock = clock
    this.#newest = newest
  }

  /** Whether the content with that id was written within the last minutes, as far as is known: ids grow. */
  has(id: number): boolean {
    const nowMs = this.#clock.monotonic()
    const marks = this.#marks
    while (marks.length > 0 && nowMs - marks[0]!.atMs > latelyMs) marks.shift()
    if (marks.length === 0 || nowMs - marks.at(-1)!.atMs >= markEveryMs) marks.push({ atMs: nowMs, id: this.#newest() })
    return id > marks[0]!.id
  }
}
