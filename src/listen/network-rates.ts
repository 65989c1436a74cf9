/** Rates by the network around an address: what one host, or one line, may do. */
import { BoundedMap } from '../base/bounded-map.ts'
import { parseIpAddress } from '../base/ip-network.ts'
import { Rate } from '../base/rate.ts'

/** What of an address makes one network. */
export interface NetworkSize {
  /** IPv4: an address is a household already; 24 takes in what one customer may change between. */
  readonly prefixBitsV4: number
  /** IPv6: 64 is the least that anybody has. */
  readonly prefixBitsV6: number
}

/** Text that is no address is a network of its own. */
export function networkOf(address: string, { prefixBitsV4, prefixBitsV6 }: NetworkSize): string {
  const bytes = parseIpAddress(address)
  if (!bytes) return address
  const bits = bytes.length === 4 ? prefixBitsV4 : prefixBitsV6
  const whole = Buffer.from(bytes.subarray(0, (bits + 7) >> 3))
  if ((bits & 7) !== 0) whole[whole.length - 1]! &= 0xff00 >> (bits & 7)
  return `${bytes.length}/${bits} ${whole.toString('hex')}`
}

/** Networks that are remembered, some 200 bytes each; the one that was quiet longest makes room, and has a full share again when it is back. */
const networksMax = 50_000

/** So many in a time for each network, all at once if it likes. */
export class NetworkRates {
  readonly #rates = new BoundedMap<string, Rate>(networksMax)
  readonly #perMs: number
  #count = 0

  constructor(perMs: number) {
    this.#perMs = perMs
  }

  /** @param count what is allowed now; 0: everything. Another number than before forgets what was. */
  allow(count: number): this {
    if (count !== this.#count) this.#rates.clear()
    this.#count = count
    return this
  }

  isOver(network: string, nowMs: number): boolean {
    return this.#count > 0 && (this.#rates.get(network)?.waitMs(nowMs) ?? 0) > 0
  }

  /** @returns false, and counts nothing, when it is over. */
  take(network: string, nowMs: number): boolean {
    if (this.#count === 0) return true
    if (this.isOver(network, nowMs)) return false
    // One less than the burst, since a rate lets one more through than it has room for.
    const rate = this.#rates.get(network) ?? new Rate(this.#count, this.#perMs, this.#count - 1)
    rate.spend(nowMs, 1)
    this.#rates.set(network, rate)
    return true
  }
}
