/**
 * Recognises forwarded mail that comes back, by Delivered-To as in Postfix and Dovecot. An alias here and one on
 * another host that forward to each other would double a message at each pass, long before a hop limit ends it.
 */
import { createHash } from 'node:crypto'
import { formatField } from '../mail/header-format.ts'
import type { Plan, Planned } from './plan.ts'

/** Aliases that one message may pass: nested lists need some. */
export const passedMax = 20

/** Whether a plan forwards from a local address to another host. */
export function isForward(plan: Plan): boolean {
  return plan.kind === 'queue' && plan.destination.kind !== 'local' && plan.address !== plan.recipient
}

/** With several recipients, a blind copy must not be disclosed to the others: a digest stands for the address. */
function digestOf(recipient: string): string {
  return `${createHash('sha256').update(recipient.toLowerCase()).digest('hex').slice(0, 32)}@alias.invalid`
}

/** @param deliveredTo the Delivered-To values of the message, lower case. */
export function wasSentOn(deliveredTo: readonly string[], recipient: string): boolean {
  return (
    deliveredTo.length > 0 &&
    (deliveredTo.includes(recipient.toLowerCase()) || deliveredTo.includes(digestOf(recipient)))
  )
}

/** Fields for the copies that leave us; '' if no alias forwards any. */
export function loopMarks(planned: readonly Planned[]): string {
  const forwarding = planned.filter(({ plans }) => plans.some(isForward)).map(({ recipient }) => recipient)
  if (forwarding.length === 0) return ''
  const marks = forwarding.length === 1 ? forwarding : forwarding.map(digestOf)
  return marks.map((mark) => formatField('Delivered-To', Buffer.from(mark, 'utf8').toString('latin1'))).join('')
}
