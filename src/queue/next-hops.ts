/**
 * Next hops, and what is known of each: its line, window, rate and back-off. A next hop is a set of hosts: all domains that one provider
 * serves are one next hop, and share its connections and limits.
 */
import { BoundedMap } from '../base/bounded-map.ts'
import type { MessageBytes } from '../mail/content.ts'
import { fitsDomain } from '../mail/domain-pattern.ts'
import type { Random } from '../base/random.ts'
import type { QueueRow } from '../store/entities.ts'
import type { Host } from '../transport/route.ts'
import type { DestinationRule } from './options.ts'
import { Rate } from '../base/rate.ts'

/** Recipients of one message that go to one destination together. */
export interface Batch {
  readonly destination: string
  readonly rows: readonly QueueRow[]
  /** The message, where it is at hand. */
  readonly bytes?: MessageBytes
}

/** Transfers at a time to a next hop of which nothing is known. */
const windowAtFirst = 5
/** Failures in a row, of attempts for different messages perhaps, after which no attempt is made for a while. */
const failuresMax = 3
/** The back-off: at first, and at most. It doubles each time. */
const backOffAtFirstMs = 60_000
const backOffMaxMs = 60 * 60_000
/** Recipients that are leased for one next hop: enough to go on with, and room is left for the others. */
const heldMax = 200
/** Recipients of first attempts, whose messages are in memory. */
const immediateMax = 5000
/** Next hops that are remembered although nothing is queued for them. */
const nextHopsMax = 5000
/** Destinations whose next hop is known, for as long as mail is held for them and a little longer. */
const knownMax = 10_000
/** Names of destinations that have enough, as far as a lease is told of them. */
const busyNamesMax = 1000

export interface BackOff {
  readonly untilMs: number
  readonly words: string
  readonly enhanced: string
}

export class NextHop {
  readonly name: string
  /** Earliest turn first. */
  readonly waiting: Batch[] = []
  readonly rate: Rate | undefined
  readonly #connectionsMax: number
  running = 0
  /** Recipients that wait here or are under way: leased out of the store, and those of first attempts. */
  #held = 0
  #immediate = 0
  /** Transfers that it may have at a time: grows with success, shrinks with failure. */
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

  /** Puts it in line. @returns the batch that has to leave for it: the last of the immediate ones, where there are too many. */
  add(batch: Batch): Batch | undefined {
    this.#count(batch, 1)
    this.waiting.splice(this.#placeOf(turnOf(batch)), 0, batch)
    if (this.#immediate <= immediateMax) return undefined
    const last = this.waiting.findLastIndex(({ bytes }) => bytes !== undefined)
    return last < 0 ? undefined : this.waiting.splice(last, 1)[0]
  }

  /** Behind all whose turn is no later. */
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

  /** It is no longer in line or under way. */
  release(batch: Batch): void {
    this.#count(batch, -1)
  }

  #count({ rows, bytes }: Batch, sign: 1 | -1): void {
    if (bytes) this.#immediate += sign * rows.length
    else this.#held += sign * rows.length
  }

  /** An arrival may be attempted at once: there is room, or the last one in line comes after it. */
  takesImmediate(turnMs: number): boolean {
    const last = this.waiting.at(-1)
    return this.#immediate < immediateMax || (last !== undefined && turnMs < turnOf(last))
  }

  get isBusy(): boolean {
    return this.#held >= heldMax
  }

  /** More is leased than it can use: what is beyond is returned. */
  get isFull(): boolean {
    return this.#held >= 2 * heldMax
  }

  /** Why no attempt is made, and until when. */
  backOffAt(nowMs: number): BackOff | undefined {
    return this.#backOff && this.#backOff.untilMs > nowMs ? this.#backOff : undefined
  }

  get isForgettable(): boolean {
    return this.#held === 0 && this.#immediate === 0 && this.running === 0
  }

  /** It took a message, or refused one for good: it works. */
  succeeded(): void {
    this.answered()
    if (++this.#successes < this.window) return
    this.#successes = 0
    this.window = Math.min(this.#connectionsMax, this.window + 1)
  }

  /** It answered, with a reason for each recipient: greylisting, a full mailbox. */
  answered(): void {
    this.#failures = 0
    this.#backOffs = 0
    this.#backOff = undefined
  }

  /** It could not be reached, or refuses connections for now. */
  failed(nowMs: number, random: Random, words: string, enhanced: string): void {
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

/** The most exact rule for a destination: by its own name before its hosts' names. */
export function ruleFor(
  rules: readonly DestinationRule[],
  destination: string,
  hosts: readonly Pick<Host, 'name'>[],
): DestinationRule | undefined {
  const best = (names: readonly string[]): DestinationRule | undefined =>
    rules
      .filter(({ match }) => names.some((name) => fitsDomain(match, name)))
      .sort((a, b) => Number(b.match[0] !== '*') - Number(a.match[0] !== '*') || b.match.length - a.match.length)[0]
  const own = best([destination])
  return own && own.match !== '*' ? own : (best(hosts.map(({ name }) => name.toLowerCase())) ?? own)
}

/**
 * The name of a set of hosts, in whatever order the DNS gave them; with a rule that covers several hosts, the rule's. Hosts see where
 * connections come from: an address of ours that they block is another next hop than one that they accept.
 */
export function nextHopName(
  hosts: readonly Pick<Host, 'name' | 'port' | 'localAddresses' | 'proxy'>[],
  rule: DestinationRule | undefined,
): string {
  const from = hosts[0]?.localAddresses ?? []
  const proxy = hosts[0]?.proxy
  const via = [...from, ...(proxy ? [`${proxy.host}:${proxy.port}`] : [])]
  const suffix = via.length === 0 ? '' : ` from ${via.join(' ')}`
  if (rule && rule.match !== '*' && hosts.some(({ name }) => fitsDomain(rule.match, name.toLowerCase())))
    return rule.match + suffix
  const names = [...new Set(hosts.map(({ name, port }) => (port === 25 ? name : `${name}:${port}`)))]
  return names.sort().join(' ') + suffix
}

export class NextHops {
  readonly #nextHops = new Map<string, NextHop>()
  /** The next hop that a destination had last. */
  readonly #lastOf = new BoundedMap<string, NextHop>(knownMax)

  of(name: string, connectionsMax: number, ratePerMinute?: number): NextHop {
    let nextHop = this.#nextHops.get(name)
    if (nextHop) return nextHop
    this.#nextHops.set(name, (nextHop = new NextHop(name, connectionsMax, ratePerMinute)))
    if (this.#nextHops.size > nextHopsMax) this.#forget()
    return nextHop
  }

  /** The options changed: next hops are made anew, but for those where mail is under way. */
  renew(): void {
    for (const [name, nextHop] of this.#nextHops) if (nextHop.isForgettable) this.#nextHops.delete(name)
    this.#lastOf.clear()
  }

  /** The next hop that a destination had last; undefined: not known. */
  lastOf(destination: string): NextHop | undefined {
    return this.#lastOf.get(destination)
  }

  remember(destination: string, nextHop: NextHop): void {
    this.#lastOf.set(destination, nextHop)
  }

  /** Destinations that have enough to do. */
  busyDestinations(): string[] {
    const busy: string[] = []
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
