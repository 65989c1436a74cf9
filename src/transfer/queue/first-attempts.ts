/**
 * Messages that are leased by the commit that takes them: where nothing waits and there is room, their first attempt need not look for them
 * in the store. What else there is goes by turns, as ever.
 */
import { bytesOf } from '../../base/bytes.ts'
import type { MessageBytes } from '../../mail/content.ts'
import type { Change } from '../../store/changes.ts'
import type { QueueRow } from '../../store/entities.ts'
import type { Operation } from '../../store/operations.ts'

export type Arrive = Extract<Operation, { kind: 'arrive' }>
type Leased = Extract<Change, { kind: 'leased' }>

/** Larger messages are read from the store when their turn comes: so much of each stays in memory until it is sent. */
export const contentBytesMax = 64 * 1024

/** Asked for each arrival that others are to have. */
export interface FirstAttempts {
  /** @returns the operation as it is to be committed. */
  lease(operation: Arrive): Arrive
  /** The commit was refused. */
  forget(arrivalId: string): void
}

/** Its bytes are at hand, and small. */
export function isSmall({ content: { inline } }: Arrive): boolean {
  return inline !== undefined && inline.length <= contentBytesMax
}

/** The rows that the commit has made, as a lease would have brought them. */
export function rowsOf({ arrivalId, at, content, queue }: Arrive, { entry, recipients }: Leased): QueueRow[] {
  const { reversePath, prefix, firstAttemptMs, expiresAtMs, leasedUntilMs } = queue!
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
    fence: 1,
    leasedUntilMs: leasedUntilMs!,
    lastReply: null,
    parameters,
    sizeBytes: content.sizeBytes + prefix.length,
    prefixBytes: prefix.length,
  }))
}

/** The message as the next host gets it. */
export function bytesOfArrival({ content, queue }: Arrive): MessageBytes {
  const whole = Buffer.concat([bytesOf(queue!.prefix), content.inline!])
  return { sizeBytes: whole.length, read: (start, end) => whole.subarray(start, end) }
}
