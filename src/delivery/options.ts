/** What the configuration tells the delivery room, with the reasons for the defaults. */

/** Domains that are not ours, and whose mail is taken from everybody. */
export interface RelayOptions {
  /** Each a domain, `*.domain`, or `*`. */
  readonly domains: readonly string[]
}

/** Part of `[transfer]`. */
export interface DeliveryOptions {
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
  /** A message that could not be sent for so long is returned. RFC 5321 §4.5.4.1: at least 4–5 days. */
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
