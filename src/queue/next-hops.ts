/**
 * Next hops, and the state of each: waiting batches, window, rate and back-off. A next hop is a set of hosts, or what else a
 * transport names: all domains served by one provider share it, with its connections and limits.
 */
import { BoundedMap } from '../base/bounded-map.ts'
import type { DestinationKey } from '../mail/destination.ts'
import type { Random } from '../base/random.ts'
import { Rate } from '../base/rate.ts'
import type { Attempt, Batch, NextHopFacts } from './transport.ts'

/** A batch that its transport has named the next hop of. */
export type RoutedBatch = Batch & NextHopFacts

/** Initial window: transfers at a time to a new next hop. */
const windowAtFirst = 5
/** Consecutive failures, even of different messages, that start a back-off. */
const failuresMax = 3
/** Initial and longest back-off. It doubles each time. */
const backOffAtFirstMs = 60_000
const backOffMaxMs = 60 * 60_000
/** Recipients leased for one next hop: enough to keep it busy, with room for others. */
const heldMax = 200
/** Recipients with immediate delivery, whose messages are in memory. */
const immediateMax = 5000
/** Next hops that are remembered although nothing is queued for them. */
const nextHopsMax = 5000
/** Destinations whose next hop is remembered, somewhat longer than mail is leased for them. */
const knownMax = 10_000
/** Busy destinations that are named in a lease at most. */
const busyNamesMax = 1000

export interface BackOff {
  readonly untilMs: number
  readonly words: string
  readonly enhanced: string
}

export class NextHop {
  readonly name: string
  /** In fair order. */
  readonly waiting: RoutedBatch[] = []
  readonly rate: Rate | undefined
  readonly #connectionsMax: number
  running = 0
  /** Recipients waiting here or under way: leased from the store, and with immediate delivery. */
  #held = 0
  #immediate = 0
  /** Transfers allowed at a time: grows with success, shrinks with failure. */
  window: number
  #successes = 0
  #failures = 0
  #backOffs = 0
  #backOff: BackOff | undefined

  constructor(name: string, connectionsMax: number, ratePerMinute: number | undefined) {
    this.name = name
    this.#connectionsMax = connectionsMax
    this.window = Math.min(windowAtFirst, connectionsMax)
    this.rate = ratePerMinute ? new Rate(ratePerMinute, 60_000) : undefined
  }

  /**
   * Adds a batch in fair order. @returns a batch that must leave: the last of immediate delivery, if there are too
   * many.
   */
  add(batch: RoutedBatch): RoutedBatch | undefined {
    this.#count(batch, 1)
    this.waiting.splice(this.#placeOf(turnOf(batch)), 0, batch)
    if (this.#immediate <= immediateMax) return undefined
    const last = this.waiting.findLastIndex(({ bytes }) => bytes !== undefined)
    return last < 0 ? undefined : this.waiting.splice(last, 1)[0]
  }

  /** The position after all batches that are not later in fair order. */
  #placeOf(turnMs: number): number {
    let low = 0
    let high = this.waiting.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (turnOf(this.waiting[middle]!) <= turnMs) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The batch is not waiting or under way any more. */
  release(batch: Batch): void {
    this.#count(batch, -1)
  }

  #count({ rows, bytes }: Batch, sign: 1 | -1): void {
    if (bytes) this.#immediate += sign * rows.length
    else this.#held += sign * rows.length
  }

  /** Whether an arrival may be attempted at once: there is room, or the last waiting batch is later in fair order. */
  takesImmediate(turnMs: number): boolean {
    const last = this.waiting.at(-1)
    return this.#immediate < immediateMax || (last !== undefined && turnMs < turnOf(last))
  }

  get isBusy(): boolean {
    return this.#held >= heldMax
  }

  /** More is leased than it can use: further batches are returned. */
  get isFull(): boolean {
    return this.#held >= 2 * heldMax
  }

  /** The back-off, if there is one now. */
  backOffAt(nowMs: number): BackOff | undefined {
    return this.#backOff && this.#backOff.untilMs > nowMs ? this.#backOff : undefined
  }

  get isForgettable(): boolean {
    return this.#held === 0 && this.#immediate === 0 && this.running === 0
  }

  /** Counts an attempt. */
  note({ hop, results }: Attempt, nowMs: number, random: Random): void {
    const { host, words, enhanced } = results[0]!
    if (hop === 'well') this.#succeeded()
    else if (hop === 'answered') this.#answered()
    else this.#failed(nowMs, random, host === undefined ? words : `${host}: ${words}`, enhanced)
  }

  /** It accepted a message, or refused one permanently: it works. */
  #succeeded(): void {
    this.#answered()
    if (++this.#successes < this.window) return
    this.#successes = 0
    this.window = Math.min(this.#connectionsMax, this.window + 1)
  }

  /** It replied for each recipient, for example with greylisting or a full mailbox. */
  #answered(): void {
    this.#failures = 0
    this.#backOffs = 0
    this.#backOff = undefined
  }

  /** It could not be reached, or refuses connections for now. */
  #failed(nowMs: number, random: Random, words: string, enhanced: string): void {
    this.#successes = 0
    this.window = Math.max(1, this.window >> 1)
    if (++this.#failures < failuresMax && this.#backOffs === 0) return
    const pause = Math.min(backOffMaxMs, backOffAtFirstMs * 2 ** Math.min(this.#backOffs, 10))
    this.#backOffs++
    this.#failures = 0
    this.window = 1
    this.#backOff = { untilMs: nowMs + pause + random.below(Math.ceil(pause / 10)), words, enhanced }
  }
}

function turnOf({ rows }: Batch): number {
  return rows[0]!.turnMs
}

export class NextHops {
  readonly #nextHops = new Map<string, NextHop>()
  /** The last next hop of each destination. */
  readonly #lastOf = new BoundedMap<DestinationKey, NextHop>(knownMax)

  /** @param connectionsMax where the transport sets none. */
  of({ name, connectionsMax: own, ratePerMinute }: NextHopFacts, connectionsMax: number): NextHop {
    let nextHop = this.#nextHops.get(name)
    if (nextHop) return nextHop
    this.#nextHops.set(name, (nextHop = new NextHop(name, own ?? connectionsMax, ratePerMinute)))
    if (this.#nextHops.size > nextHopsMax) this.#forget()
    return nextHop
  }

  /** The options changed: next hops are created again, except those with mail in hand. */
  renew(): void {
    for (const [name, nextHop] of this.#nextHops) if (nextHop.isForgettable) this.#nextHops.delete(name)
    this.#lastOf.clear()
  }

  /** The last next hop of a destination; undefined: not known. */
  lastOf(destination: DestinationKey): NextHop | undefined {
    return this.#lastOf.get(destination)
  }

  remember(destination: DestinationKey, nextHop: NextHop): void {
    this.#lastOf.set(destination, nextHop)
  }

  /** Destinations whose next hop has enough leased. */
  busyDestinations(): DestinationKey[] {
    const busy: DestinationKey[] = []
    for (const [name, nextHop] of this.#lastOf) {
      if (!nextHop.isBusy) continue
      busy.push(name)
      if (busy.length === busyNamesMax) break
    }
    return busy
  }

  #forget(): void {
    for (const [name, nextHop] of this.#nextHops) {
      if (this.#nextHops.size <= nextHopsMax / 2) return
      if (nextHop.isForgettable) this.#nextHops.delete(name)
    }
  }

  *[Symbol.iterator](): IterableIterator<NextHop> {
    yield* this.#nextHops.values()
  }
}
