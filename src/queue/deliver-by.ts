/** What the sender asked about time, and what the queue makes of it. RFC 2852 §4.1. */
import type { RecipientDsn } from '../mail/envelope.ts'
import type { QueueRow } from '../store/entities.ts'
import type { AttemptResult } from '../transport/smtp/smtp.ts'

type Asked = Pick<QueueRow, 'expiresAtMs' | 'parameters'>

/** From then on it is not tried any more. */
export function endOf({ expiresAtMs, parameters: { deliverBy } }: Asked): number {
  return deliverBy?.mode === 'return' ? Math.min(expiresAtMs, deliverBy.atMs) : expiresAtMs
}

/** It is of no use to anybody now: RFC 2852 §4.1.3 forbids another attempt. */
export function isTooLate({ parameters: { deliverBy } }: Asked, nowMs: number): boolean {
  return deliverBy?.mode === 'return' && deliverBy.atMs <= nowMs
}

/** No halving of what is left goes below this. */
const leastWaitMs = 15_000

/**
 * The next attempt, given the one that the schedule has: before the time is over there is one more where that is possible,
 * and when it is over the sender hears of it.
 */
export function nextWithin({ parameters: { deliverBy } }: Asked, plannedMs: number, nowMs: number): number {
  if (!deliverBy || deliverBy.atMs <= nowMs || plannedMs < deliverBy.atMs) return plannedMs
  if (deliverBy.mode === 'notify') return deliverBy.atMs
  const leftMs = deliverBy.atMs - nowMs
  return leftMs < 2 * leastWaitMs ? plannedMs : nowMs + Math.floor(leftMs / 2)
}

/** The sender wished to hear that it is late: RFC 2852 §4.1.3 counts from his time, not from ours. */
export function lateByWish({ parameters: { deliverBy } }: Asked, nowMs: number): boolean {
  return deliverBy?.mode === 'notify' && deliverBy.atMs <= nowMs
}

/** A relay is reported that was asked for a trace, or that knows nothing of the time. RFC 2852 §4.1.4, §4.1.4.2. */
export function relayIsTold(
  { parameters: { deliverBy, notify } }: Asked,
  result: AttemptResult,
  nowMs: number,
): boolean {
  if (!deliverBy || notify?.includes('never')) return false
  return deliverBy.trace || (deliverBy.mode === 'notify' && deliverBy.atMs > nowMs && !result.minds)
}

/** What the next host is asked to tell: of delays too, since it may know nothing of the time. RFC 2852 §4.1.4.2. */
export function askedOfNext({ deliverBy, notify, originalRecipient }: QueueRow['parameters']): RecipientDsn {
  if (deliverBy?.mode !== 'notify' || notify?.includes('never')) return { notify, originalRecipient }
  const wishes = new Set<NonNullable<RecipientDsn['notify']>[number]>(notify ?? ['failure'])
  return { notify: [...wishes.add('delay')], originalRecipient }
}
