/** The options of the queue, and their defaults. */
import { deliveryDefaults, type DeliveryOptions } from '../delivery/options.ts'
import { transportDefaults, type TransportOptions } from '../transport/options.ts'

/** Limits for a destination, or for a next hop by its hosts. */
export interface DestinationRule {
  /** A domain of recipients, or a host of their mail; `*.domain`, `*`. */
  readonly match: string
  readonly connectionsMax?: number
  /** Recipients a minute. */
  readonly ratePerMinute?: number
  /** Waits between attempts, milliseconds; the last one repeats. */
  readonly retryAfterMs?: readonly number[]
}

/** Part of `[transfer]`. */
export interface QueueOptions {
  /** Waits between attempts, milliseconds; the last one repeats. RFC 5321 §4.5.4.1. */
  readonly retryAfterMs: readonly number[]
  /** A delay DSN is sent after this time; 0: never. RFC 3461 §5.2.5. */
  readonly delayWarningMs: number
  /** Recipients a minute, over all next hops; 0: no limit. */
  readonly transferRatePerMinute: number
  /** Recipients an hour of one sender; 0: no limit. Others wait. */
  readonly senderRatePerHour: number
  /** Transfers at a time, in all and to one next hop. */
  readonly transfersMax: number
  readonly transfersPerDestinationMax: number
}

/** All of `[transfer]`: the queue passes it to the rooms below. */
export type TransferOptions = DeliveryOptions & TransportOptions & QueueOptions

const minute = 60_000
const hour = 60 * minute

export const queueDefaults: QueueOptions = {
  retryAfterMs: [5 * minute, 10 * minute, 20 * minute, 40 * minute, hour, 2 * hour, 4 * hour],
  delayWarningMs: 4 * hour,
  transferRatePerMinute: 0,
  senderRatePerHour: 0,
  transfersMax: 100,
  transfersPerDestinationMax: 20,
}

export const transferDefaults: TransferOptions = { ...deliveryDefaults, ...transportDefaults, ...queueDefaults }
