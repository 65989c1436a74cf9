/**
 * Messages that are leased by the commit that accepts them: if nothing waits and there is room, the first attempt need
 * not read them from the store. All others are leased in fair order.
 */
import { bytesOf } from '../base/bytes.ts'
import type { MessageBytes } from '../mail/content.ts'
import type { QueueRow } from '../store/entities.ts'
import type { QueuedIds } from '../store/operations.ts'
import type { Arrive } from '../delivery/immediate-delivery.ts'
import { batchesOf, batchRecipientsMax } from './batches.ts'
import type { Batch, Transports } from './transport.ts'

/** Larger messages are read from the store when sent: smaller ones stay in memory until then. */
const contentBytesMax = 64 * 1024

/** While fewer recipients and bytes are in hand, new arrivals are leased at once: a burst is not read from disk. */
const recipientsMax = 10_000
const bytesMax = 48 * 1024 * 1024
/** Commits under way with a claim: it is not known yet how many go to one next hop. */
const claimsMax = 500

export class ClaimedArrivals {
  /** Leased by commits that are under way. */
  readonly #claims = new Map<string, Arrive>()
  readonly #transports: Transports
  #bytes = 0
  /** In hand, with their messages in memory. */
  recipients = 0

  constructor(transports: Transports) {
    this.#transports = transports
  }

  /** There is room, and no reason to wait; mailing lists wait in fair order from the start. */
  hasRoomFor(operation: Arrive, nowMs: number): boolean {
    const { queue } = operation
    if (!queue || queue.held || queue.firstAttemptMs > nowMs || !isSmall(operation)) return false
    const { length } = queue.recipients
    if (length > batchRecipientsMax || this.recipients + length > recipientsMax) return false
    return this.#claims.size < claimsMax && this.#bytes < bytesMax
  }

  /** @returns the operation to commit. */
  claim(operation: Arrive, leasedUntilMs: number): Arrive {
    const leased = { ...operation, queue: { ...operation.queue!, leasedUntilMs } }
    this.#claims.set(operation.arrivalId, leased)
    return leased
  }

  cancel(arrivalId: string): void {
    this.#claims.delete(arrivalId)
  }

  /** It is committed. @returns no batches if it was not claimed. */
  begin(arrivalId: string, ids: QueuedIds): Batch[] {
    const operation = this.#claims.get(arrivalId)
    if (!operation) return []
    this.#claims.delete(arrivalId)
    return batchesOf(this.#transports, rowsOf(operation, ids), bytesOfArrival(operation))
  }

  /** A batch is in hand from now on, or no longer. */
  count({ rows, bytes }: Batch, sign: 1 | -1): void {
    if (!bytes) return
    this.recipients += sign * rows.length
    this.#bytes += sign * bytes.sizeBytes
  }
}

/** Whether its bytes are in memory, and few. */
function isSmall({ content: { whole } }: Arrive): boolean {
  return whole !== undefined && whole.length <= contentBytesMax
}

/** The committed rows, as a lease would return them. */
function rowsOf({ arrivalId, at, content, queue }: Arrive, { entry, recipients }: QueuedIds): QueueRow[] {
  const { reversePath, submitter = null, prefix, firstAttemptMs, expiresAtMs, leasedUntilMs } = queue!
  return queue!.recipients.map(({ address, destination, parameters, turnMs }, i) => ({
    id: recipients[i]!,
    entry,
    arrivalId,
    reversePath,
    address,
    destination,
    state: 'leased',
    attempts: 0,
    acceptedAtMs: at.epochMs,
    nextAttemptMs: leasedUntilMs!,
    turnMs: turnMs ?? firstAttemptMs,
    expiresAtMs,
    submitter,
    fence: 1,
    leasedUntilMs: leasedUntilMs!,
    lastReply: null,
    parameters,
    sizeBytes: content.sizeBytes + prefix.length,
    prefixBytes: prefix.length,
  }))
}

/** The message as it is sent to the next hop. */
function bytesOfArrival({ content, queue }: Arrive): MessageBytes {
  const whole = Buffer.concat([bytesOf(queue!.prefix), content.whole!])
  return { sizeBytes: whole.length, read: (start, end) => whole.subarray(start, end) }
}
