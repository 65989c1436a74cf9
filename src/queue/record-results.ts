/**
 * Records the results of an attempt: outcomes, next attempts, and DSNs to the sender, in one commit. RFC 3461 §5, §6.2;
 * RFC 5321 §4.5.4.
 */
import type { Live } from '../base/live.ts'
import type { TransferOptions } from './options.ts'
import { running } from '../base/running.ts'
import { destinationKey } from '../mail/destination.ts'
import type { MessageBytes } from '../mail/content.ts'
import type { QueueRow } from '../store/entities.ts'
import type { Lease, Operation } from '../store/operations.ts'
import { StoreRefusal } from '../store/store.ts'
import type { AttemptResult } from '../transport/smtp/smtp.ts'
import { headerText, bounceOperation, type TransferTools } from '../delivery/file.ts'
import { bounceLine, type Trace } from '../delivery/trace.ts'
import { returnedFullMax, returnedHeaderMax, wantsReport, type Report } from '../delivery/bounce.ts'
import type { ResultBatcher } from './result-batcher.ts'
import type { Batch } from './next-hops.ts'
import { endOf, lateByWish, nextWithin, relayIsTold } from './deliver-by.ts'
import { fileQueued } from './file-queued.ts'

/** Delivery time expired. RFC 3463 §3.5. */
const expiredStatus = '5.4.7'
const lateStatus = '4.4.7'

export interface RecordTools extends TransferTools {
  readonly options: Live<TransferOptions>
  readonly trace: Trace
  readonly reports: ResultBatcher
}

type Bounce = Extract<Operation, { kind: 'arrive' }>

export function leaseOf(row: QueueRow): Lease {
  return { recipient: row.id, fence: row.fence }
}

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

/** Recipients of one message; its bytes, if in memory; the destination of the attempt. */
export type Tried = Pick<Batch, 'rows' | 'bytes'> & Partial<Pick<Batch, 'key'>>

/** RFC 3463 §3.1: 5.0.0 says only that it failed. */
export function givenUp(row: QueueRow): AttemptResult {
  return { kind: 'never', enhanced: '5.0.0', words: row.lastReply ?? 'Given up' }
}

/** The result for one recipient, and the report for its sender once that is committed. */
interface End {
  readonly row: QueueRow
  readonly operation: Operation
  readonly report?: Report
  /** It bounces, with or without a DSN. */
  readonly failed?: { readonly enhanced: string; readonly words: string }
}

/** @param retryAfterMs the destination's own retry schedule, if any. */
export async function recordResults(
  tools: RecordTools,
  { rows, bytes, key }: Tried,
  results: readonly AttemptResult[],
  retryAfterMs: readonly number[] = tools.options.now.retryAfterMs,
): Promise<void> {
  running('result of an attempt')
  const nowMs = tools.clock.now()
  const ends = rows.map((row, i): End => {
    const result = results[i]!
    noteAttempt(tools, row, result)
    const moved = key !== undefined && destinationKey(row.destination) !== key
    if (result.kind !== 'later' || !moved) return endOfAttempt(tools, row, result, nowMs, retryAfterMs)
    // During the attempt an operator gave up the recipient, or rerouted it.
    if (row.destination.kind === 'failed') return endOfAttempt(tools, row, givenUp(row), nowMs, retryAfterMs)
    return endOfAttempt(tools, row, result, nowMs, [0])
  })
  await writeEnds(tools, ends, { row: rows[0]!, bytes })
}

