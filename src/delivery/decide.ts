/**
 * Decides what is done with a message for each recipient. The one place for it: RCPT, the end of data, copies, DSNs, our own messages, and
 * the queue, which decides what it files when it files it. docs/architecture.md §29.
 */
import { expandAddress, type AddressSource } from '../directory/aliases.ts'
import type { Live } from '../base/live.ts'
import { formatMailbox, parseMailbox } from '../mail/address.ts'
import { domainDestination, localDestination } from '../mail/destination.ts'
import type { Mailbox, ReversePath } from '../mail/envelope.ts'
import { Refusal, status } from '../mail/status.ts'
import type { Evidence } from '../store/entities.ts'
import type { Store } from '../store/store.ts'
import { deliveryPrefix } from './headers.ts'
import { isForward, wasSentOn } from './loop-mark.ts'
import type { DeliveryOptions } from './options.ts'
import type { Plan } from './plan.ts'

export interface DecideTools {
  readonly store: Pick<Store, 'read'>
  readonly options: Live<DeliveryOptions>
  /** What the addresses of our domains stand for. */
  readonly addresses: AddressSource
}

/** What is known of a message when its recipients are decided. */
export interface Message {
  readonly reversePath: ReversePath
  /** Of the content and the fields in front of every copy; undefined: not known yet. */
  readonly sizeBytes?: number
  /** A check took it for junk. */
  readonly junk?: boolean
  /** The rule by which it is discarded or sent elsewhere, for all recipients. */
  readonly discard?: string | undefined
  /** Its Delivered-To values, lower case. */
  readonly deliveredTo?: readonly string[]
  /** It is not filed now: it is held, or has a release time (RFC 4865 §4.2), or is a copy. */
  readonly waits?: boolean
  /**
   * The sender does not wait for an answer. So a mailbox that is full is tried again later, and so is a directory that does not answer; what
   * has no mailbox at all is left out.
   */
  readonly unanswered?: boolean
}

/** At RCPT nothing is known of the message: only a mailbox that is full already is refused. */
export const atRcpt: Message = { reversePath: null }

/**
 * The plans for a recipient: several where an alias has several members, a single `refuse` where none can be had. Throws a Refusal if the
 * directory does not answer.
 * @param noteMissing called for members of an alias that do not exist.
 */
export function decide(
  tools: DecideTools,
  mailbox: Mailbox,
  message: Message,
  noteMissing?: (member: string) => void,
): Promise<readonly Plan[]> {
  const recipient = formatMailbox(mailbox)
  if (message.discard !== undefined) return Promise.resolve([{ kind: 'discard', recipient, rule: message.discard }])
  if (!tools.store.read.isLocalDomain(mailbox.domain)) {
    const destination = domainDestination(mailbox.domain)
    return Promise.resolve([{ kind: 'queue', recipient, address: recipient, destination }])
  }
  const local = decideLocal(tools, mailbox, recipient, message, noteMissing)
  return message.unanswered ? laterIfSilent(local, recipient) : local
}

async function laterIfSilent(local: Promise<readonly Plan[]>, recipient: string): Promise<readonly Plan[]> {
  try {
    return (await local).filter(({ kind }) => kind !== 'refuse')
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return [{ kind: 'queue', recipient, address: recipient, destination: localDestination }]
  }
}

/** The same for the text of an address. */
export async function decideAddress(tools: DecideTools, address: string, message: Message): Promise<readonly Plan[]> {
  const mailbox = parseMailbox(address)
  if (!mailbox) return [{ kind: 'refuse', recipient: address, status: status.recipientSyntax }]
  return decide(tools, mailbox, message)
}

