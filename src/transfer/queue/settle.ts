/** Writes down how an attempt went: outcomes, next attempts, and the notices to the sender, in one commit. RFC 3461 §5, §6.2; RFC 5321 §4.5.4. */
import type { MessageBytes } from '../../mail/content.ts'
import type { QueueRow } from '../../store/entities.ts'
import type { Lease, Operation } from '../../store/operations.ts'
import { StoreRefusal } from '../../store/store.ts'
import type { AttemptResult } from '../deliver/smtp.ts'
import { headerText, noticeOperation, type TransferTools } from '../file.ts'
import { noticeLine, type Journey } from '../journey.ts'
import { returnedFullMax, returnedHeaderMax, wantsReport, type Report } from '../notice.ts'
import type { Reports } from './reports.ts'
import type { Batch } from './sites.ts'
import { endOf, lateByWish, nextWithin, relayIsTold } from './deliver-by.ts'
import { fileQueued } from './file-queued.ts'

/** Delivery time expired. RFC 3463 §3.5. */
const expiredStatus = '5.4.7'
const lateStatus = '4.4.7'

export interface SettleTools extends TransferTools {
  readonly journey: Journey
  readonly reports: Reports
}

type Notice = Extract<Operation, { kind: 'arrive' }>

export function leaseOf(row: QueueRow): Lease {
  return { recipient: row.id, fence: row.fence }
}

/** It may wait until then without a word to anybody. */
export function mayWait({ options }: TransferTools, row: QueueRow, untilMs: number, nowMs: number): boolean {
  const { deliverBy, notify, warned } = row.parameters
  if (endOf(row) <= untilMs || (deliverBy && deliverBy.atMs <= untilMs)) return false
  const late = options.delayWarningMs > 0 && nowMs - row.acceptedAtMs >= options.delayWarningMs
  return !late || warned === true || row.reversePath === '' || !wantsReport(notify, 'delay')
}

/** Recipients of one message; its bytes, where they are at hand. */
export type Tried = Pick<Batch, 'rows' | 'bytes'>

/** @param retryAfterMs the destination's own waits, where it has some. */
export async function settle(
  tools: SettleTools,
  { rows, bytes }: Tried,
  results: readonly AttemptResult[],
  retryAfterMs: readonly number[] = tools.options.retryAfterMs,
): Promise<void> {
  const { store, clock } = tools
  const { delayWarningMs } = tools.options
  const nowMs = clock.now()
  const operations: Operation[] = []
  const reports: Report[] = []
  rows.forEach((row, i) => {
    const result = results[i]!
    const { host, words } = result
    noteAttempt(tools, row, result)
    const reply = host === undefined ? words : `${host}: ${words}`
    const { notify, originalRecipient, warned } = row.parameters
    const told = { recipient: row.address, originalRecipient, words, host }
    if (result.kind === 'relayed') {
      operations.push({ kind: 'queueFinish', lease: leaseOf(row), outcome: 'relayed', reply, nowMs })
      // A host that knows DSN tells the sender itself. RFC 3461 §5.2.1, §6.2.3.
      if ((!result.reports && wantsReport(notify, 'success')) || relayIsTold(row, result, nowMs))
        reports.push({ ...told, action: 'relayed', enhanced: '2.0.0' })
      return
    }
    const plannedMs = Math.max(nowMs + waitAfter(tools, retryAfterMs, row.attempts), result.notBeforeMs ?? 0)
    const nextAttemptMs = nextWithin(row, plannedMs, nowMs)
    if (result.kind === 'later' && nextAttemptMs < endOf(row)) {
      const asked = lateByWish(row, nowMs)
      const late = asked || (delayWarningMs > 0 && nowMs - row.acceptedAtMs >= delayWarningMs)
      const warn = late && !warned && wantsReport(notify, 'delay')
      operations.push({
        kind: 'queueDefer',
        lease: leaseOf(row),
        nextAttemptMs,
        reply,
        nowMs,
        warned: warn || undefined,
      })
      const enhanced = asked ? lateStatus : result.enhanced
      if (warn) reports.push({ ...told, action: 'delayed', enhanced, untilMs: endOf(row) })
      return
    }
    operations.push({ kind: 'queueFinish', lease: leaseOf(row), outcome: 'bounced', reply, nowMs })
    const enhanced = result.kind === 'later' ? expiredStatus : result.enhanced
    if (wantsReport(notify, 'failure')) reports.push({ ...told, action: 'failed', enhanced })
  })
  const first = { row: rows[0]!, bytes }
  let notice = await noticeOf(tools, first, reports)
  try {
    await (notice ? store.commit([...operations, notice]) : tools.reports.give(operations))
  } catch (error) {
    if (!(error instanceof StoreRefusal)) throw error
    // Somebody held or dropped one of them meanwhile, or the sender's mailbox filled up: what was sent must be written down all the same.
    notice = await noticeOf(tools, first, reports, true)
    await settleEach(tools, operations, notice)
  }
  noteEnds(tools, rows[0]!, reports, notice?.arrivalId)
}

