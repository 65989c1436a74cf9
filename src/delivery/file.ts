/** FairOrder plans into the operations of one commit: filings by mailbox, queue entries, discards, and the notice for what was refused. */
import type { Live } from '../base/live.ts'
import type { ExternalDirectory } from '../directory/resolved-addresses.ts'
import { formatMailbox } from '../mail/address.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Filing, Operation, QueueRecipient } from '../store/operations.ts'
import type { QueueParameters } from '../store/entities.ts'
import { status } from '../mail/status.ts'
import { factsOfBytes, noFacts, type FiledFacts } from '../store/facts.ts'
import type { Store, StoredContent } from '../store/store.ts'
import { newArrivalId, type Arrival } from './arrival.ts'
import { deliveryPrefix, pathText } from './headers.ts'
import { formatBounce, wantsReport, type Bounce, type Report } from './bounce.ts'
import type { DeliveryOptions } from './options.ts'
import type { FairOrder } from './fair-order.ts'
import type { Plan, Refused } from './plan.ts'
import type { AccountGuard } from '../directory/account-watch.ts'
import { fitsQuota, planAddress } from './resolve.ts'

export interface TransferTools {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly options: Live<DeliveryOptions>
  readonly fairOrder: FairOrder
  /** Addresses beyond the store's. */
  readonly externalDirectory?: ExternalDirectory
  /** undefined: accounts are not watched. */
  readonly accountGuard?: AccountGuard
}

/** Recipients of ours that wait in the queue go by this destination. */
export const localDestination = '(local)'
/** Recipients that an operator gave up: the queue ends them with a notice in the words of their last reply. */
export const failedDestination = '(failed)'

type Arrive = Extract<Operation, { kind: 'arrive' }>

/** What stands before the message as it came. */
export interface Before {
  /** In every copy: Received and submission's fixes. */
  readonly prefix: string
  /** In those that wait for another host, above it. */
  readonly sealed?: string
}

/**
 * One operation for everything that was accepted of an arrival.
 * `refused` had been accepted at RCPT: the ledger keeps the words, whether or not anybody can be told.
 */
export function arriveOperation(
  tools: TransferTools,
  arrival: Arrival,
  content: StoredContent,
  filed: FiledFacts,
  { prefix, sealed = '' }: Before,
  accepted: readonly Plan[],
  refused: readonly Refused[] = [],
): Arrive {
  const { options } = tools
  const startMs = Math.max(arrival.atMs, arrival.release?.atMs ?? 0)
  const filings = new Map<number, Filing & { recipients: string[] }>()
  const queued: QueueRecipient[] = []
  const waiting = new Set<string>()
  const discarded: { recipient: string; rule: string }[] = []
  for (const plan of accepted) {
    if (plan.kind === 'file') {
      // Several addresses that lead to one mailbox give one message there.
      const filing = filings.get(plan.mailbox)
      if (filing) filing.recipients.push(plan.recipient)
      else if (filings.size >= options.now.fileNowMax) {
        // By the account's own name: the recipient may be an alias, which would be expanded once more for each that waits.
        const parameters = parametersOf(arrival, plan.recipient)
        const address = plan.account.name
        if (!waiting.has(address)) queued.push({ address, destination: localDestination, parameters })
        waiting.add(address)
      } else {
        const own = deliveryPrefix(arrival.reversePath, plan.recipient)
        filings.set(plan.mailbox, {
          mailbox: plan.mailbox,
          prefix: own + prefix,
          flags: plan.flags,
          recipients: [plan.recipient],
        })
      }
    } else if (plan.kind === 'queue') {
      queued.push({
        address: plan.address,
        destination: plan.destination,
        parameters: parametersOf(arrival, plan.recipient),
      })
    } else if (plan.kind === 'discard') discarded.push({ recipient: plan.recipient, rule: plan.rule })
  }
  return {
    kind: 'arrive',
    arrivalId: arrival.id,
    content,
    facts: filings.size === 0 ? noFacts : filed.facts,
    at: { epochMs: arrival.atMs, offsetMinutes: 0 },
    filings: [...filings.values()],
    discarded,
    bounced: failuresOf(refused).map(({ recipient, words }) => ({ recipient, reply: words })),
    queue:
      queued.length === 0
        ? undefined
        : {
            reversePath: pathText(arrival.reversePath),
            recipients: inTurn(tools, arrival, queued),
            prefix: sealed + prefix,
            firstAttemptMs: startMs,
            expiresAtMs: startMs + options.now.queueLifetimeMs,
            submitter: arrival.submitter,
            held: arrival.held,
          },
  }
}

function inTurn({ fairOrder }: TransferTools, arrival: Arrival, queued: readonly QueueRecipient[]): QueueRecipient[] {
  const turnOf = fairOrder.take(pathText(arrival.reversePath), queued.length, arrival.atMs, arrival.priority)
  return queued.map((recipient, n) => ({ ...recipient, turnMs: turnOf(n) }))
}

