/**
 * Limits attempts at passwords. Failures count for an account *from* an address: failures from elsewhere lock no account, and behind a
 * shared address each user waits only for their own wrong passwords. Kept in memory: a restart forgets failures, and trusted addresses.
 */
import { BoundedMap } from '../base/bounded-map.ts'
import type { Live } from '../base/live.ts'
import { createHmac, randomBytes } from 'node:crypto'
import { sleep, type Clock } from '../base/clock.ts'
import { Refusal, status } from '../mail/status.ts'
import { isLoopback } from '../base/loopback.ts'
import { prefixesOf } from './prefix.ts'

export interface ThrottleOptions {
  /** Different wrong passwords for an account from an address before it has to wait. */
  readonly failuresFree: number
  readonly delayMaxMs: number
  /** How long an address is trusted for an account after a sign-in from there. */
  readonly trustMs: number
  /** Accounts that may fail from one address; with more it is taken to be trying a list of names. */
  readonly accountsPerAddressMax: number
}

/** The wait doubles from here with each failure. */
const delayFirstMs = 1000
/** Longer waits are refused: a waiting connection costs us too. */
const waitMaxMs = 10_000
/** Failures are forgotten after this time without a new one. */
const failuresKeptMs = 3_600_000
/** An attacker with a whole network guesses from many addresses: the network may fail this many times as often as one address. */
const wideFactor = 5
/** Failures from a trusted address between two successes: other users there, or a device with an old password. */
const trustedFailuresFree = 100
/** Wrong passwords remembered (as keyed hashes), so that a device that repeats one counts once. */
const passwordsSeenMax = 8
/** Limits of the tables, some 200 bytes an entry; the oldest entry is dropped. */
const pairsMax = 50_000
const addressesMax = 20_000
const trustedMax = 100_000

/** An attempt that is allowed. */
export interface Admission {
  /** When the next attempt would have been allowed, at that time. */
  readonly freeAtMs: number
  /** The account has signed in from there. */
  readonly known: boolean
}

interface Pair {
  failures: number
  readonly seen: string[]
  /** When the next attempt may begin; monotonic. */
  freeAtMs: number
  lastMs: number
}

interface Address {
  readonly failed: Set<string>
  readonly succeeded: Set<string>
  readonly untilMs: number
}

export class Throttle {
  readonly #options: Live<ThrottleOptions>
  readonly #clock: Clock
  /** Names and passwords are kept only as keyed hashes; the key exists only in this process. */
  readonly #secret = randomBytes(32)
  readonly #pairs = new BoundedMap<string, Pair>(pairsMax)
  readonly #addresses = new BoundedMap<string, Address>(addressesMax)
  readonly #trusted = new BoundedMap<string, number>(trustedMax)

