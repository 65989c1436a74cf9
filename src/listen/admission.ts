/** Admission of connections: limits in all, by network, and by rate. */
import type { Live } from '../base/live.ts'
import type { Clock } from '../base/clock.ts'
import { isLoopback } from '../base/loopback.ts'
import { networkOf, NetworkRates, type NetworkSize } from '../base/network-rates.ts'

export interface AdmissionLimits extends NetworkSize {
  /** Connections in all, over all listeners. */
  readonly connectionsMax: number
  /** Connections of one network; loopback is not counted, as proxies and tests use it. */
  readonly connectionsPerAddressMax: number
  /** New connections of one network; 0: no limit. */
  readonly connectionRatePerMinute: number
}

export const admissionDefaults: AdmissionLimits = {
  connectionsMax: 20_000,
  connectionsPerAddressMax: 1000,
  connectionRatePerMinute: 0,
  prefixBitsV4: 32,
  prefixBitsV6: 64,
}

export class Admission {
  readonly #limits: Live<AdmissionLimits>
  readonly #clock: Clock
  readonly #open = new Map<string, number>()
  readonly #rates = new NetworkRates(60_000)
  #count = 0

  constructor(limits: Live<AdmissionLimits>, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** @returns a function to call once when the connection ends; undefined if it is refused. */
  admit(address: string): (() => void) | undefined {
    const { connectionsMax, connectionsPerAddressMax, connectionRatePerMinute } = this.#limits.now
    if (this.#count >= connectionsMax) return undefined
    if (isLoopback(address)) return this.#enter(undefined)
    const network = networkOf(address, this.#limits.now)
    if ((this.#open.get(network) ?? 0) >= connectionsPerAddressMax) return undefined
    if (!this.#rates.allow(connectionRatePerMinute).take(network, this.#clock.monotonic())) return undefined
    return this.#enter(network)
  }

  /**
   * For http: with the same limits by network and rate. Loopback is always admitted, so that monitoring works when mail
   * uses all connections: the listener limits these itself.
   */
  admitWatcher(address: string): (() => void) | undefined {
    return isLoopback(address) ? () => {} : this.admit(address)
  }

  #enter(network: string | undefined): () => void {
    this.#count++
    if (network !== undefined) this.#open.set(network, (this.#open.get(network) ?? 0) + 1)
    return () => {
      this.#count--
      if (network === undefined) return
      const left = this.#open.get(network)! - 1
      if (left === 0) this.#open.delete(network)
      else this.#open.set(network, left)
    }
  }
}
