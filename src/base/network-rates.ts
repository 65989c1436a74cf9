/** Rates by the network of an address: limits for one host, or one customer. */
import { BoundedMap } from './bounded-map.ts'
import { parseIpAddress } from './ip-network.ts'
import { Rate } from './rate.ts'

/** Prefix lengths of one network. */
export interface NetworkSize {
  /** IPv4: 32 is a household already; 24 includes addresses that one customer may switch between. */
  readonly prefixBitsV4: number
  /** IPv6: 64 is the smallest usual assignment. */
  readonly prefixBitsV6: number
}

/** Text that is not an address is a network of its own. */
export function networkOf(address: string, { prefixBitsV4, prefixBitsV6 }: NetworkSize): string {
  const bytes = parseIpAddress(address)
  if (!bytes) return address
  const bits = bytes.length === 4 ? prefixBitsV4 : prefixBitsV6
  const whole = Buffer.from(bytes.subarray(0, (bits + 7) >> 3))
  if ((bits & 7) !== 0) whole[whole.length - 1]! &= 0xff00 >> (bits & 7)
  return `${bytes.length}/${bits} ${whole.toString('hex')}`
}

/** Networks remembered, some 200 bytes each; the longest idle one is forgotten, and starts again with a full share. */
const networksMax = 50_000

/** A number of events per period for each network, also as a burst. */
export class NetworkRates {
  readonly #rates = new BoundedMap<string, Rate>(networksMax)
  readonly #perMs: number
  #count = 0

  constructor(perMs: number) {
    this.#perMs = perMs
  }

  /** @param count the present limit; 0: no limit. Another limit than before clears all counts. */
  allow(count: number): this {
    if (count !== this.#count) this.#rates.clear()
    this.#count = count
    return this
  }

  isOver(network: string, nowMs: number): boolean {
    return this.#count > 0 && (this.#rates.get(network)?.waitMs(nowMs) ?? 0) > 0
  }

  /** @returns false, and counts nothing, when over the limit. */
  take(network: string, nowMs: number): boolean {
    if (this.#count === 0) return true
    if (this.isOver(network, nowMs)) return false
    // One less than the limit, as a rate admits one more than its burst.
    const rate = this.#rates.get(network) ?? new Rate(this.#count, this.#perMs, this.#count - 1)
    rate.spend(nowMs, 1)
    this.#rates.set(network, rate)
    return true
  }
}