  constructor(options: Live<ThrottleOptions>, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** Waits until the attempt is allowed. If that would take too long, throws a Refusal before any work is done. */
  async admit(address: string, name: string): Promise<Admission> {
    const now = this.#clock.monotonic()
    const pairs = this.#pairsOf(address, name)
    const known = this.#isTrusted(pairs[0]!.key, now)
    if (!known && this.#tries(address)) throw new Refusal(status.authUnavailable)
    let startMs = now
    for (const { pair } of pairs) startMs = Math.max(startMs, pair?.freeAtMs ?? 0)
    if (startMs - now > waitMaxMs) throw new Refusal(status.authUnavailable)
    let freeAtMs = startMs
    for (const { pair, free } of pairs) {
      if (!pair) continue
      pair.freeAtMs = Math.max(pair.freeAtMs, startMs + this.#delay(pair, free))
      freeAtMs = Math.max(freeAtMs, pair.freeAtMs)
    }
    if (startMs > now) await sleep(this.#clock, startMs - now)
    return { freeAtMs, known }
  }

  /** Many attempts may be admitted before the first of them fails: later ones are refused without telling whether they were right. */
  checkStill(address: string, name: string, admission: Admission): void {
    const since = Math.max(admission.freeAtMs, this.#clock.monotonic())
    const late = this.#pairsOf(address, name).some(({ pair }) => (pair?.freeAtMs ?? 0) - since > waitMaxMs)
    if (late) throw new Refusal(status.authUnavailable)
  }

  /** @param password undefined if not known (SCRAM): each failure then counts. */
  failed(address: string, name: string, password: string | undefined): void {
    const now = this.#clock.monotonic()
    const hash = password === undefined ? undefined : this.#hash(`password ${name.length} ${name}${password}`)
    for (const { key, pair: known, free } of this.#pairsOf(address, name)) {
      const pair = known ?? { failures: 0, seen: [], freeAtMs: 0, lastMs: 0 }
      pair.lastMs = now
      if (hash === undefined || !pair.seen.includes(hash)) {
        pair.failures++
        if (hash !== undefined) pair.seen.push(hash)
        if (pair.seen.length > passwordsSeenMax) pair.seen.shift()
        pair.freeAtMs = Math.max(pair.freeAtMs, now + this.#delay(pair, free))
      }
      this.#pairs.set(key, pair)
    }
    for (const { counts, max } of this.#countsOf(address))
      if (counts.failed.size < 4 * max) counts.failed.add(this.#hash(name))
  }

  succeeded(address: string, name: string): void {
    const [narrow] = this.#pairsOf(address, name)
    this.#pairs.delete(narrow!.key)
    this.#trusted.set(narrow!.key, this.#clock.monotonic() + this.#options.now.trustMs)
    const hash = this.#hash(name)
    for (const { counts, max } of this.#countsOf(address)) {
      counts.failed.delete(hash)
      if (counts.succeeded.size < 4 * max) counts.succeeded.add(hash)
    }
  }

  #delay({ failures }: Pair, free: number): number {
    if (failures <= free) return 0
    return Math.min(this.#options.now.delayMaxMs, delayFirstMs * 2 ** Math.min(20, failures - free - 1))
  }

  #isTrusted(key: string, now: number): boolean {
    return (this.#trusted.get(key) ?? 0) > now
  }

  /** The account from the address itself, then from its network; undefined if forgotten. */
  #pairsOf(address: string, name: string): { key: string; pair: Pair | undefined; free: number }[] {
    const now = this.#clock.monotonic()
    const { narrow, wide } = prefixesOf(address)
    const { failuresFree } = this.#options.now
    const of = (prefix: string, free: number): { key: string; pair: Pair | undefined; free: number } => {
      const key = this.#hash(`pair ${prefix} ${name}`)
      const pair = this.#pairs.get(key)
      return { key, pair: pair && now - pair.lastMs < failuresKeptMs ? pair : undefined, free }
    }
    const near = of(`= ${narrow}`, failuresFree)
    // A trusted address: neither earlier failures there nor those of its network count as for other addresses.
    if (this.#isTrusted(near.key, now)) return [{ ...near, free: trustedFailuresFree }]
    return [near, of(`~ ${wide}`, failuresFree * wideFactor)]
  }

  /** Whether an address seems to try a list of names. Not so if most accounts there sign in. */
  #tries(address: string): boolean {
    return this.#countsOf(address, false).some(
      ({ counts, max }) => counts.failed.size > max && counts.failed.size > 2 * counts.succeeded.size,
    )
  }

  /** Nothing for loopback: proxies and webmail connect all users from there. */
  #countsOf(address: string, make = true): { counts: Address; max: number }[] {
    if (isLoopback(address)) return []
    const { narrow, wide } = prefixesOf(address)
    const { accountsPerAddressMax } = this.#options.now
    const now = this.#clock.monotonic()
    return [
      { key: `= ${narrow}`, max: accountsPerAddressMax },
      { key: `~ ${wide}`, max: accountsPerAddressMax * wideFactor },
    ].flatMap(({ key, max }) => {
      const known = this.#addresses.get(key)
      if (known && known.untilMs > now) return [{ counts: known, max }]
      if (!make) return []
      const counts = { failed: new Set<string>(), succeeded: new Set<string>(), untilMs: now + failuresKeptMs }
      this.#addresses.set(key, counts)
      return [{ counts, max }]
    })
  }

  #hash(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('base64').slice(0, 24)
  }
}
