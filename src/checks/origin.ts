/** The check `origin`: submissions need a sign-in, and an address of the account in MAIL and in From. RFC 6409 §4.3, §6.1. */
import type { Live } from '../base/live.ts'
import { maySendAs, type AddressSource } from '../directory/aliases.ts'
import type { Authors } from '../mail/authors.ts'
import type { Mailbox } from '../mail/envelope.ts'
import { status } from '../mail/status.ts'
import type { Check, CheckSession, Verdict } from './check.ts'
import { mayRelay } from './clients.ts'

export interface OriginTools {
  readonly addresses: AddressSource
  readonly options: Live<{ readonly subaddressDelimiter: string }>
  /** The address as our rules rewrite it: it may be used if this one may. */
  rewritten?(mailbox: Mailbox): Mailbox | undefined
}

const notYours: Verdict = { kind: 'refuse', status: status.senderNotYours }

export function originCheck({ addresses, options, rewritten }: OriginTools): Check {
  const may = async (user: string, mailbox: Mailbox): Promise<boolean> => {
    const seen = rewritten?.(mailbox)
    for (const { localPart, domain } of [mailbox, ...(seen ? [seen] : [])])
      if (await maySendAs(addresses, user, localPart, domain, options.now.subaddressDelimiter)) return true
    return false
  }
  const mayAll = async (user: string, { incomplete, countless, mailboxes }: Authors): Promise<boolean> => {
    if (incomplete || countless) return false
    for (const mailbox of mailboxes) if (!(await may(user, mailbox))) return false
    return true
  }
  const session: CheckSession = {
    sender({ service, user, trusted }, reversePath) {
      if (service !== 'submission' && service !== 'submissions') return undefined
      if (!user && !trusted) return { kind: 'refuse', status: status.authRequired }
      // All users may send with the null reverse-path: read receipts do. RFC 5321 §4.5.5.
      if (!user || !reversePath) return undefined
      return may(user.name, reversePath).then((allowed) => (allowed ? undefined : notYours))
    },
    /** From must be an address of the account: readers see it rather than the envelope. */
    message(client, { facts }) {
      const { user } = client
      // Trusted hosts, such as printers, have no account to compare From with.
      if (!user || !mayRelay(client)) return undefined
      return (async () => {
        // Mail programs show Sender and the like as "sent by", or instead of From.
        for (const authors of [facts.authors, ...facts.senders])
          if (!(await mayAll(user.name, authors))) return notYours
        return undefined
      })()
    },
  }
  return { name: 'origin', speaksFor: 'all', onFailure: 'fault', begin: () => session }
}