/** Jitter: what failed together must not come back together. */
function waitAfter({ random }: SettleTools, retryAfterMs: readonly number[], attempts: number): number {
  const wait = retryAfterMs[Math.min(attempts, retryAfterMs.length - 1)]!
  return Math.floor(wait * (0.9 + random.below(201) / 1000))
}

async function settleEach(
  { store }: SettleTools,
  operations: readonly Operation[],
  notice: Operation | undefined,
): Promise<void> {
  for (const operation of operations) {
    await store.commit([operation]).catch((error) => {
      if (!(error instanceof StoreRefusal)) throw error
    })
  }
  if (notice) await store.commit([notice])
}

function noteAttempt({ journey }: SettleTools, row: QueueRow, result: AttemptResult): void {
  const { kind, host, words, tls, tried } = result
  journey.note({
    id: row.arrivalId,
    event: 'attempt',
    recipient: row.address,
    n: row.attempts + 1,
    outcome: kind,
    host,
    tls,
    words,
    tried,
  })
}

/** Why a way ended that did not reach its end, and by which message the sender was told. */
function noteEnds(
  { journey }: SettleTools,
  { arrivalId, reversePath }: QueueRow,
  reports: readonly Report[],
  notice: string | undefined,
): void {
  for (const { action, recipient, enhanced, words } of reports) {
    if (action !== 'failed') continue
    const why = enhanced === expiredStatus ? `given up after the last try in its time: ${words}` : words
    journey.note({ id: arrivalId, event: 'ended', recipient, outcome: 'bounced', why, notice })
  }
  if (notice !== undefined) journey.note(noticeLine(notice, arrivalId, reversePath))
}

async function noticeOf(
  tools: SettleTools,
  { row, bytes: atHand }: { readonly row: QueueRow; readonly bytes?: MessageBytes },
  reports: readonly Report[],
  queueOnly = false,
): Promise<Notice | undefined> {
  const { store } = tools
  if (reports.length === 0 || row.reversePath === '') return undefined
  const bytes = atHand ?? store.read.queuedContent(row.entry)
  const header = bytes ? headerText(await bytes.read(0, Math.min(bytes.sizeBytes, returnedHeaderMax))) : ''
  const { reversePath, acceptedAtMs: arrivedAtMs, parameters } = row
  const { envelopeId, requireTls } = parameters
  const whole = parameters.ret === 'full' && reports.some(({ action }) => action === 'failed')
  const full = whole && bytes && bytes.sizeBytes <= returnedFullMax ? await bytes.read(0, bytes.sizeBytes) : undefined
  const deliverByMs = parameters.deliverBy?.atMs
  return noticeOperation(tools, {
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

/** Recipients of ours that were too many to be filed at once. */
export async function fileLocally(tools: SettleTools, rows: readonly QueueRow[]): Promise<void> {
  for (const row of rows) {
    const refused = await fileQueued(tools, row)
    if (refused) {
      const { code, enhanced, text } = refused
      const kind = code < 500 ? 'later' : 'never'
      await settle(tools, { rows: [row] }, [{ kind, enhanced, words: `${code} ${enhanced} ${text}` }])
      continue
    }
    const { address: recipient, arrivalId, parameters } = row
    tools.journey.note({ id: arrivalId, event: 'attempt', recipient, outcome: 'filed' })
    if (!wantsReport(parameters.notify, 'success')) continue
    const { originalRecipient } = parameters
    const report = {
      action: 'delivered',
      recipient,
      originalRecipient,
      enhanced: '2.1.5',
      words: '250 2.1.5 Filed',
    } as const
    const notice = await noticeOf(tools, { row }, [report])
    if (notice) await tools.store.commit([notice])
  }
}
