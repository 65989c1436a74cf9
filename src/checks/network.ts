/** The check `network`: rate limits by the client's network, over all its connections; not for users and trusted hosts. */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Peer } from '../base/network.ts'
import * as kinds from '../base/options/kinds.ts'
import { defaultsOf, option, table, type ValuesOf } from '../base/options/option.ts'
import { isLoopback } from '../base/loopback.ts'
import { networkOf, NetworkRates, type NetworkSize } from '../base/network-rates.ts'
import { status } from '../mail/status.ts'
import type { Check, CheckSession, Verdict } from './check.ts'
import { isKnown } from './clients.ts'

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

export interface NetworkTools {
  readonly clock: Clock
  readonly log: Log
  /** The current options: a reload changes them. */
  readonly options: () => SmtpRateOptions
  readonly networks: () => NetworkSize
}

class RateLimits {
  readonly #tools: NetworkTools
  readonly #messages = new NetworkRates(60_000)
  readonly #recipients = new NetworkRates(60_000)
  readonly #unknown = new NetworkRates(3_600_000)

  constructor(tools: NetworkTools) {
    this.#tools = tools
  }

  /** A transaction begins. @returns false: too many of late. */
  message({ address }: Peer): boolean {
    return this.#take(this.#messages, this.#tools.options().messageRatePerMinute, address)
  }

  /** A recipient is named. @returns false: too many of late. */
  recipient({ address }: Peer): boolean {
    return this.#take(this.#recipients, this.#tools.options().recipientRatePerMinute, address)
  }

  #take(rates: NetworkRates, count: number, address: string): boolean {
    if (count === 0 || isLoopback(address)) return true
    const { clock, networks } = this.#tools
    return rates.allow(count).take(networkOf(address, networks()), clock.monotonic())
  }

  /** Whether it has asked for so many unknown addresses that it gets no answers any more. */
  guesses({ address }: Peer): boolean {
    const { clock, options, networks } = this.#tools
    const count = options().unknownRecipientsPerHour
    if (count === 0 || isLoopback(address)) return false
    return this.#unknown.allow(count).isOver(networkOf(address, networks()), clock.monotonic())
  }

  /** It asked for an unknown address. */
  guessed(peer: Peer): void {
    const { log, options } = this.#tools
    this.#take(this.#unknown, options().unknownRecipientsPerHour, peer.address)
    if (this.guesses(peer)) log.info('address harvesting suspected', { peer: peer.address, port: peer.localPort })
  }
}

// A line in the log and the trace for each would be what a flood is after.
const tooManyMessages: Verdict = { kind: 'defer', status: status.tooManyMessages, untraced: true }
const tooManyRecipients: Verdict = { kind: 'defer', status: status.tooManyRecipientsOfLate, untraced: true }

export function networkCheck(tools: NetworkTools): Check {
  const limits = new RateLimits(tools)
  // The counts are of all connections, so one session serves them all.
  const session: CheckSession = {
    sender: (client) => (isKnown(client) || limits.message(client.peer) ? undefined : tooManyMessages),
    recipient(client) {
      if (isKnown(client)) return undefined
      // Clients that collect addresses are told the same of all of them.
      return limits.guesses(client.peer) || !limits.recipient(client.peer) ? tooManyRecipients : undefined
    },
    refused(client, _, { enhanced }) {
      if (!isKnown(client) && enhanced === status.mailboxUnknown.enhanced) limits.guessed(client.peer)
    },
  }
  return { name: 'network', speaksFor: 'all', onFailure: 'fault', begin: () => session }
}
