/** A rate in one number: the generic cell rate algorithm. */
import { BoundedMap } from './bounded-map.ts'

export class Rate {
  readonly #intervalMs: number
  readonly #burstMs: number
  /** When all events admitted so far would have been due at an even pace. */
  #paidUntilMs = 0

  /** @param burst so many are admitted at once after a pause. */
  constructor(count: number, perMs: number, burst = 0) {
    this.#intervalMs = perMs / count
    this.#burstMs = burst * this.#intervalMs
  }

  /** Milliseconds until the next event is admitted; 0: now. */
  waitMs(nowMs: number): number {
    return Math.max(0, Math.ceil(this.#paidUntilMs - this.#burstMs - nowMs))
  }

  spend(nowMs: number, count: number): void {
    this.#paidUntilMs = Math.max(nowMs, this.#paidUntilMs) + count * this.#intervalMs
  }
}

/** One rate for each key, for a limited number of keys. */
export class Rates {
  readonly #rates: BoundedMap<string, Rate>
  readonly #make: () => Rate

  constructor(make: () => Rate, keysMax = 10_000) {
    this.#make = make
    this.#rates = new BoundedMap(keysMax)
  }

  of(key: string): Rate {
    const rate = this.#rates.get(key) ?? this.#make()
    this.#rates.set(key, rate)
    return rate
  }
}
