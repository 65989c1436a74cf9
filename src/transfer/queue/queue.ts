/**
 * Works the queue: leases what is due, tries it, writes down how it went. A plain loop over the store's tables; see README.md for the rows.
 * It holds nothing that it could not read again: after a crash the leases lapse and others go on.
 */
import type { Timer } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Network } from '../../base/network.ts'
import type { Resolver } from '../../base/resolver.ts'
import type { Wheel } from '../../base/wheel.ts'
import type { QueueRow } from '../../store/entities.ts'
import type { Lease, Operation } from '../../store/operations.ts'
import { StoreRefusal } from '../../store/store.ts'
import { attempt, type AttemptResult } from '../deliver/smtp.ts'
import { failedDestination, headerText, localDestination, noticeOperation, type TransferTools } from '../file.ts'
import { noticeLine, type Journey } from '../journey.ts'
import { returnedFullMax, returnedHeaderMax, wantsReport, type Report } from '../notice.ts'
import { routeTo, type StaticRoute } from '../route.ts'
import { fileQueued } from './file-queued.ts'

/** A lease outlives any attempt that still moves: it is renewed at a third of its time. */
const leaseMs = 10 * 60_000
const renewMs = leaseMs / 3
/** Recipients leased in one commit. */
const leaseMax = 200
/** Recipients of one transaction: a server that follows RFC 5321 §4.5.3.1.8 takes a hundred. So many of a destination are leased at once. */
const batchRecipientsMax = 100
/** A destination of which we hold so many gives no more for now: it has what to do next, and a dead one must not take the others' room. */
const heldPerDestinationMax = 200
/** Recipients that are leased and wait for their destination's turn. */
const waitingMax = 2000
/** When all that is due belongs to destinations that have enough, we look again as soon as one of them moves, or after so long. */
const stalledMs = 5000
/** Delivery time expired. RFC 3463 §3.5. */
const expiredStatus = '5.4.7'
/** A wait longer than this is looked at again in between: clocks jump. */
const sleepMaxMs = 5 * 60_000

export interface QueueTools extends TransferTools {
  readonly network: Network
  readonly resolver: Resolver
  readonly wheel: Wheel
  readonly log: Log
  readonly journey: Journey
  readonly routes: readonly StaticRoute[]
}

/** Recipients of one message that go to one destination together. */
interface Batch {
  readonly destination: string
  readonly rows: readonly QueueRow[]
}

/** What a destination has of us. */
interface Load {
  /** Attempts under way. */
  running: number
  /** Recipients that we hold. */
  held: number
}

export class Queue {
  readonly #tools: QueueTools
  readonly #waiting: Batch[] = []
  /** Leased and not settled: waiting or running. Their leases are renewed together. */
  readonly #held = new Set<Batch>()
  #renewal: Timer | undefined
  readonly #perDestination = new Map<string, Load>()
  #running = 0
  /** How far round the destinations we have leased. */
  #after: string | undefined
  #stalled = false
  #timer: Timer | undefined
  #leasing = false
  #again = false
  #stopped = false
  #stopListening: () => void
  #idle: (() => void)[] = []

