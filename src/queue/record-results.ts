/**
 * Records the results of an attempt: outcomes, next attempts, and DSNs to the sender, in one commit. RFC 3461 §5, §6.2;
 * RFC 5321 §4.5.4.
 */
import type { Live } from '../base/live.ts'
import { running } from '../base/running.ts'
import { destinationKey } from '../mail/destination.ts'
import type { QueueRow } from '../store/entities.ts'
import type { Operation } from '../store/operations.ts'
import { StoreRefusal } from '../store/store.ts'
import { bounceOperation, headerText, type TransferTools } from '../delivery/file.ts'
import type { DeliveryOptions } from '../delivery/options.ts'
import { bounceLine, type Trace } from '../delivery/trace.ts'
import { returnedFullMax, returnedHeaderMax, wantsReport, type Report } from '../delivery/bounce.ts'
import type { CommitBatcher } from './commit-batcher.ts'
import { endOf, lateByWish, nextWithin, relayIsTold } from './deliver-by.ts'
import { leaseOf } from './leases.ts'
import type { QueueOptions } from './options.ts'
import type { AttemptResult, Batch, NextHopFacts } from './transport.ts'

/** Delivery time expired. RFC 3463 §3.5. */
const expiredStatus = '5.4.7'
const lateStatus = '4.4.7'

export interface RecordTools extends TransferTools {
  readonly options: Live<DeliveryOptions & QueueOptions>
  readonly trace: Trace
  readonly commits: CommitBatcher
}

type Bounce = Extract<Operation, { kind: 'arrive' }>

/** Whether it may wait until then without a DSN. */
export function mayWait(
  { options }: Pick<RecordTools, 'options'>,
  row: QueueRow,
  untilMs: number,
  nowMs: number,
): boolean {
  const { deliverBy, notify, warned } = row.parameters
  if (endOf(row) <= untilMs || (deliverBy && deliverBy.atMs <= untilMs)) return false
  const late = options.now.delayWarningMs > 0 && nowMs - row.acceptedAtMs >= options.now.delayWarningMs
  return !late || warned === true || row.reversePath === '' || !wantsReport(notify, 'delay')
}

/** RFC 3463 §3.1: 5.0.0 says only that it failed. */
export function givenUp(row: QueueRow): AttemptResult {
  return { kind: 'never', enhanced: '5.0.0', words: row.lastReply ?? 'Given up' }
}

/** What the result for one recipient writes, and what is told of it once that is committed. */
interface End {
  readonly row: QueueRow
  readonly result: AttemptResult
  readonly operation: Operation
  readonly report?: Report | undefined
  /** It bounces, with or without a DSN. */
  readonly failed?: { readonly enhanced: string; readonly words: string }
}

/** A batch with the retry schedule of its next hop, if that has one of its own. */
type Attempted = Batch & Partial<Pick<NextHopFacts, 'retryAfterMs'>>

/** @param results one for each row of the batch. */
export async function recordResults(
  tools: RecordTools,
  batch: Attempted,
  results: readonly AttemptResult[],
): Promise<void> {
  running('result of an attempt')
  const nowMs = tools.clock.now()
  const { retryAfterMs = tools.options.now.retryAfterMs } = batch
  const ends = batch.rows.map((row, i): End => {
    const result = results[i]!
    // What the store may refuse still has not happened.
    if (!result.operations) noteAttempt(tools, row, result)
    const moved = destinationKey(row.destination) !== batch.key
    if (result.kind !== 'later' || !moved) return endOfAttempt(tools, row, result, nowMs, retryAfterMs)
    // During the attempt an operator gave up the recipient, or rerouted it.
    if (row.destination.kind === 'failed') return endOfAttempt(tools, row, givenUp(row), nowMs, retryAfterMs)
    return endOfAttempt(tools, row, result, nowMs, [0])
  })
  await writeEnds(tools, batch, ends)
}

