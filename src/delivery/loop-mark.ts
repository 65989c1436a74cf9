/**
 * The mark by which mail that an alias sent on is known when it comes back: Delivered-To, as Postfix and Dovecot write it. An alias
 * here and one elsewhere that lead to each other would double a message at each pass, long before a hop limit ends it.
 */
import { createHash } from 'node:crypto'
import { formatField } from '../mail/header-format.ts'
import { localDestination } from './file.ts'
import type { Plan, Planned } from './plan.ts'

/** Aliases that one message may have passed: a row of lists that feed each other has some. */
export const passedMax = 20

/** Whether a plan sends it on to where an address of ours leads. */
export function isForward(plan: Plan): boolean {
  return plan.kind === 'queue' && plan.destination !== localDestination && plan.address !== plan.recipient
}

/** With several, one that is a blind copy must not be told to the others' readers: the address is known by its digest. */
function digestOf(recipient: string): string {
  return `${createHash('sha256').update(recipient.toLowerCase()).digest('hex').slice(0, 32)}@alias.invalid`
}

/** @param deliveredTo what the message has, lower case. */
export function wasSentOn(deliveredTo: readonly string[], recipient: string): boolean {
  return (
    deliveredTo.length > 0 &&
    (deliveredTo.includes(recipient.toLowerCase()) || deliveredTo.includes(digestOf(recipient)))
  )
}

/** What stands before the copies that leave us; '' where no alias sends any on. */
export function loopMarks(planned: readonly Planned[]): string {
  const forwarding = planned.filter(({ plans }) => plans.some(isForward)).map(({ recipient }) => recipient)
  if (forwarding.length === 0) return ''
  const marks = forwarding.length === 1 ? forwarding : forwarding.map(digestOf)
  return marks.map((mark) => formatField('Delivered-To', Buffer.from(mark, 'utf8').toString('latin1'))).join('')
}
