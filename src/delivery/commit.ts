/**
 * From plans to the commit of an arrival, and the replies to the client. docs/architecture.md §3; RFC 5321 §6.1,
 * RFC 2033 §4.2.
 */
import { Refusal, status, type Status } from '../mail/status.ts'
import type { FiledFacts } from '../store/facts.ts'
import { StoreRefusal, type StoredContent } from '../store/store.ts'
import type { Arrival } from './arrival.ts'
import {
  arriveOperation,
  deliveriesOf,
  failuresOf,
  failuresWanted,
  headerText,
  bounceOperation,
  type TransferTools,
} from './file.ts'
import { pathText } from './headers.ts'
import { bounceLine, type Trace } from './trace.ts'
import { returnedFullMax, returnedHeaderMax, type Report } from './bounce.ts'
import type { Arrive, ImmediateDelivery } from './immediate-delivery.ts'
import { decide, decideEach, type Plan, type Planned } from './plan.ts'

interface Tools extends TransferTools {
  readonly trace: Trace
  /** undefined: the queue finds new arrivals by itself. */
  readonly immediateDelivery?: ImmediateDelivery
}

export interface Planning {
  readonly arrival: Arrival
  readonly content: StoredContent
  readonly filed: FiledFacts
  /** Fields in front of every copy. */
  readonly prefix: string
  /** Fields in front of these, in copies that leave us. */
  readonly sealed: string
  /** In the order of RCPT. */
  readonly planned: readonly Planned[]
  /** BCC and redirected copies: without replies or DSNs. */
  readonly copies: readonly Plan[]
  /** Each recipient gets its own reply. */
  readonly lmtp: boolean
}

/** @returns the replies. Throws a Refusal, and then keeps nothing. */
export async function commitArrival(tools: Tools, planning: Planning): Promise<readonly Status[]> {
  const { store, trace } = tools
  const { arrival, content, filed, prefix, sealed, planned, copies } = planning
  const queued: Status = { code: 250, enhanced: '2.0.0', text: `Ok, accepted as ${arrival.id}` }
  try {
    const lmtp = planning.lmtp ? decideEach(planned, queued) : undefined
    if (lmtp?.accepted.length === 0) {
      content.abort()
      return lmtp.replies
    }
    const outcome = lmtp ? { kind: 'accept' as const, ...lmtp } : decide(planned)
    if (outcome.kind === 'refuse') throw new Refusal(outcome.status)
    const { refused } = outcome
    const accepted = [...outcome.accepted, ...copies]
    const reports = [...(lmtp ? [] : failuresWanted(arrival, failuresOf(refused))), ...deliveriesOf(arrival, accepted)]
    const arrive = arriveOperation(tools, arrival, content, filed, { prefix, sealed }, accepted, refused)
    const notice = reports.length === 0 ? undefined : await bounceOf(tools, arrival, content, reports)
    const operation = tools.immediateDelivery?.claim(arrive) ?? arrive
    await store.commit(notice ? [operation, notice] : [operation], { until: 'durable' })
    if (notice) trace.note(bounceLine(notice.arrivalId, arrival.id, pathText(arrival.reversePath)))
    return lmtp?.replies ?? [queued]
  } catch (error) {
    tools.immediateDelivery?.cancel(arrival.id)
    // Another message filled the mailbox, or a mailbox was deleted, between our check and the commit: the client tries
    // again.
    if (error instanceof StoreRefusal) {
      throw new Refusal(error.code === 'overQuota' ? status.mailboxFull : status.localError, { cause: error })
    }
    throw error
  }
}

async function bounceOf(
  tools: Tools,
  arrival: Arrival,
  content: StoredContent,
  reports: readonly Report[],
): Promise<Arrive | undefined> {
  return bounceOperation(tools, {
    reversePath: pathText(arrival.reversePath),
    arrivedAtMs: arrival.atMs,
    envelopeId: arrival.envelopeId,
    requireTls: arrival.requireTls,
    header: await headerOf(tools, content),
    full: await fullOf(tools, arrival, reports, content),
    reports,
  })
}

/** The content that RET=FULL returns. */
async function fullOf(
  { store }: Tools,
  arrival: Arrival,
  reports: readonly Report[],
  content: StoredContent,
): Promise<Uint8Array | undefined> {
  const wanted = arrival.ret === 'full' && reports.some(({ action }) => action === 'failed')
  if (!wanted || content.sizeBytes > returnedFullMax) return undefined
  return store.readContent(content, 0, content.sizeBytes)
}

async function headerOf({ store }: Tools, content: StoredContent): Promise<string> {
  return headerText(await store.readContent(content, 0, Math.min(content.sizeBytes, returnedHeaderMax)))
}