function endOfAttempt(
  tools: RecordTools,
  row: QueueRow,
  result: AttemptResult,
  nowMs: number,
  retryAfterMs: readonly number[],
): End {
  const { delayWarningMs } = tools.options.now
  const { kind, host, words } = result
  const reply = host === undefined ? words : `${host}: ${words}`
  const { notify, originalRecipient, warned } = row.parameters
  const told = { recipient: row.address, originalRecipient, words, host }
  const lease = leaseOf(row)
  if (kind === 'relayed' || kind === 'filed' || kind === 'discarded') {
    const operation: Operation = { kind: 'queueFinish', lease, outcome: kind, reply, nowMs }
    return { row, result, operation, report: reportOfSuccess(row, result, nowMs) }
  }
  const plannedMs = Math.max(nowMs + waitAfter(tools, retryAfterMs, row.attempts), result.notBeforeMs ?? 0)
  const nextAttemptMs = nextWithin(row, plannedMs, nowMs)
  if (kind === 'later' && nextAttemptMs < endOf(row)) {
    const asked = lateByWish(row, nowMs)
    const late = asked || (delayWarningMs > 0 && nowMs - row.acceptedAtMs >= delayWarningMs)
    const warn = late && !warned && wantsReport(notify, 'delay')
    const operation: Operation = { kind: 'queueDefer', lease, nextAttemptMs, reply, nowMs, warned: warn || undefined }
    const enhanced = asked ? lateStatus : result.enhanced
    const report: Report = { ...told, action: 'delayed', enhanced, untilMs: endOf(row) }
    return { row, result, operation, report: warn ? report : undefined }
  }
  const enhanced = kind === 'later' ? expiredStatus : result.enhanced
  const operation: Operation = { kind: 'queueFinish', lease, outcome: 'bounced', reply, nowMs }
  return {
    row,
    result,
    operation,
    report: wantsReport(notify, 'failure') ? { ...told, action: 'failed', enhanced } : undefined,
    failed: { enhanced, words },
  }
}

function reportOfSuccess(row: QueueRow, result: AttemptResult, nowMs: number): Report | undefined {
  const { kind, host, words, enhanced } = result
  const { notify, originalRecipient } = row.parameters
  const told = { recipient: row.address, originalRecipient }
  if (kind === 'filed' && wantsReport(notify, 'success'))
    return { ...told, action: 'delivered', enhanced, words: `250 ${enhanced} Filed` }
  // A next hop with DSN support reports to the sender itself. RFC 3461 §5.2.1.
  const tell = (!result.reports && wantsReport(notify, 'success')) || relayIsTold(row, result, nowMs)
  return kind === 'relayed' && tell ? { ...told, action: 'relayed', enhanced: '2.0.0', words, host } : undefined
}

/** Commits the results together with the operations of the transport, and the DSN that reports exactly these. */
async function writeEnds(tools: RecordTools, batch: Attempted, all: readonly End[]): Promise<void> {
  const { store, commits } = tools
  let ends = all
  let queueOnly = false
  while (ends.length > 0) {
    const reports = ends.flatMap(({ report }) => report ?? [])
    const written = [...new Set(ends.flatMap(({ result }) => result.operations ?? []))]
    const operations = [...written, ...ends.map(({ operation }) => operation)]
    const notice = await bounceOf(tools, batch, reports, queueOnly)
    try {
      // Contents are not gathered: many of them would be one record without a limit.
      if (notice) await store.commit([...operations, notice])
      else await (written.length > 0 ? store.commit(operations) : commits.commit(operations))
      return noteEnds(tools, batch.rows[0]!, ends, notice?.arrivalId)
    } catch (error) {
      notice?.content.abort()
      if (!(error instanceof StoreRefusal)) {
        forget(ends)
        throw error
      }
      // An operator held or dropped one of them meanwhile: it has not ended, and is not reported.
      const left = error.code === 'leaseLost' ? await stillLeased(tools, ends) : ends
      forget(ends.filter((end) => !left.includes(end)))
      if (left.length === ends.length) {
        // The sender's mailbox filled up: the DSN waits in the queue. Or the store refuses what a transport wants to write.
        if (queueOnly || !notice) {
          if (written.length === 0) throw error
          return writeEach(tools, batch, ends, error)
        }
        queueOnly = true
      }
      ends = left
    }
  }
}

/** Results one by one, as the store refuses one of them: what is refused then has the result that its transport gives it. */
async function writeEach(
  tools: RecordTools,
  batch: Attempted,
  ends: readonly End[],
  refusal: StoreRefusal,
): Promise<void> {
  const groups = sharing(ends)
  if (groups.length > 1) {
    for (const group of groups) await writeEnds(tools, batch, group)
    return
  }
  forget(ends)
  const instead = ends.map(({ result }): AttemptResult => {
    const given = result.ifRefused?.(refusal) ?? { kind: 'later', enhanced: '4.3.0', words: refusal.message }
    return { ...given, operations: undefined }
  })
  const rows = ends.map(({ row }) => row)
  await recordResults(tools, { ...batch, rows }, instead)
}

