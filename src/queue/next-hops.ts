/**
 * What is known of the places that mail goes to. A site is a set of hosts: all domains that one provider serves are one site, and share
 * its connections, its limits and its bad days.
 */
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

/** Transfers at a time to a site of which nothing is known. */
const windowAtFirst = 5
/** Failures in a row, of attempts for different messages perhaps, after which a site is left alone for a while. */
const failuresMax = 3
/** How long it is left alone: at first, and at most. Twice as long each time. */
const restAtFirstMs = 60_000
const restMaxMs = 60 * 60_000
/** Recipients that are leased out of the store for a site: it has what to do next, and must not take the others' room. */
const heldMax = 200
/** Recipients of first attempts, whose messages are in memory. */
const newsMax = 5000
/** Sites that are remembered though nothing goes there now. */
const sitesMax = 5000

export interface Rest {
  readonly untilMs: number
  readonly words: string
  readonly enhanced: string
}

export class Site {
  readonly name: string
  /** Earliest turn first. */
  readonly waiting: Batch[] = []
  readonly rate: Rate | undefined
  readonly #connectionsMax: number
  running = 0
  /** Recipients that wait here or are under way: leased out of the store, and those of first attempts. */
  #held = 0
  #news = 0
  /** Transfers that it may have at a time: grows with success, shrinks with failure. */
  window: number
  #successes = 0
  #failures = 0
  #rests = 0
  #rest: Rest | undefined

  constructor(name: string, connectionsMax: number, ratePerMinute: number | undefined) {
    this.name = name
    this.#connectionsMax = connectionsMax
    this.window = Math.min(windowAtFirst, connectionsMax)
    this.rate = ratePerMinute ? new Rate(ratePerMinute, 60_000) : undefined
  }

  /** Puts it in line. @returns who has to leave for it: the last of the first attempts, where there are too many. */
  add(batch: Batch): Batch | undefined {
    this.#count(batch, 1)
    this.waiting.splice(this.#placeOf(turnOf(batch)), 0, batch)
    if (this.#news <= newsMax) return undefined
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

  /** It is under way no more, nor in line. */
  release(batch: Batch): void {
    this.#count(batch, -1)
  }

  #count({ rows, bytes }: Batch, sign: 1 | -1): void {
    if (bytes) this.#news += sign * rows.length
    else this.#held += sign * rows.length
  }

  /** What arrives may be tried at once: there is room, or somebody in line whose turn is after it. */
  takesNews(turnMs: number): boolean {
    const last = this.waiting.at(-1)
    return this.#news < newsMax || (last !== undefined && turnMs < turnOf(last))
  }

  get isBusy(): boolean {
    return this.#held >= heldMax
  }

  /** There is more of it than it can have: what was leased beyond goes back. */
  get isFull(): boolean {
    return this.#held >= 2 * heldMax
  }

  /** Why and until when it is left alone. */
  restAt(nowMs: number): Rest | undefined {
    return this.#rest && this.#rest.untilMs > nowMs ? this.#rest : undefined
  }

  get isForgettable(): boolean {
    return this.#held === 0 && this.#news === 0 && this.running === 0
  }

  /** It took a message, or said no for good: it is well. */
  succeeded(): void {
    this.answered()
    if (++this.#successes < this.window) return
    this.#successes = 0
    this.window = Math.min(this.#connectionsMax, this.window + 1)
  }

  /** It spoke, and had a reason of its own for each recipient: greylisting, a full mailbox. */
  answered(): void {
    this.#failures = 0
    this.#rests = 0
    this.#rest = undefined
  }

  /** It could not be reached, or has no room for us. */
  failed(nowMs: number, random: Random, words: string, enhanced: string): void {
    this.#successes = 0
    this.window = Math.max(1, this.window >> 1)
    if (++this.#failures < failuresMax && this.#rests === 0) return
    const pause = Math.min(restMaxMs, restAtFirstMs * 2 ** Math.min(this.#rests, 10))
    this.#rests++
    this.#failures = 0
    this.window = 1
    this.#rest = { untilMs: nowMs + pause + random.below(Math.ceil(pause / 10)), words, enhanced }
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
 * connections come from: an address of ours that they have shut out is another site than those that they take mail from.
 */
export function siteName(
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

export class Sites {
  readonly #sites = new Map<string, Site>()

  of(name: string, connectionsMax: number, ratePerMinute?: number): Site {
    let site = this.#sites.get(name)
    if (site) return site
    this.#sites.set(name, (site = new Site(name, connectionsMax, ratePerMinute)))
    if (this.#sites.size > sitesMax) this.#forget()
    return site
  }

  /** The options of sites changed: they are made anew, but for those where mail is under way. */
  renew(): void {
    for (const [name, site] of this.#sites) if (site.isForgettable) this.#sites.delete(name)
  }

  #forget(): void {
    for (const [name, site] of this.#sites) {
      if (this.#sites.size <= sitesMax / 2) return
      if (site.isForgettable) this.#sites.delete(name)
    }
  }

  *[Symbol.iterator](): IterableIterator<Site> {
    yield* this.#sites.values()
  }
}
