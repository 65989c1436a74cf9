/**
 * From an address to plans: the local mailbox, the next address, or the reason for a refusal. What is known at RCPT is
 * decided here.
 */
import type { AccountId } from '../mail/ids.ts'
import type { Live } from '../base/live.ts'
import { expandAddress, type AddressSource } from '../directory/aliases.ts'
import { parseMailbox } from '../mail/address.ts'
import { networksHold, parseIpNetwork } from '../base/ip-network.ts'
import { domainDestination } from '../mail/destination.ts'
import type { Mailbox } from '../mail/envelope.ts'
import { fitsDomain } from '../mail/domain-pattern.ts'
import { status } from '../mail/status.ts'
import type { StoreReads } from '../store/store.ts'
import type { RelayOptions, DeliveryOptions } from './options.ts'
import type { Plan } from './plan.ts'

interface Tools {
  readonly store: { readonly read: StoreReads }
  readonly options: Live<DeliveryOptions>
  /** What the addresses of our domains stand for. */
  readonly addresses: AddressSource
  /**
   * Whether our listeners are reachable at an address; undefined: only the address that the client connected to is
   * known.
   */
  isOwnAddress?(address: string): boolean
}

/**
 * Completes addresses of the server itself with our first domain: `<postmaster>` without a domain (RFC 5321 §4.1.1.3),
 * and all users at an address literal of this host (§4.1.3, §4.5.1).
 * @param localAddress the address that the client connected to.
 */
export function completeMailbox(tools: Tools, mailbox: Mailbox, localAddress?: string): Mailbox {
  const { store, options } = tools
  const { localPart, domain } = mailbox
  if (domain !== '' && !isOwnLiteral(tools, domain, localAddress)) return mailbox
  return { localPart, domain: store.read.domains()[0] ?? options.now.hostname }
}

function isOwnLiteral({ isOwnAddress }: Tools, domain: string, localAddress: string | undefined): boolean {
  if (!domain.startsWith('[')) return false
  const address = domain.slice(1, -1).replace(/^ipv6:/i, '')
  const same = localAddress !== undefined && parseIpNetwork(localAddress)
  return (same && networksHold([same], address)) || isOwnAddress?.(address) === true
}

/**
 * Plans for a recipient in our domains; a single `refuse` if it cannot be accepted. Throws a Refusal if the directory does not answer.
 * @param noteMissing called for members of an alias that do not exist.
 */
export async function planLocal(
  { store, options, addresses }: Tools,
  mailbox: Mailbox,
  recipient: string,
  noteMissing?: (member: string) => void,
): Promise<Plan[]> {
  const { read } = store
  const expansion = await expandAddress(addresses, mailbox.localPart, mailbox.domain, options.now.subaddressDelimiter)
  if (!expansion) return [{ kind: 'refuse', recipient, status: status.mailboxUnknown }]
  if (expansion.cut) return [{ kind: 'refuse', recipient, status: status.aliasTooWide }]
  if (noteMissing) for (const member of expansion.missing) noteMissing(member)
  const plans: Plan[] = []
  for (const account of expansion.accounts) {
    const inbox = await read.inbox(account.id)
    if (inbox === undefined) continue
    if (!(await fitsQuota(read, account, 1)))
      plans.push({ kind: 'refuse', recipient, status: status.mailboxFull, account })
    else plans.push({ kind: 'file', recipient, account, mailbox: inbox, mailboxName: 'INBOX', flags: [] })
  }
  for (const address of expansion.remote) {
    plans.push({
      kind: 'queue',
      recipient,
      address,
      destination: domainDestination(address.slice(address.lastIndexOf('@') + 1)),
    })
  }
  if (plans.length === 0) {
    plans.push({
      kind: 'refuse',
      recipient,
      status: expansion.disabled.length > 0 ? status.accountDisabled : status.mailboxUnknown,
    })
  }
  return plans
}

/** Whether a domain is a relay domain, as its backup MX or front: mail for it is accepted from all clients. */
export function isForOthers(relay: RelayOptions | undefined, domain: string): boolean {
  return relay?.domains.some((pattern) => fitsDomain(pattern, domain)) ?? false
}

/** Plans for any address, local or not. */
export async function planAddress(tools: Tools, address: string): Promise<Plan[]> {
  const mailbox = parseMailbox(address)
  if (!mailbox) return [{ kind: 'refuse', recipient: address, status: status.recipientSyntax }]
  if (tools.store.read.isLocalDomain(mailbox.domain)) return planLocal(tools, mailbox, address)
  return [{ kind: 'queue', recipient: address, address, destination: domainDestination(mailbox.domain) }]
}

/** Whether this many more bytes fit the account's quota. */
export async function fitsQuota(
  read: StoreReads,
  account: { readonly id: AccountId; readonly name: string },
  sizeBytes: number,
): Promise<boolean> {
  const quotaBytes = (await read.user(account.name))?.quotaBytes ?? 0
  return quotaBytes === 0 || ((await read.accountById(account.id))?.usedBytes ?? 0) + sizeBytes <= quotaBytes
}