/** Results that share an operation are recorded together: it is done once. */
function sharing(ends: readonly End[]): End[][] {
  const groups = new Map<Operation | End, End[]>()
  for (const end of ends) {
    const shared = end.result.operations?.[0] ?? end
    const group = groups.get(shared)
    if (group) group.push(end)
    else groups.set(shared, [end])
  }
  return [...groups.values()]
}

/** Contents that are not committed. Harmless where a record may name them: `StoredContent.abort`. */
function forget(ends: readonly End[]): void {
  for (const { result } of ends)
    for (const operation of result.operations ?? [])
      if (operation.kind === 'arrive' || operation.kind === 'append') operation.content.abort()
}

async function stillLeased({ store }: RecordTools, ends: readonly End[]): Promise<readonly End[]> {
  const left: End[] = []
  for (const end of ends) {
    const now = await store.read.queueRecipient(end.row.id)
    if (now?.state === 'leased' && now.fence === end.row.fence) left.push(end)
  }
  return left
}

/** With jitter: recipients that failed together must not be retried together. */
function waitAfter({ random }: RecordTools, retryAfterMs: readonly number[], attempts: number): number {
  const wait = retryAfterMs[Math.min(attempts, retryAfterMs.length - 1)]!
  return Math.floor(wait * (0.9 + random.below(201) / 1000))
}

function noteAttempt({ trace, clock, accountGuard }: RecordTools, row: QueueRow, result: AttemptResult): void {
  const { kind, host, words, tls, tried } = result
  if (row.submitter !== null && result.kind === 'never' && result.enhanced.startsWith('5.1.'))
    accountGuard?.unknown(row.submitter)
  trace.note({
    id: row.arrivalId,
    event: 'attempt',
    recipient: row.address,
    n: row.attempts + 1,
    outcome: kind,
    delayMs: clock.now() - row.acceptedAtMs,
    host,
    tls,
    words,
    tried,
  })
}

/** Traces why recipients bounced, and the DSN that told the sender. */
function noteEnds(
  tools: RecordTools,
  { arrivalId, reversePath }: QueueRow,
  ends: readonly End[],
  notice: string | undefined,
): void {
  const { trace, clock } = tools
  for (const { row, result, failed, report } of ends) {
    if (result.operations) noteAttempt(tools, row, result)
    if (!failed) continue
    const { enhanced, words } = failed
    const why = enhanced === expiredStatus ? `given up after the last try in its time: ${words}` : words
    const delayMs = clock.now() - row.acceptedAtMs
    trace.note({
      id: arrivalId,
      event: 'ended',
      recipient: row.address,
      outcome: 'bounced',
      delayMs,
      why,
      notice: report && notice,
    })
  }
  if (notice !== undefined) trace.note(bounceLine(notice, arrivalId, reversePath))
}

async function bounceOf(
  tools: RecordTools,
  { rows, bytes: atHand }: Batch,
  reports: readonly Report[],
  queueOnly: boolean,
): Promise<Bounce | undefined> {
  const { store } = tools
  const row = rows[0]!
  if (reports.length === 0 || row.reversePath === '') return undefined
  const stored = atHand ?? (await store.read.queuedContent(row.entry))
  // What cannot be read is told of without its header: a recipient must end all the same.
  const bytes = stored?.problem === undefined ? stored : undefined
  const header = bytes ? headerText(await bytes.read(0, Math.min(bytes.sizeBytes, returnedHeaderMax))) : ''
  const { reversePath, acceptedAtMs: arrivedAtMs, parameters } = row
  const { envelopeId, requireTls } = parameters
  const whole = parameters.ret === 'full' && reports.some(({ action }) => action === 'failed')
  const full = whole && bytes && bytes.sizeBytes <= returnedFullMax ? await bytes.read(0, bytes.sizeBytes) : undefined
  const deliverByMs = parameters.deliverBy?.atMs
  return bounceOperation(tools, {
    reversePath,
    arrivedAtMs,
    deliverByMs,
    envelopeId,
    header,
    full,
    reports,
    queueOnly,
    requireTls,
  })
}