function endOfAttempt(
  tools: RecordTools,
  row: QueueRow,
  result: AttemptResult,
  nowMs: number,
  retryAfterMs: readonly number[],
): End {
  const { delayWarningMs } = tools.options.now
  const { host, words } = result
  const reply = host === undefined ? words : `${host}: ${words}`
  const { notify, originalRecipient, warned } = row.parameters
  const told = { recipient: row.address, originalRecipient, words, host }
  const lease = leaseOf(row)
  if (result.kind === 'relayed') {
    const operation: Operation = { kind: 'queueFinish', lease, outcome: 'relayed', reply, nowMs }
    // A next hop with DSN support reports to the sender itself. RFC 3461 §5.2.1.
    const tell = (!result.reports && wantsReport(notify, 'success')) || relayIsTold(row, result, nowMs)
    return { row, operation, report: tell ? { ...told, action: 'relayed', enhanced: '2.0.0' } : undefined }
  }
  const plannedMs = Math.max(nowMs + waitAfter(tools, retryAfterMs, row.attempts), result.notBeforeMs ?? 0)
  const nextAttemptMs = nextWithin(row, plannedMs, nowMs)
  if (result.kind === 'later' && nextAttemptMs < endOf(row)) {
    const asked = lateByWish(row, nowMs)
    const late = asked || (delayWarningMs > 0 && nowMs - row.acceptedAtMs >= delayWarningMs)
    const warn = late && !warned && wantsReport(notify, 'delay')
    const operation: Operation = { kind: 'queueDefer', lease, nextAttemptMs, reply, nowMs, warned: warn || undefined }
    const enhanced = asked ? lateStatus : result.enhanced
    return { row, operation, report: warn ? { ...told, action: 'delayed', enhanced, untilMs: endOf(row) } : undefined }
  }
  const enhanced = result.kind === 'later' ? expiredStatus : result.enhanced
  const operation: Operation = { kind: 'queueFinish', lease, outcome: 'bounced', reply, nowMs }
  return {
    row,
    operation,
    report: wantsReport(notify, 'failure') ? { ...told, action: 'failed', enhanced } : undefined,
    failed: { enhanced, words },
  }
}

/** Commits the results together with the DSN that reports exactly these. */
async function writeEnds(
  tools: RecordTools,
  all: readonly End[],
  first: { readonly row: QueueRow; readonly bytes?: MessageBytes },
): Promise<void> {
  const { store } = tools
  let ends = all
  let queueOnly = false
  while (ends.length > 0) {
    const reports = ends.flatMap(({ report }) => report ?? [])
    const operations = ends.map(({ operation }) => operation)
    const notice = await bounceOf(tools, first, reports, queueOnly)
    try {
      await (notice ? store.commit([...operations, notice]) : tools.reports.give(operations))
      return noteEnds(tools, first.row, ends, notice?.arrivalId)
    } catch (error) {
      notice?.content.abort()
      if (!(error instanceof StoreRefusal)) throw error
      // An operator held or dropped one of them meanwhile: it has not ended, and is not reported. Or the sender's
      // mailbox filled up.
      const left = error.code === 'leaseLost' ? await stillLeased(tools, ends) : ends
      if (queueOnly && left.length === ends.length) throw error
      ends = left
      queueOnly = true
    }
  }
}

async function stillLeased({ store }: RecordTools, ends: readonly End[]): Promise<readonly End[]> {
  // Recipients accepted a moment ago may have no rows yet.
  await store.commit([{ kind: 'materialize', all: true }])
  return ends.filter(({ row }) => {
    const now = store.read.queueRecipient(row.id)
    return now?.state === 'leased' && now.fence === row.fence
  })
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
  { trace, clock }: RecordTools,
  { arrivalId, reversePath }: QueueRow,
  ends: readonly End[],
  notice: string | undefined,
): void {
  for (const { row, failed, report } of ends) {
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
  { row, bytes: atHand }: { readonly row: QueueRow; readonly bytes?: MessageBytes },
  reports: readonly Report[],
  queueOnly = false,
): Promise<Bounce | undefined> {
  const { store } = tools
  if (reports.length === 0 || row.reversePath === '') return undefined
  const bytes = atHand ?? store.read.queuedContent(row.entry)
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

/** Local recipients beyond `fileNowMax`. */
export async function fileLocally(tools: RecordTools, rows: readonly QueueRow[]): Promise<void> {
  for (const row of rows) {
    let refused
    try {
      refused = await fileQueued(tools, row)
    } catch (error) {
      // An operator held or dropped it meanwhile.
      if (error instanceof StoreRefusal && error.code === 'leaseLost') continue
      throw error
    }
    if (refused) {
      const { code, enhanced, text } = refused
      const kind = code < 500 ? 'later' : 'never'
      await recordResults(tools, { rows: [row] }, [{ kind, enhanced, words: `${code} ${enhanced} ${text}` }])
      continue
    }
    const { address: recipient, arrivalId, parameters } = row
    const delayMs = tools.clock.now() - row.acceptedAtMs
    tools.trace.note({ id: arrivalId, event: 'attempt', recipient, outcome: 'filed', delayMs })
    if (!wantsReport(parameters.notify, 'success')) continue
    const { originalRecipient } = parameters
    const report = {
      action: 'delivered',
      recipient,
      originalRecipient,
      enhanced: '2.1.5',
      words: '250 2.1.5 Filed',
    } as const
    const notice = await bounceOf(tools, { row }, [report])
    if (notice) await tools.store.commit([notice])
  }
}
