/** What is known of a recipient when RCPT names it. RFC 5321 §3.3. */
import { formatMailbox } from '../mail/address.ts'
import type { Mailbox } from '../mail/envelope.ts'
import type { Status } from '../mail/status.ts'
import { planLocal } from './resolve.ts'

/** Why no plan for an address in our domains accepts it; undefined: one does. Throws a Refusal if the directory does not answer. */
export async function refusalAtRcpt(
  tools: Parameters<typeof planLocal>[0],
  mailbox: Mailbox,
): Promise<Status | undefined> {
  const plans = await planLocal(tools, mailbox, formatMailbox(mailbox))
  const refused = plans.find((plan) => plan.kind === 'refuse')
  return refused && plans.every((plan) => plan.kind === 'refuse') ? refused.status : undefined
}