async function decideLocal(
  tools: DecideTools,
  { localPart, domain }: Mailbox,
  recipient: string,
  message: Message,
  noteMissing?: (member: string) => void,
): Promise<readonly Plan[]> {
  const { options, addresses } = tools
  const expansion = await expandAddress(addresses, localPart, domain, options.now.subaddressDelimiter)
  if (!expansion) return [{ kind: 'refuse', recipient, status: status.mailboxUnknown }]
  if (expansion.cut) return [{ kind: 'refuse', recipient, status: status.aliasTooWide }]
  if (noteMissing) for (const member of expansion.missing) noteMissing(member)
  const plans: Plan[] = []
  for (const { name } of expansion.accounts) plans.push(await decideFiling(tools, name, recipient, message))
  for (const address of expansion.remote)
    plans.push({
      kind: 'queue',
      recipient,
      address,
      destination: domainDestination(address.slice(address.lastIndexOf('@') + 1)),
    })
  if (plans.length === 0) {
    const isDisabled = expansion.disabled.length > 0
    return [{ kind: 'refuse', recipient, status: isDisabled ? status.accountDisabled : status.mailboxUnknown }]
  }
  if (!wasSentOn(message.deliveredTo ?? [], recipient)) return plans
  // Two users who forward copies to each other: each keeps one copy, and no bounce is needed.
  const keepsCopy = plans.some((plan) => !isForward(plan) && plan.kind !== 'refuse')
  return plans.map((plan) => {
    if (!isForward(plan)) return plan
    return keepsCopy
      ? { kind: 'discard', recipient, rule: 'sent on before' }
      : { kind: 'refuse', recipient, status: status.forwardingLoop }
  })
}

/** Files a message in a mailbox of an account: now, or later by the queue, with what is known of it. */
async function decideFiling(tools: DecideTools, account: string, recipient: string, message: Message): Promise<Plan> {
  const { junk = false } = message
  const evidence: Evidence = { account, ...(junk ? { junk } : {}) }
  const later: Plan = { kind: 'queue', recipient, address: recipient, destination: localDestination, evidence }
  const now = await fileNow(tools, recipient, evidence, message)
  if (now.kind === 'refuse') return message.unanswered && now.account ? later : now
  return message.waits ? later : now
}

/**
 * What the queue does with a local recipient whose turn has come: its evidence is as it was, the account, its quota and its mailboxes are as
 * they are now. Throws a Refusal if the directory does not answer.
 */
export async function decideQueued(
  tools: DecideTools,
  { address, evidence }: { readonly address: string; readonly evidence: Evidence | undefined },
  message: Message,
): Promise<Extract<Plan, { kind: 'file' | 'refuse' }>> {
  if (evidence) return fileNow(tools, address, evidence, message)
  // Of a version before evidence: the account's own name. Or an address that the directory had no answer for.
  const known = await tools.store.read.user(address)
  const account = known ? address : (await tools.addresses.lookUp(address)).account?.name
  if (account !== undefined) return fileNow(tools, address, { account }, message)
  return { kind: 'refuse', recipient: address, status: status.mailboxUnknown }
}

async function fileNow(
  { store: { read } }: DecideTools,
  recipient: string,
  evidence: Evidence,
  { reversePath, sizeBytes }: Message,
): Promise<Extract<Plan, { kind: 'file' | 'refuse' }>> {
  const user = await read.user(evidence.account)
  if (!user) return { kind: 'refuse', recipient, status: status.mailboxUnknown }
  if (user.disabled) return { kind: 'refuse', recipient, status: status.accountDisabled }
  const { id, name, quotaBytes, inbox } = user
  if (quotaBytes > 0) {
    // The commit counts the prefix too, and would refuse all recipients because of this one.
    const bytes = sizeBytes === undefined ? 1 : sizeBytes + deliveryPrefix(reversePath, recipient).length
    if ((await read.usedBytes(id)) + bytes > quotaBytes)
      return { kind: 'refuse', recipient, status: status.mailboxFull, account: { id, name } }
  }
  const junk = evidence.junk ? (await read.mailboxes(id)).find(({ role }) => role === 'junk') : undefined
  const mailbox = junk ? { id: junk.id, name: junk.name } : { id: inbox, name: 'INBOX' }
  return {
    kind: 'file',
    recipient,
    account: { id, name },
    mailbox: mailbox.id,
    mailboxName: mailbox.name,
    flags: [],
    evidence,
  }
}
