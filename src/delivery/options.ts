/** The options of this room, and their defaults. */

/** Relay domains: not ours, but mail for them is accepted from all clients. */
export interface RelayOptions {
  /** Each a domain, `*.domain`, or `*`. */
  readonly domains: readonly string[]
}

/** Part of `[transfer]`. */
export interface DeliveryOptions {
  /** Our name in Received, HELO and bounces. */
  readonly hostname: string
  /** Largest message accepted, bytes; 0: no limit. */
  readonly messageBytesMax: number
  /** Separates user and detail in a local part; '' for none. */
  readonly subaddressDelimiter: string
  /** Messages with more Received fields are refused as a mail loop. RFC 5321 §6.3 asks for at least 100. */
  readonly hopsMax: number
  /**
   * Recipients filed at once after aliases are expanded; the rest waits in the local queue, so that the client gets its
   * 250 in time.
   */
  readonly fileNowMax: number
  /** Messages that could not be sent bounce after this time. RFC 5321 §4.5.4.1: at least 4–5 days. */
  readonly queueLifetimeMs: number
}

const day = 24 * 60 * 60_000

export const deliveryDefaults: DeliveryOptions = {
  hostname: 'localhost',
  messageBytesMax: 50 * 1024 * 1024,
  subaddressDelimiter: '+',
  hopsMax: 100,
  fileNowMax: 100,
  queueLifetimeMs: 5 * day,
}
