/** DELIVERBY: the sender's time limit and its effect on the queue. RFC 2852 §4.1. */
import type { RecipientDsn } from '../mail/envelope.ts'
import type { QueueRow } from '../store/entities.ts'
import type { AttemptResult } from './transport.ts'

type Asked = Pick<QueueRow, 'expiresAtMs' | 'parameters'>

/** No more attempts from then on. */
export function endOf({ expiresAtMs, parameters: { deliverBy } }: Asked): number {
  return deliverBy?.mode === 'return' ? Math.min(expiresAtMs, deliverBy.atMs) : expiresAtMs
}

/** Whether the time limit has passed: RFC 2852 §4.1.3 forbids another attempt. */
export function isTooLate({ parameters: { deliverBy } }: Asked, nowMs: number): boolean {
  return deliverBy?.mode === 'return' && deliverBy.atMs <= nowMs
}

/** Shortest wait when the remaining time is halved. */
const leastWaitMs = 15_000

/**
 * Adjusts the scheduled next attempt: makes one more before the time limit if possible, and with BY=…;N wakes at the
 * limit to send the DSN.
 */
export function nextWithin({ parameters: { deliverBy } }: Asked, plannedMs: number, nowMs: number): number {
  if (!deliverBy || deliverBy.atMs <= nowMs || plannedMs < deliverBy.atMs) return plannedMs
  if (deliverBy.mode === 'notify') return deliverBy.atMs
  const leftMs = deliverBy.atMs - nowMs
  return leftMs < 2 * leastWaitMs ? plannedMs : nowMs + Math.floor(leftMs / 2)
}

/** Whether the sender asked for a DSN and the limit has passed: RFC 2852 §4.1.3 counts the sender's time, not ours. */
export function lateByWish({ parameters: { deliverBy } }: Asked, nowMs: number): boolean {
  return deliverBy?.mode === 'notify' && deliverBy.atMs <= nowMs
}

/**
 * Whether relaying needs a DSN: trace was asked for, or the next hop does not support DELIVERBY. RFC 2852 §4.1.4,
 * §4.1.4.2.
 */
export function relayIsTold(
  { parameters: { deliverBy, notify } }: Asked,
  result: AttemptResult,
  nowMs: number,
): boolean {
  if (!deliverBy || notify?.includes('never')) return false
  return deliverBy.trace || (deliverBy.mode === 'notify' && deliverBy.atMs > nowMs && !result.minds)
}

/** NOTIFY for the next hop: of delays too, as it may not support DELIVERBY. RFC 2852 §4.1.4.2. */
export function askedOfNext({ deliverBy, notify, originalRecipient }: QueueRow['parameters']): RecipientDsn {
  if (deliverBy?.mode !== 'notify' || notify?.includes('never')) return { notify, originalRecipient }
  const wishes = new Set<NonNullable<RecipientDsn['notify']>[number]>(notify ?? ['failure'])
  return { notify: [...wishes.add('delay')], originalRecipient }
}

/** The result of a recipient that is too late. RFC 2852 §4.1.3. */
export const tooLate = {
  kind: 'never',
  enhanced: '5.4.7',
  words: '554 5.4.7 It was to be delivered by a time that is over',
} as const
