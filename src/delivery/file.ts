/**
 * Turns plans into the operations of one commit: filings by mailbox, queue entries, discards, and the bounce for
 * refused recipients.
 */
import type { Live } from '../base/live.ts'
import type { AddressSource } from '../directory/aliases.ts'
import { formatMailbox } from '../mail/address.ts'
import { localDestination } from '../mail/destination.ts'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Filing, Operation, QueueRecipient } from '../store/operations.ts'
import type { QueueParameters } from '../store/entities.ts'
import { isFiled, type FiledFacts } from '../store/facts.ts'
import type { Store, StoredContent } from '../store/store.ts'
import { newArrivalId, type Arrival } from './arrival.ts'
import { deliveryPrefix, pathText } from './headers.ts'
import { formatBounce, wantsReport, type Bounce, type Report } from './bounce.ts'
import type { DeliveryOptions } from './options.ts'
import type { FairOrder } from './fair-order.ts'
import type { Plan, Refused } from './plan.ts'
import type { AccountGuard } from '../directory/account-watch.ts'
import { decideAddress } from './decide.ts'

export interface TransferTools {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly options: Live<DeliveryOptions>
  readonly fairOrder: FairOrder
  /** What the addresses of our domains stand for. */
  readonly addresses: AddressSource
  /** undefined: accounts are not watched. */
  readonly accountGuard?: AccountGuard
}

type Arrive = Extract<Operation, { kind: 'arrive' }>

/** Fields in front of the received message. */
export interface Before {
  /** In every copy: Received, and fields added at submission. */
  readonly prefix: string
  /** Above these, in queued copies. */
  readonly sealed?: string
}

/**
 * One operation for all accepted recipients of an arrival.
 * `filed` is given where the message was read already. `refused` are recipients that were accepted at RCPT: the ledger keeps the reply, with or without a bounce.
 */
export function arriveOperation(
  tools: TransferTools,
  arrival: Arrival,
  content: StoredContent,
  filed: FiledFacts | undefined,
  { prefix, sealed = '' }: Before,
  accepted: readonly Plan[],
  refused: readonly Refused[] = [],
): Arrive {
  const { options } = tools
  const startMs = Math.max(arrival.atMs, arrival.release?.atMs ?? 0)
  const filings = new Map<number, Filing & { recipients: string[] }>()
  const queued: QueueRecipient[] = []
  const discarded: { recipient: string; rule: string }[] = []
  for (const plan of accepted) {
    if (plan.kind === 'file') {
      // Several addresses of one mailbox give one message there.
      const filing = filings.get(plan.mailbox)
      if (filing) filing.recipients.push(plan.recipient)
      else if (filings.size >= options.now.fileNowMax) {
        const { recipient, evidence } = plan
        queued.push(
          queuedRecipient(arrival, { recipient, address: recipient, destination: localDestination, evidence }),
        )
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
      queued.push(queuedRecipient(arrival, plan))
    } else if (plan.kind === 'discard') discarded.push({ recipient: plan.recipient, rule: plan.rule })
  }
  const operation: Arrive = {
    kind: 'arrive',
    arrivalId: arrival.id,
    content,
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
  return filed && isFiled(operation) ? { ...operation, facts: filed.facts } : operation
}

function inTurn({ fairOrder }: TransferTools, arrival: Arrival, queued: readonly QueueRecipient[]): QueueRecipient[] {
  const turnOf = fairOrder.take(pathText(arrival.reversePath), queued.length, arrival.atMs, arrival.priority)
  return queued.map((recipient, n) => ({ ...recipient, turnMs: turnOf(n) }))
}

function queuedRecipient(
  arrival: Arrival,
  { recipient, address, destination, evidence }: Omit<Extract<Plan, { kind: 'queue' }>, 'kind'>,
): QueueRecipient {
  const parameters = parametersOf(arrival, recipient)
  return { address, destination, parameters: evidence ? { ...parameters, evidence } : parameters }
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

/** What is needed for a DSN. An empty reverse-path is the null one, which never gets a DSN. RFC 5321 §4.5.5. */
export interface BounceRequest extends Bounce {
  /** Queues the DSN instead of filing it: the commit with a filing was refused. */
  readonly queueOnly?: boolean
  /** The original required TLS; so does its DSN. RFC 8689 §5. */
  readonly requireTls?: boolean
}

/**
 * The DSN as an arrival of its own: filed if the sender is local, queued if not.
 * @returns undefined when there is no sender to report to.
 */
export async function bounceOperation(tools: TransferTools, request: BounceRequest): Promise<Arrive | undefined> {
  if (request.reversePath === '' || request.reports.length === 0) return undefined
  const { store, clock, random, options } = tools
  const id = newArrivalId(clock, random)
  const bytes = formatBounce(request, options.now.hostname, id, clock.now())
  const { reversePath, queueOnly } = request
  const message = { reversePath: null, sizeBytes: bytes.length, waits: queueOnly, unanswered: true }
  const accepted = await decideAddress(tools, reversePath, message)
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
    // Its header has UTF-8 only if the sender's address has. RFC 6532 §3.2.
    smtpUtf8: /[^\x00-\x7f]/.test(request.reversePath),
    requireTls: request.requireTls,
  }
  return arriveOperation(tools, arrival, content, undefined, { prefix: '' }, accepted)
}

/** Reports for recipients that were accepted at RCPT and refused later. */
export function failuresOf(refused: readonly Refused[]): Report[] {
  return refused.map(({ recipient, status }) => ({
    action: 'failed',
    recipient,
    enhanced: status.enhanced,
    words: `${status.code} ${status.enhanced} ${status.text}`,
  }))
}

/** Reports for recipients that this commit files, if the sender asked for success DSNs. RFC 3461 §5.2.3. */
export function deliveriesOf(arrival: Arrival, accepted: readonly Plan[], { filings }: Arrive): Report[] {
  const asked = arrival.recipients.filter(({ notify }) => wantsReport(notify, 'success'))
  if (asked.length === 0) return []
  const filed = new Set(filings.flatMap(({ recipients }) => recipients))
  const elsewhere = new Set(accepted.flatMap(({ kind, recipient }) => (kind === 'file' ? [] : [recipient])))
  return asked.flatMap(({ mailbox, originalRecipient }): Report[] => {
    const recipient = formatMailbox(mailbox)
    if (!filed.has(recipient) || elsewhere.has(recipient)) return []
    return [{ action: 'delivered', recipient, originalRecipient, enhanced: '2.1.5', words: '250 2.1.5 Filed' }]
  })
}

/** Failures that the sender asked for, with the ORCPT given. */
export function failuresWanted(arrival: Arrival, failures: readonly Report[]): Report[] {
  return failures.flatMap((failure) => {
    const asked = arrival.recipients.find(({ mailbox }) => formatMailbox(mailbox) === failure.recipient)
    if (!wantsReport(asked?.notify, 'failure')) return []
    return [{ ...failure, originalRecipient: asked?.originalRecipient }]
  })
}

/** The header of a message, as returned in a DSN. */
export function headerText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
  const end = text.search(/\r?\n\r?\n/)
  return end < 0 ? text : text.slice(0, end)
}
