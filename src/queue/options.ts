/** What the configuration tells the queue, with the reasons for the defaults. */
import { deliveryDefaults, type DeliveryOptions } from '../delivery/options.ts'
import { transportDefaults, type TransportOptions } from '../transport/options.ts'

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

/** Part of `[transfer]`. */
export interface QueueOptions {
  /** Waits between attempts, milliseconds; the last one repeats. RFC 5321 §4.5.4.1. */
  readonly retryAfterMs: readonly number[]
  /** A sender hears of a message that could not be sent for so long; 0: never. RFC 3461 §5.2.5. */
  readonly delayWarningMs: number
  /** Recipients a minute to everybody together; 0: no limit. */
  readonly transferRatePerMinute: number
  /** Recipients an hour of one sender; 0: no limit. What is beyond waits. */
  readonly senderRatePerHour: number
  /** Transfers under way at a time, in all and to one set of hosts. */
  readonly transfersMax: number
  readonly transfersPerDestinationMax: number
}

/** All of `[transfer]`: the queue hands it on to the rooms below. */
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
