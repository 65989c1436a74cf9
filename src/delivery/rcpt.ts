/** What is known of a recipient when RCPT names it. RFC 5321 §3.3. */
import type { Mailbox } from '../mail/envelope.ts'
import type { Status } from '../mail/status.ts'
import { atRcpt, decide, type DecideTools } from './decide.ts'

/** Why no plan for an address in our domains accepts it; undefined: one does. Throws a Refusal if the directory does not answer. */
export async function refusalAtRcpt(tools: DecideTools, mailbox: Mailbox): Promise<Status | undefined> {
  const plans = await decide(tools, mailbox, atRcpt)
  const refused = plans.find((plan) => plan.kind === 'refuse')
  return refused && plans.every((plan) => plan.kind === 'refuse') ? refused.status : undefined
}