function parametersOf(arrival: Arrival, recipient: string): QueueParameters {
  const asked = arrival.recipients.find(({ mailbox }) => formatMailbox(mailbox) === recipient)
  return {
    body: arrival.body,
    smtpUtf8: arrival.smtpUtf8,
    requireTls: arrival.requireTls,
    tlsOptional: arrival.tlsOptional,
    deliverBy: arrival.deliverBy,
    release: arrival.release,
    priority: arrival.priority,
    ret: arrival.ret,
    envelopeId: arrival.envelopeId,
    notify: asked?.notify,
    originalRecipient: asked?.originalRecipient,
  }
}

/** What is asked of a notice. An empty reverse-path is the null one, which is never answered. RFC 5321 §4.5.5. */
export interface BounceRequest extends Bounce {
  /** Files nothing now: the commit with a filing was declined. */
  readonly queueOnly?: boolean
  /** What it tells of was to be protected all the way; so is what is told. RFC 8689 §5. */
  readonly requireTls?: boolean
}

/**
 * The notice to the sender as an arrival of its own: filed when the sender is ours, queued when not.
 * @returns undefined when there is nobody to tell.
 */
export async function bounceOperation(tools: TransferTools, request: BounceRequest): Promise<Arrive | undefined> {
  if (request.reversePath === '' || request.reports.length === 0) return undefined
  const { store, clock, random, options } = tools
  const id = newArrivalId(clock, random)
  const bytes = formatBounce(request, options.now.hostname, id, clock.now())
  const plans = planAddress(tools, request.reversePath)
  const accepted = plans.flatMap((plan): Plan[] => {
    if (plan.kind === 'queue') return [plan]
    // The directory may know him, but a commit does not wait for it: the queue will.
    if (tools.externalDirectory && plan.kind === 'refuse' && plan.status === status.mailboxUnknown)
      return [{ kind: 'queue', recipient: plan.recipient, address: plan.recipient, destination: localDestination }]
    if (plan.kind === 'discard' || !plan.account) return []
    const { account, recipient } = plan
    const sizeBytes = bytes.length + deliveryPrefix(null, recipient).length
    if (plan.kind === 'file' && !request.queueOnly && fitsQuota(store.read, account, sizeBytes)) return [plan]
    // No room now: it waits like anybody's mail, and does not keep from being written down what it tells of.
    return [{ kind: 'queue', recipient, address: account.name, destination: localDestination }]
  })
  if (accepted.length === 0) return undefined
  const sink = store.sink()
  sink.write(bytes)
  const content = await sink.finish()
  const eightBit = bytes.some((byte) => byte > 0x7f)
  const arrival: Arrival = {
    id,
    atMs: clock.now(),
    reversePath: null,
    recipients: [],
    body: eightBit ? '8bitmime' : '7bit',
    // Its header has UTF-8 only where the sender's address has. RFC 6532 §3.2.
    smtpUtf8: /[^\x00-\x7f]/.test(request.reversePath),
    requireTls: request.requireTls,
  }
  return arriveOperation(tools, arrival, content, factsOfBytes(bytes), { prefix: '' }, accepted)
}

/** What the sender hears of recipients that were refused after all. */
export function failuresOf(refused: readonly Refused[]): Report[] {
  return refused.map(({ recipient, status }) => ({
    action: 'failed',
    recipient,
    enhanced: status.enhanced,
    words: `${status.code} ${status.enhanced} ${status.text}`,
  }))
}

/** What the sender wished to hear of those that are filed now. RFC 3461 §5.2.3. */
export function deliveriesOf(arrival: Arrival, accepted: readonly Plan[]): Report[] {
  return arrival.recipients.flatMap(({ mailbox, notify, originalRecipient }): Report[] => {
    if (!wantsReport(notify, 'success')) return []
    const recipient = formatMailbox(mailbox)
    const plans = accepted.filter((plan) => plan.recipient === recipient)
    if (plans.length === 0 || !plans.every(({ kind }) => kind === 'file')) return []
    return [{ action: 'delivered', recipient, originalRecipient, enhanced: '2.1.5', words: '250 2.1.5 Filed' }]
  })
}

/** Of those refused, whom the sender wishes to hear of, under the name that he gave. */
export function failuresWanted(arrival: Arrival, failures: readonly Report[]): Report[] {
  return failures.flatMap((failure) => {
    const asked = arrival.recipients.find(({ mailbox }) => formatMailbox(mailbox) === failure.recipient)
    if (!wantsReport(asked?.notify, 'failure')) return []
    return [{ ...failure, originalRecipient: asked?.originalRecipient }]
  })
}

/** The header of a message as far as a notice returns it. */
export function headerText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const end = text.search(/\r?\n\r?\n/)
  return end < 0 ? text : text.slice(0, end)
}
