/** The check `recipients`: what is known of an address of ours at RCPT is told at RCPT. RFC 5321 §3.3. */
import type { Mailbox } from '../mail/envelope.ts'
import type { Status } from '../mail/status.ts'
import { declined, type Check, type CheckSession } from './check.ts'

export interface RecipientTools {
  isLocalDomain(domain: string): boolean
  /** Why nothing for an address of our domains can be accepted; undefined: it can. */
  refusalOf(mailbox: Mailbox): Promise<Status | undefined>
}

export function recipientsCheck({ isLocalDomain, refusalOf }: RecipientTools): Check {
  const session: CheckSession = {
    recipient(_, mailbox) {
      if (!isLocalDomain(mailbox.domain)) return undefined
      return refusalOf(mailbox).then((status) => status && declined(status))
    },
  }
  return { name: 'recipients', speaksFor: 'all', onFailure: 'fault', begin: () => session }
}
