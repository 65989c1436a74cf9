/** Resolves an address for VRFY and EXPN. RFC 5321 §3.5. */
import type { Live } from '../base/live.ts'
import { expandAddress, type AddressSource } from '../directory/aliases.ts'
import { formatMailbox, parseMailbox } from '../mail/address.ts'
import type { Mailbox } from '../mail/envelope.ts'
import type { AddressAnswer } from '../protocol/smtp/backend.ts'
import type { StoreReads } from '../store/store.ts'
import type { DeliveryOptions } from './options.ts'
import { completeMailbox } from './complete-mailbox.ts'

interface Tools {
  readonly store: { readonly read: StoreReads }
  readonly options: Live<DeliveryOptions>
  readonly addresses: AddressSource
  isOwnAddress?(address: string): boolean
}

/** Domains that are searched for a name without one. Larger servers do not use such names. */
const domainsMax = 100

/** @param name `user@domain`, or `user` in any of our domains. */
export async function lookUp(tools: Tools, name: string): Promise<AddressAnswer> {
  const { store, options, addresses } = tools
  const { read } = store
  const candidates: Mailbox[] = []
  const given = parseMailbox(name)
  const whole = given && completeMailbox(tools, given)
  if (whole) {
    if (!read.isLocalDomain(whole.domain)) return { kind: 'elsewhere' }
    candidates.push(whole)
  } else {
    for (const domain of read.domains().slice(0, domainsMax)) {
      const mailbox = parseMailbox(`${name}@${domain}`)
      if (mailbox) candidates.push(mailbox)
    }
  }
  const { subaddressDelimiter } = options.now
  const found: { mailbox: Mailbox; members: Mailbox[] }[] = []
  for (const { localPart, domain } of candidates) {
    const expansion = await expandAddress(addresses, localPart, domain, subaddressDelimiter)
    if (!expansion) continue
    const names = [...expansion.accounts.map((account) => account.name), ...expansion.remote]
    const members = names.flatMap((address) => parseMailbox(address) ?? [])
    // Accounts that accept no mail now are not disclosed.
    if (members.length > 0) found.push({ mailbox: canonical({ localPart, domain }, members), members })
  }
  const [one, ...more] = found
  if (!one) return { kind: 'unknown' }
  if (more.length > 0) return { kind: 'ambiguous', mailboxes: found.map(({ mailbox }) => mailbox) }
  return { kind: 'known', ...one }
}

/** The address in the spelling of the account, if it is one. */
function canonical(asked: Mailbox, members: readonly Mailbox[]): Mailbox {
  const text = formatMailbox(asked).toLowerCase()
  return members.find((member) => formatMailbox(member).toLowerCase() === text) ?? asked
}
