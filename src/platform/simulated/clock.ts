/** Time that passes when nothing else is to be done: days in seconds, and the same each time. */
import type { Clock, Timer } from '../../base/clock.ts'

interface Entry {
  readonly atMs: number
  /** Timers of one moment run in the order they were set. */
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

/** Turns of the real loop without any event, after which everything that can happen now has happened: a commit of the store in memory takes a few. */
const quietTurns = 6
/** How far time may run ahead of work outside the simulation (password hashes on their threads). */
const outsideMaxMs = 10_000

export class SimulatedClock implements Clock {
  #startMs: number
  #elapsedMs = 0
  #order = 0
  #events = 0
  #outside = 0
  readonly #heap: Entry[] = []

  constructor(startMs: number) {
    this.#startMs = startMs
  }

  now(): number {
    return this.#startMs + this.#elapsedMs
  }

  /** The wall clock is set, as a time server or an operator does it. What waits for so long, waits for so long. */
  jump(byMs: number): void {
    this.#startMs += byMs
  }

  monotonic(): number {
    return this.#elapsedMs
  }

  after(delayMs: number, run: () => void): Timer {
    const entry = {
      atMs: this.#elapsedMs + Math.max(0, Number.isFinite(delayMs) ? delayMs : 0),
      order: this.#order++,
      run,
      cancelled: false,
    }
    this.#push(entry)
    return { cancel: () => void (entry.cancelled = true) }
  }

  soon(run: () => void): void {
    this.#events++
    setImmediate(run)
  }

  /** Waits for work that takes real time: the clock does not run away meanwhile. */
  async outside<T>(work: Promise<T>): Promise<T> {
    this.#outside++
    try {
      return await this.until(work)
    } finally {
      this.#outside--
    }
  }

  /** Lets time pass until `work` has ended. Throws when nothing is left that could end it. */
  async until<T>(work: Promise<T>): Promise<T> {
    const state = { ended: false }
    const end = (): void => void (state.ended = true)
    work.then(end, end)
    const limit = (): number => (this.#outside > 0 ? this.#elapsedMs + outsideMaxMs : Infinity)
    let limitMs = limit()
    let order = this.#order
    while (!state.ended) {
      await this.#settle(() => state.ended)
      if (state.ended) break
      const next = this.#next()
      if (!next && this.#outside === 0) throw new Error('nothing is left to happen')
      if (next && next.atMs <= limitMs) {
        this.#step()
        order = this.#order
      } else {
        await new Promise<void>((resolve) => void setImmediate(resolve))
        // What the work outside has led to, such as an answer on its way, takes time of its own.
        if (order !== this.#order) limitMs = limit()
      }
    }
    return work
  }

  /** Lets so much time pass, with everything that happens in it. */
  async pass(durationMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + durationMs
    for (;;) {
      await this.#settle(() => false)
      const next = this.#next()
      if (!next || next.atMs > untilMs) break
      this.#step()
    }
    this.#elapsedMs = untilMs
  }

  /** Gives the real loop turns until nothing more comes of what has happened. */
  async #settle(ended: () => boolean): Promise<void> {
    let events = this.#events
    for (let quiet = 0; quiet < quietTurns && !ended(); quiet++) {
      await new Promise<void>((resolve) => void setImmediate(resolve))
      if (events === this.#events) continue
      events = this.#events
      quiet = 0
    }
  }

  #next(): Entry | undefined {
    while (this.#heap[0]?.cancelled) this.#pop()
    return this.#heap[0]
  }

  /** Runs everything that is due at the next moment. */
  #step(): void {
    const moment = this.#next()!.atMs
    this.#elapsedMs = Math.max(this.#elapsedMs, moment)
    for (let entry = this.#next(); entry && entry.atMs <= moment; entry = this.#next()) {
      this.#pop()
      this.#events++
      entry.run()
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(entry)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(heap[at]!, heap[parent]!)) break
      swap(heap, at, parent)
      at = parent
    }
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    heap[0] = last
    for (let at = 0; ;) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && before(heap[child]!, heap[least]!)) least = child
      if (least === at) return
      swap(heap, at, least)
      at = least
    }
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

function swap(heap: Entry[], a: number, b: number): void {
  const entry = heap[a]!
  heap[a] = heap[b]!
  heap[b] = entry
}
