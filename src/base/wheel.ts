/** One timer for all connections, with deadlines in slots of a second. Moving a deadline is one assignment, so it costs nothing. */
import type { Clock, Timer } from './clock.ts'

/** Ten thousand connections with timers of their own cost megabytes and heap churn; a second's accuracy is enough for all protocol limits. */
const slotMs = 1000
const slotCount = 64
/** Every entry is checked this often, so that a deadline that was moved nearer is met at most this much late. */
const lookSlots = 8

export interface Deadline {
  /** Monotonic milliseconds; Infinity: never. Assign it to move the deadline. */
  atMs: number
}

interface Entry extends Deadline {
  readonly expired: () => void
  dead: boolean
}

export class Wheel {
  readonly #clock: Clock
  readonly #slots: Entry[][] = Array.from({ length: slotCount }, () => [])
  #at = 0
  #count = 0
  #timer: Timer | undefined
  /** Set while slots are visited: callbacks may add entries, and the timer is armed once, after that. */
  #ticking = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.#at = this.#slotOf(clock.monotonic())
  }

  /** Milliseconds on the clock that deadlines are measured with. */
  now(): number {
    return this.#clock.monotonic()
  }

  /** `expired` runs once after `atMs`, up to a second late; up to `lookSlots` seconds if the deadline was moved nearer. */
  add(atMs: number, expired: () => void): Deadline {
    const entry: Entry = { atMs, expired, dead: false }
    this.#place(entry)
    this.#count++
    if (!this.#timer && !this.#ticking) {
      this.#at = this.#slotOf(this.#clock.monotonic())
      this.#arm()
    }
    return entry
  }

  remove(deadline: Deadline): void {
    const entry = deadline as Entry
    if (entry.dead) return
    entry.dead = true
    if (--this.#count === 0) this.#rest()
  }

  /** Without entries there is no timer: it would keep a finished command (sendmail) from exiting. */
  #rest(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (const slot of this.#slots) slot.length = 0
  }

  #slotOf(ms: number): number {
    return Math.floor(ms / slotMs)
  }

  #place(entry: Entry): void {
    const slot = Math.min(this.#slotOf(entry.atMs) + 1, this.#slotOf(this.#clock.monotonic()) + lookSlots)
    this.#slots[Math.max(slot, this.#at + 1) % slotCount]!.push(entry)
  }

  #arm(): void {
    this.#timer = this.#clock.after(slotMs, () => {
      this.#timer = undefined
      this.#ticking = true
      try {
        this.#tick()
      } finally {
        this.#ticking = false
        if (this.#count > 0) this.#arm()
      }
    })
  }

  #tick(): void {
    const now = this.#clock.monotonic()
    // A suspended machine or a busy loop may have skipped more than a round; one round visits everything.
    const until = Math.min(this.#slotOf(now), this.#at + slotCount)
    while (this.#at < until) {
      this.#at++
      const slot = this.#at % slotCount
      const entries = this.#slots[slot]!
      this.#slots[slot] = []
      for (const entry of entries) {
        if (entry.dead) continue
        if (entry.atMs > now) this.#place(entry)
        else {
          entry.dead = true
          this.#count--
          entry.expired()
        }
      }
    }
    this.#at = Math.max(this.#at, this.#slotOf(now))
  }
}
