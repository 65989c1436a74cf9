/** SMTP rate limits by the client's network, over all its connections; not for users and trusted hosts. */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Peer } from '../base/network.ts'
import * as kinds from '../base/options/kinds.ts'
import { defaultsOf, option, table, type ValuesOf } from '../base/options/option.ts'
import type { SmtpRateLimits } from '../protocol/smtp/rate-limits.ts'
import { isLoopback } from '../base/loopback.ts'
import { networkOf, NetworkRates, type NetworkSize } from './network-rates.ts'

/** Part of `[smtp]`. */
export const smtpPaceOptions = table({
  messageRatePerMinute: option(
    kinds.count(0, 1_000_000),
    0,
    'Messages per minute from one network without authentication; beyond it 450 4.7.1. 0: no limit.',
  ),
  recipientRatePerMinute: option(
    kinds.count(0, 10_000_000),
    0,
    'Recipients per minute from one network without authentication; beyond it 450 4.7.1. 0: no limit.',
  ),
  unknownRecipientsPerHour: option(
    kinds.count(0, 1_000_000),
    200,
    'Unknown recipients per hour from one network without authentication. Beyond it every RCPT from there gets 450 4.7.1, so that addresses cannot be harvested; legitimate mail is delayed, not lost. 0: no limit.',
  ),
})

export type SmtpRateOptions = ValuesOf<typeof smtpPaceOptions>
export const smtpRateDefaults: SmtpRateOptions = defaultsOf(smtpPaceOptions)

export interface SmtpPaceTools {
  readonly clock: Clock
  readonly log: Log
  /** The current options: a reload changes them. */
  readonly options: () => SmtpRateOptions
  readonly networks: () => NetworkSize
}

export class NetworkRateLimits implements SmtpRateLimits {
  readonly #tools: SmtpPaceTools
  readonly #messages = new NetworkRates(60_000)
  readonly #recipients = new NetworkRates(60_000)
  readonly #unknown = new NetworkRates(3_600_000)

  constructor(tools: SmtpPaceTools) {
    this.#tools = tools
  }

  message({ address }: Peer): boolean {
    return this.#take(this.#messages, this.#tools.options().messageRatePerMinute, address)
  }

  recipient({ address }: Peer): boolean {
    return this.#take(this.#recipients, this.#tools.options().recipientRatePerMinute, address)
  }

  #take(rates: NetworkRates, count: number, address: string): boolean {
    if (count === 0 || isLoopback(address)) return true
    const { clock, networks } = this.#tools
    return rates.allow(count).take(networkOf(address, networks()), clock.monotonic())
  }

  guesses({ address }: Peer): boolean {
    const { clock, options, networks } = this.#tools
    const count = options().unknownRecipientsPerHour
    if (count === 0 || isLoopback(address)) return false
    return this.#unknown.allow(count).isOver(networkOf(address, networks()), clock.monotonic())
  }

  guessed(peer: Peer): void {
    const { log, options } = this.#tools
    this.#take(this.#unknown, options().unknownRecipientsPerHour, peer.address)
    if (this.guesses(peer)) log.info('address harvesting suspected', { peer: peer.address, port: peer.localPort })
  }
}
