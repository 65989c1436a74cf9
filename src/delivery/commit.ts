/**
 * From plans to the commit of an arrival, and the replies to the client. docs/architecture.md §3; RFC 5321 §6.1,
 * RFC 2033 §4.2.
 */
import { Refusal, status, type Status } from '../mail/status.ts'
import type { FiledFacts } from '../store/facts.ts'
import type { QueuedIds } from '../store/operations.ts'
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
import { outcomeOf, outcomeOfEach, type Plan, type Planned } from './plan.ts'

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
  /** Each recipient gets its own reply. */
  readonly lmtp: boolean
  /** Decides all recipients. Called again if the store refuses the commit: what was read before is no longer so. */
  decide(): Promise<Decided>
}

export interface Decided {
  /** In the order of RCPT. */
  readonly planned: readonly Planned[]
  /** BCC and redirected copies: without replies or DSNs. */
  readonly copies: readonly Plan[]
  /** Fields above the prefix, in copies that leave us. */
  readonly sealed: string
}

/** Decisions for one message, if mailboxes fill up or go away before each commit. */
const decisionsMax = 3

export interface Committed {
  readonly replies: readonly Status[]
  readonly decided: Decided
  /** undefined: nothing was queued. */
  readonly queued: QueuedIds | undefined
}

/** Throws a Refusal, and then keeps nothing. */
export async function commitArrival(tools: Tools, planning: Planning): Promise<Committed> {
  for (let n = 1; ; n++) {
    const decided = await planning.decide()
    try {
      return { ...(await commitDecided(tools, planning, decided)), decided }
    } catch (error) {
      tools.immediateDelivery?.cancel(planning.arrival.id)
      if (!(error instanceof StoreRefusal)) throw error
      // The client tries again.
      if (n === decisionsMax)
        throw new Refusal(error.code === 'overQuota' ? status.mailboxFull : status.localError, { cause: error })
    }
  }
}

async function commitDecided(
  tools: Tools,
  { arrival, content, filed, prefix, lmtp: isLmtp }: Planning,
  { planned, copies, sealed }: Decided,
): Promise<Omit<Committed, 'decided'>> {
  const { store, trace } = tools
  const queued: Status = { code: 250, enhanced: '2.0.0', text: `Ok, accepted as ${arrival.id}` }
  const lmtp = isLmtp ? outcomeOfEach(planned, queued) : undefined
  if (lmtp?.accepted.length === 0) {
    content.abort()
    return { replies: lmtp.replies, queued: undefined }
  }
  const outcome = lmtp ? { kind: 'accept' as const, ...lmtp } : outcomeOf(planned)
  if (outcome.kind === 'refuse') throw new Refusal(outcome.status)
  const { refused } = outcome
  const accepted = [...outcome.accepted, ...copies]
  const arrive = arriveOperation(tools, arrival, content, filed, { prefix, sealed }, accepted, refused)
  const failures = lmtp ? [] : failuresWanted(arrival, failuresOf(refused))
  const reports = [...failures, ...deliveriesOf(arrival, accepted, arrive)]
  const notice = reports.length === 0 ? undefined : await bounceOf(tools, arrival, content, reports)
  const operation = tools.immediateDelivery?.claim(arrive) ?? arrive
  let queuedIds
  try {
    const operations = notice ? ([operation, notice] as const) : ([operation] as const)
    const [result] = await store.commit(operations, { until: 'durable' })
    queuedIds = result.queued
  } catch (error) {
    notice?.content.abort()
    throw error
  }
  if (notice) trace.note(bounceLine(notice.arrivalId, arrival.id, pathText(arrival.reversePath)))
  return { replies: lmtp?.replies ?? [queued], queued: queuedIds }
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
    header: await headerOf(content),
    full: await fullOf(arrival, reports, content),
    reports,
  })
}

/** The content that RET=FULL returns. */
async function fullOf(
  arrival: Arrival,
  reports: readonly Report[],
  content: StoredContent,
): Promise<Uint8Array | undefined> {
  const wanted = arrival.ret === 'full' && reports.some(({ action }) => action === 'failed')
  if (!wanted || content.sizeBytes > returnedFullMax) return undefined
  return content.read(0, content.sizeBytes)
}

async function headerOf(content: StoredContent): Promise<string> {
  return headerText(await content.read(0, Math.min(content.sizeBytes, returnedHeaderMax)))
}