  constructor(tools: QueueTools) {
    this.#tools = tools
    this.#stopListening = tools.store.listen((changes) => {
      if (changes.some((change) => change.kind === 'queue' && change.dueMs <= tools.clock.now() + 1000)) this.wake()
      else if (changes.some((change) => change.kind === 'queue')) this.#plan()
    })
  }

  start(): void {
    this.wake()
  }

  /** Looks for what is due, now. */
  wake(): void {
    if (this.#stopped) return
    if (this.#leasing) this.#again = true
    else void this.#lease()
  }

  /** Attempts under way are awaited; nothing new begins. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopListening()
    this.#timer?.cancel()
    for (const batch of this.#waiting.splice(0)) this.#held.delete(batch)
    while (this.#running > 0 || this.#leasing) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  #plan(): void {
    this.#timer?.cancel()
    if (this.#stopped) return
    const due = this.#tools.store.read.queueDue()
    if (due === undefined) return
    const delay = Math.min(sleepMaxMs, Math.max(this.#stalled ? stalledMs : 50, due - this.#tools.clock.now()))
    // Looking costs a read; only what is due is worth a commit.
    this.#timer = this.#tools.clock.after(delay, () => {
      if (due <= this.#tools.clock.now()) this.wake()
      else this.#plan()
    })
  }

  async #lease(): Promise<void> {
    const { store, clock, options, log } = this.#tools
    const waiting = this.#waiting.reduce((sum, { rows }) => sum + rows.length, 0)
    if (waiting >= waitingMax || this.#running >= options.transfersMax) return
    this.#leasing = true
    this.#again = false
    let goOn = false
    const busy = [...this.#perDestination].filter(([, load]) => isBusy(load)).map(([name]) => name)
    const lease = { kind: 'queueLease', leaseMs, limit: leaseMax, perDestination: batchRecipientsMax } as const
    try {
      const [{ leases, next, more }] = await store.commit([{ ...lease, nowMs: clock.now(), after: this.#after, busy }])
      this.#after = next
      this.#stalled = leases.length === 0 && !more && busy.length > 0
      goOn = more
      const rows = leases.flatMap(({ recipient }) =>
        store.read.queue(recipient - 1, 1).filter((row) => row.id === recipient),
      )
      for (const batch of batchesOf(rows)) {
        this.#waiting.push(batch)
        this.#held.add(batch)
        this.#loadOf(batch).held += batch.rows.length
      }
      this.#renew()
    } catch (error) {
      log.error('the queue could not be read', { error: String(error) })
    }
    this.#leasing = false
    this.#pump()
    if (goOn || this.#again) this.wake()
    else this.#plan()
    this.#settled()
  }

  #loadOf({ destination }: Batch): Load {
    let load = this.#perDestination.get(destination)
    if (!load) this.#perDestination.set(destination, (load = { running: 0, held: 0 }))
    return load
  }

  #pump(): void {
    const { options } = this.#tools
    for (let i = 0; i < this.#waiting.length && this.#running < options.transfersMax && !this.#stopped;) {
      const batch = this.#waiting[i]!
      const load = this.#loadOf(batch)
      if (load.running >= options.transfersPerDestinationMax) {
        i++
        continue
      }
      this.#waiting.splice(i, 1)
      load.running++
      this.#running++
      void this.#run(batch)
    }
  }

  #renew(): void {
    const { clock, store } = this.#tools
    if (this.#renewal || this.#held.size === 0) return
    this.#renewal = clock.after(renewMs, () => {
      this.#renewal = undefined
      const recipients = [...this.#held].flatMap(({ rows }) => rows.map(leaseOf))
      if (recipients.length === 0) return
      store.commit([{ kind: 'queueRenew', recipients, untilMs: clock.now() + leaseMs }]).catch(() => {})
      this.#renew()
    })
  }

  async #run(batch: Batch): Promise<void> {
    const { log } = this.#tools
    try {
      if (batch.destination === localDestination) await this.#fileLocally(batch.rows)
      else if (batch.destination === failedDestination) await this.#conclude(batch.rows, batch.rows.map(givenUp))
      else await this.#conclude(batch.rows, await this.#attempt(batch))
    } catch (error) {
      // The lease lapses by itself, and the recipients are tried again.
      log.error('an attempt failed', { destination: batch.destination, error: String((error as Error).stack ?? error) })
    }
    this.#held.delete(batch)
    if (this.#held.size === 0) {
      this.#renewal?.cancel()
      this.#renewal = undefined
    }
    const load = this.#loadOf(batch)
    const wasBusy = isBusy(load)
    load.running--
    load.held -= batch.rows.length
    if (load.held === 0) this.#perDestination.delete(batch.destination)
    this.#running--
    this.#pump()
    if (this.#waiting.length === 0 || (wasBusy && !isBusy(load))) this.wake()
    else this.#plan()
    this.#settled()
  }

  #settled(): void {
    if (this.#running === 0 && !this.#leasing) for (const resolve of this.#idle.splice(0)) resolve()
  }

  async #attempt({ destination, rows }: Batch): Promise<AttemptResult[]> {
    const tools = this.#tools
    const { hostname, smtpPort } = tools.options
    const first = rows[0]!
    const bytes = tools.store.read.queuedContent(first.entry)
    if (!bytes) return rows.map(() => ({ kind: 'never', enhanced: '5.3.0', words: 'The message is no longer stored' }))
    const routed = await routeTo({ ...tools, hostname, smtpPort }, destination)
    if (routed.kind !== 'hosts') {
      const { enhanced, code, text } = routed.status
      return rows.map(() => ({ kind: routed.kind, enhanced, words: `${code} ${enhanced} ${text}` }))
    }
    const envelope = {
      reversePath: first.reversePath,
      recipients: rows.map(({ address }) => address),
      body: first.parameters.body === '8bitmime' ? ('8bitmime' as const) : ('7bit' as const),
      smtpUtf8: first.parameters.smtpUtf8,
      ret: first.parameters.ret,
      envelopeId: first.parameters.envelopeId,
      dsn: rows.map(({ parameters: { notify, originalRecipient } }) => ({ notify, originalRecipient })),
    }
    return attempt({ ...tools, hostname }, routed.hosts, envelope, bytes)
  }

  /** One commit per message: outcomes, next attempts, and the notice for those whose way ends. */
  async #conclude(rows: readonly QueueRow[], results: readonly AttemptResult[]): Promise<void> {
    const { store, clock, journey } = this.#tools
    const { delayWarningMs } = this.#tools.options
    const nowMs = clock.now()
    const operations: Operation[] = []
    const reports: Report[] = []
    rows.forEach((row, i) => {
      const result = results[i]!
      const { host, words, tls, tried } = result
      journey.note({
        id: row.arrivalId,
        event: 'attempt',
        recipient: row.address,
        n: row.attempts + 1,
        outcome: result.kind,
        host,
        tls,
        words,
        tried,
      })
      const reply = host === undefined ? words : `${host}: ${words}`
      const { notify, originalRecipient, warned } = row.parameters
      const told = { recipient: row.address, originalRecipient, words, host }
      if (result.kind === 'relayed') {
        operations.push({ kind: 'queueFinish', lease: leaseOf(row), outcome: 'relayed', reply, nowMs })
        // A host that knows DSN tells the sender itself. RFC 3461 §5.2.1, §6.2.3.
        if (!result.reports && wantsReport(notify, 'success'))
          reports.push({ ...told, action: 'relayed', enhanced: '2.0.0' })
        return
      }
      const nextAttemptMs = nowMs + this.#retryAfter(row.attempts)
      if (result.kind === 'later' && nextAttemptMs < row.expiresAtMs) {
        const late = delayWarningMs > 0 && nowMs - row.acceptedAtMs >= delayWarningMs
        const warn = late && !warned && wantsReport(notify, 'delay')
        operations.push({
          kind: 'queueDefer',
          lease: leaseOf(row),
          nextAttemptMs,
          reply,
          nowMs,
          warned: warn || undefined,
        })
        if (warn) reports.push({ ...told, action: 'delayed', enhanced: result.enhanced, untilMs: row.expiresAtMs })
        return
      }
      operations.push({ kind: 'queueFinish', lease: leaseOf(row), outcome: 'bounced', reply, nowMs })
      const enhanced = result.kind === 'later' ? expiredStatus : result.enhanced
      if (wantsReport(notify, 'failure')) reports.push({ ...told, action: 'failed', enhanced })
    })
    let notice = await this.#notice(rows[0]!, reports)
    try {
      await store.commit(notice ? [...operations, notice] : operations)
    } catch (error) {
      if (!(error instanceof StoreRefusal)) throw error
      // Somebody held or dropped one of them meanwhile, or the sender's mailbox filled up: what was sent must be written down all the same.
      notice = await this.#notice(rows[0]!, reports, true)
      await this.#settleEach(operations, notice)
    }
    this.#noteEnds(rows[0]!, reports, notice?.arrivalId)
  }

  /** Why a way ended that did not reach its end, and by which message the sender was told. */
  #noteEnds({ arrivalId, reversePath }: QueueRow, reports: readonly Report[], notice: string | undefined): void {
    const { journey } = this.#tools
    for (const { action, recipient, enhanced, words } of reports) {
      if (action !== 'failed') continue
      const why = enhanced === expiredStatus ? `given up after the last try in its time: ${words}` : words
      journey.note({ id: arrivalId, event: 'ended', recipient, outcome: 'bounced', why, notice })
    }
    if (notice !== undefined) journey.note(noticeLine(notice, arrivalId, reversePath))
  }

  async #settleEach(operations: readonly Operation[], notice: Operation | undefined): Promise<void> {
    for (const operation of operations) {
      await this.#tools.store.commit([operation]).catch((error) => {
        if (!(error instanceof StoreRefusal)) throw error
      })
    }
    if (notice) await this.#tools.store.commit([notice])
  }

  #retryAfter(attempts: number): number {
    const { options, random } = this.#tools
    const wait = options.retryAfterMs[Math.min(attempts, options.retryAfterMs.length - 1)]!
    // Jitter: what failed together must not come back together.
    return Math.floor(wait * (0.9 + random.below(201) / 1000))
  }

  async #notice(
    row: QueueRow,
    reports: readonly Report[],
    queueOnly = false,
  ): Promise<Extract<Operation, { kind: 'arrive' }> | undefined> {
    const { store } = this.#tools
    if (reports.length === 0 || row.reversePath === '') return undefined
    const bytes = store.read.queuedContent(row.entry)
    const header = bytes ? headerText(await bytes.read(0, Math.min(bytes.sizeBytes, returnedHeaderMax))) : ''
    const { arrivedAtMs, envelopeId } = { arrivedAtMs: row.acceptedAtMs, envelopeId: row.parameters.envelopeId }
    const { reversePath } = row
    const whole = row.parameters.ret === 'full' && reports.some(({ action }) => action === 'failed')
    const full = whole && bytes && bytes.sizeBytes <= returnedFullMax ? await bytes.read(0, bytes.sizeBytes) : undefined
    return noticeOperation(this.#tools, { reversePath, arrivedAtMs, envelopeId, header, full, reports, queueOnly })
  }

  /** Recipients of ours that were too many to be filed at once. */
  async #fileLocally(rows: readonly QueueRow[]): Promise<void> {
    for (const row of rows) {
      const refused = await fileQueued(this.#tools, row)
      if (!refused) {
        this.#tools.journey.note({ id: row.arrivalId, event: 'attempt', recipient: row.address, outcome: 'filed' })
        const { notify, originalRecipient } = row.parameters
        if (wantsReport(notify, 'success')) {
          const recipient = row.address
          const words = '250 2.1.5 Filed'
          const report = { action: 'delivered' as const, recipient, originalRecipient, enhanced: '2.1.5', words }
          const notice = await this.#notice(row, [report])
          if (notice) await this.#tools.store.commit([notice])
        }
        continue
      }
      const { code, enhanced, text } = refused
      const kind = code < 500 ? 'later' : 'never'
      await this.#conclude([row], [{ kind, enhanced, words: `${code} ${enhanced} ${text}` }])
    }
  }
}

function leaseOf(row: QueueRow): Lease {
  return { recipient: row.id, fence: row.fence }
}

/** RFC 3463 §3.1: nothing more is to be told than that it failed. */
function givenUp(row: QueueRow): AttemptResult {
  return { kind: 'never', enhanced: '5.0.0', words: row.lastReply ?? 'Given up' }
}

function isBusy({ held }: Load): boolean {
  return held >= heldPerDestinationMax
}

function batchesOf(rows: readonly QueueRow[]): Batch[] {
  const batches = new Map<string, QueueRow[]>()
  for (const row of rows) {
    const key = `${row.entry} ${row.destination} ${row.parameters.smtpUtf8}`
    const batch = batches.get(key)
    if (batch && batch.length < batchRecipientsMax) batch.push(row)
    else batches.set(key, [row])
  }
  return [...batches.values()].map((batch) => ({ destination: batch[0]!.destination, rows: batch }))
}
