/** What the transfer room is told by the configuration, with the reasons for the defaults. */

import type { AddressFamilies } from './address-order.ts'

/** Domains that are not ours, and whose mail is taken from everybody. */
export interface RelayOptions {
  /** Each a domain, `*.domain`, or `*`. */
  readonly domains: readonly string[]
}

/** What other domains are told of our connections to them. */
export interface ReportOptions {
  /** RFC 8460. */
  readonly tls: boolean
  /** An address of ours that reports come from, and that can be asked. */
  readonly contact: string
}

/** What holds for a destination, or for all that its hosts serve. */
export interface DestinationRule {
  /** A domain of recipients or a host that takes their mail; `*.domain`, `*`. */
  readonly match: string
  readonly connectionsMax?: number
  /** Recipients a minute. */
  readonly ratePerMinute?: number
  /** Waits between attempts, milliseconds; the last one repeats. */
  readonly retryAfterMs?: readonly number[]
}

export interface TransferOptions {
  /** Our name in Received, HELO and notices. */
  readonly hostname: string
  /** Largest message taken, bytes; 0 would be no limit. */
  readonly messageBytesMax: number
  /** What parts user from detail in a local part; '' for none. */
  readonly subaddressDelimiter: string
  /** Received fields after which a message is taken to run in a circle. RFC 5321 §6.3 asks for at least 100. */
  readonly hopsMax: number
  /** Recipients filed at once after aliases are expanded; the rest is queued for ourselves, so that the client gets its 250 in time. */
  readonly fileNowMax: number
  /** Waits between attempts, milliseconds; the last one repeats. RFC 5321 §4.5.4.1. */
  readonly retryAfterMs: readonly number[]
  /** A message that could not be sent for so long is returned. RFC 5321 §4.5.4.1: at least 4–5 days. */
  readonly queueLifetimeMs: number
  /** A sender hears of a message that could not be sent for so long; 0: never. RFC 3461 §5.2.5. */
  readonly delayWarningMs: number
  /** Recipients a minute to everybody together; 0: no limit. */
  readonly transferRatePerMinute: number
  /** Recipients an hour of one sender; 0: no limit. What is beyond waits. */
  readonly senderRatePerHour: number
  /** Transfers under way at a time, in all and to one set of hosts. */
  readonly transfersMax: number
  readonly transfersPerDestinationMax: number
  /** Which addresses of other hosts are tried, and which first. */
  readonly addressFamilies: AddressFamilies
  /** Whether policies of domains are asked for. RFC 8461. */
  readonly mtaSts: boolean
  /** The port of other people's MX hosts; tests have others. */
  readonly smtpPort: number
}

const minute = 60_000
const hour = 60 * minute

export const transferDefaults: TransferOptions = {
  hostname: 'localhost',
  messageBytesMax: 50 * 1024 * 1024,
  subaddressDelimiter: '+',
  hopsMax: 100,
  fileNowMax: 100,
  retryAfterMs: [5 * minute, 10 * minute, 20 * minute, 40 * minute, hour, 2 * hour, 4 * hour],
  queueLifetimeMs: 5 * 24 * hour,
  delayWarningMs: 4 * hour,
  transferRatePerMinute: 0,
  senderRatePerHour: 0,
  transfersMax: 100,
  transfersPerDestinationMax: 20,
  addressFamilies: 'ipv4First',
  mtaSts: true,
  smtpPort: 25,
}
