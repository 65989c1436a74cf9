/**
 * Runs the queue: leases due recipients, sorts them by next hop, attempts them and records the results. README.md shows
 * the rows.
 * All of its state can be read again: after a crash the leases are void, and are given again.
 */
import { running } from '../base/running.ts'
import { destinationKey } from '../mail/destination.ts'
import type { Timer } from '../base/clock.ts'
import type { Change } from '../store/changes.ts'
import type { QueueRecipient } from '../store/operations.ts'
import { OutgoingConnections } from '../transport/smtp/outgoing-connections.ts'
import type { AttemptResult } from '../transport/smtp/smtp.ts'
import { batchesOf, batchRecipientsMax } from './batches.ts'
import { isTooLate } from './deliver-by.ts'
import { Router, nowhere, type RouterTools } from './router.ts'
import type { Arrive, ImmediateDelivery } from '../delivery/immediate-delivery.ts'
import { HeldLeases, leaseMs } from './held-leases.ts'
import { SenderShares } from './sender-shares.ts'
import { ClaimedArrivals } from './claimed-arrivals.ts'
import { ReturnedLeases } from './returned-leases.ts'
import { Rate } from '../base/rate.ts'
import { ResultBatcher } from './result-batcher.ts'
import { mayWait, recordResults } from './record-results.ts'
import { NextHops, type Batch, type BackOff, type NextHop } from './next-hops.ts'
import { Transfers, type TransfersTools, type ResolvedRoute } from './transfers.ts'

/**
 * Recipients that were under way in a crash wait this long: a message that crashes us must not do so in a tight loop.
 */
const reclaimedAfterMs = 30_000
/** Recipients leased in one commit. */
const leaseMax = 500
/** Recipients leased from the store and not finished. */
const heldMax = 2000
/** Attempts with unrecorded results: after a power cut they would be made again. */
const unwrittenMax = 100
/** Shortest wait of recipients beyond their sender's rate. */
const returnMs = 5000
/**
 * Wait of recipients beyond the limits of a next hop: a lease skips its busy destinations, but may bring other
 * destinations of the same next hop.
 */
const fullMs = 250
/** If all due recipients have busy next hops, the queue leases again when one has room, or after this time. */
const stalledMs = 5000
/** Longer waits are checked in between: clocks jump. */
const sleepMaxMs = 5 * 60_000
export type QueueTools = Omit<TransfersTools, 'reports'> & RouterTools

export class Queue implements ImmediateDelivery {
  readonly #tools: QueueTools & Pick<TransfersTools, 'reports'>
  readonly #nextHops = new NextHops()
  readonly #transfers: Transfers
  readonly #connections: OutgoingConnections
  readonly #router: Router
  readonly #returnedLeases: ReturnedLeases
  readonly #routes = new Map<Batch, ResolvedRoute>()
  /** Next hops with waiting batches: each starts one batch in turn. */
  readonly #ready = new Set<NextHop>()
  readonly #held: HeldLeases
  readonly #senders: SenderShares
  #rate: Rate | undefined
  readonly #claimed = new ClaimedArrivals()
  #running = 0
  /** Attempts that have ended, with results not recorded yet. */
  #unwritten = 0
  #pacing: Timer | undefined
  /** The destination where the last lease ended; the next one continues there. */
  #after: string | undefined
  #more = false
  #stalled = false
  #timer: Timer | undefined
  #leasing = false
  #again = false
  /** Leases of the previous process are reclaimed: none of the present ones is among them. */
  #begun = false
  #stopped = false
  #stopListening: () => void
  #idle: (() => void)[] = []

  constructor(tools: QueueTools) {
    this.#connections = new OutgoingConnections(tools.network)
    this.#tools = { ...tools, network: this.#connections.network, reports: new ResultBatcher(tools) }
    this.#transfers = new Transfers(this.#tools)
    this.#router = new Router(tools, this.#nextHops)
    this.#returnedLeases = new ReturnedLeases(tools)
    this.#held = new HeldLeases(tools)
    this.#senders = new SenderShares(tools.options)
    this.configure()
    this.#stopListening = tools.store.listen((changes) => this.#heard(changes))
  }

  #heard(changes: readonly Change[]): void {
    let dueMs = Infinity
    for (const change of changes) {
      if (change.kind === 'leased') this.#takeInHand(this.#claimed.begin(change))
      else if (change.kind === 'queue') dueMs = Math.min(dueMs, change.dueMs)
    }
    if (dueMs <= this.#tools.clock.now() + 1000) this.wake()
    else if (dueMs < Infinity) this.#plan()
  }

  claim(operation: Arrive): Arrive {
    const nowMs = this.#tools.clock.now()
    // Recipients that wait already go first.
    if (this.#stopped || !this.#begun || this.#more || !this.#claimed.hasRoomFor(operation, nowMs)) return operation
    const { recipients, firstAttemptMs } = operation.queue!
    if (!recipients.every((one) => this.#mayTry(one, firstAttemptMs))) return operation
    return this.#claimed.claim(operation, nowMs + leaseMs)
  }

  #mayTry({ destination, turnMs }: QueueRecipient, firstAttemptMs: number): boolean {
    if (destination.kind === 'local') return false
    return this.#nextHops.lastOf(destinationKey(destination))?.takesImmediate(turnMs ?? firstAttemptMs) ?? true
  }

  cancel(arrivalId: string): void {
    this.#claimed.cancel(arrivalId)
  }

  #takeInHand(batches: readonly Batch[]): void {
    running('queue')
    for (const batch of batches) {
      this.#held.add(batch)
      this.#claimed.count(batch, 1)
      void this.#place(batch)
    }
  }

  /** Recipients leased from the store. */
  get #fetched(): number {
    return this.#held.size - this.#claimed.recipients
  }

  /** The options were changed: new limits apply from now on. */
  configure(): void {
    const { transferRatePerMinute } = this.#tools.options.now
    this.#rate = transferRatePerMinute > 0 ? new Rate(transferRatePerMinute, 60_000) : undefined
    this.#nextHops.renew()
  }

  /** The folder is locked for us alone, so the holder of any older lease has ended. */
  start(): void {
    const { store, clock, log } = this.#tools
    store
      .commit([{ kind: 'queueReclaim', dueMs: clock.now() + reclaimedAfterMs }])
      .catch((error) => log.error('queue could not be reclaimed at start', { error: String(error) }))
      .finally(() => {
        this.#begun = true
        this.wake()
      })
  }

  wake(): void {
    if (this.#stopped || !this.#begun) return
    if (this.#leasing) this.#again = true
    else void this.#lease()
  }

  /**
   * Starts no new attempts, returns waiting leases and waits for attempts under way. After `graceMs` the connections
   * are cut: their messages are tried again after the next start.
   */
  async stop(graceMs = Infinity): Promise<void> {
    this.#stopped = true
    const cut = graceMs === Infinity ? undefined : this.#tools.clock.after(graceMs, () => this.#connections.cut())
    this.#stopListening()
    this.#timer?.cancel()
    this.#pacing?.cancel()
    await this.#returnLease([...this.#nextHops].flatMap((nextHop) => this.#leave(nextHop, nextHop.waiting.splice(0))))
    while (this.#running + this.#unwritten > 0 || this.#leasing || !this.#held.isEmpty)
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    cut?.cancel()
    this.#held.stop()
    this.#transfers.close()
  }

  #plan(): void {
    this.#timer?.cancel()
    if (this.#stopped) return
    const due = this.#tools.store.read.queueDue()
    if (due === undefined) return
    const delay = Math.min(sleepMaxMs, Math.max(this.#stalled ? stalledMs : 50, due - this.#tools.clock.now()))
    // Looking costs a read; a commit is made only for due recipients.
    this.#timer = this.#tools.clock.after(delay, () => {
      if (due <= this.#tools.clock.now()) this.wake()
      else this.#plan()
    })
  }

  async #lease(): Promise<void> {
    const { store, clock, log } = this.#tools
    if (this.#fetched >= heldMax) return
    this.#leasing = true
    this.#again = false
    const busy = this.#nextHops.busyDestinations()
    const lease = { kind: 'queueLease', leaseMs, limit: leaseMax, perDestination: batchRecipientsMax } as const
    try {
      const [{ rows, next, more }] = await store.commit([{ ...lease, nowMs: clock.now(), after: this.#after, busy }])
      this.#after = next
      this.#more = more
      this.#stalled = rows.length === 0 && !more && busy.length > 0
      this.#takeInHand(batchesOf(rows.filter((row) => !this.#held.leaseAgain(row))))
    } catch (error) {
      this.#more = false
      log.error('queue could not be read', { error: String(error) })
    }
    this.#leasing = false
    if (this.#more || this.#again) this.wake()
    else this.#plan()
    this.#settled()
  }

  /** Finds the next hop of a batch, and adds it there. */
  async #place(batch: Batch): Promise<void> {
    const { clock, log } = this.#tools
    const { key, rows } = batch
    try {
      const route = isTooLate(rows[0]!, clock.now()) ? late() : await this.#router.resolve(batch)
      if ('words' in route) {
        await recordResults(
          this.#tools,
          batch,
          rows.map(() => route),
        )
        return this.#release(batch)
      }
      const { nextHop } = route
      this.#nextHops.remember(key, nextHop)
      if (this.#stopped || nextHop.isFull) {
        await this.#returnLease([batch], this.#stopped ? 0 : fullMs)
        return this.#release(batch)
      }
      const backOff = nextHop.backOffAt(clock.now())
      if (backOff) {
        await this.#defer(batch, route, backOff)
        return this.#release(batch)
      }
      this.#routes.set(batch, route)
      const last = nextHop.add(batch)
      if (last) void this.#returnLease(this.#leave(nextHop, [last]), fullMs)
      this.#ready.add(nextHop)
      this.#pump()
    } catch (error) {
      // The lease lapses by itself, and the recipients are tried again.
      log.error('queued recipients could not be routed', {
        destination: key,
        error: String((error as Error).stack ?? error),
      })
      this.#release(batch)
    }
  }

  /** Defers a batch during a back-off, without a connection for each message. */
  #defer(batch: Batch, { rule }: ResolvedRoute, backOff: BackOff): Promise<void> {
    const { clock } = this.#tools
    const { rows } = batch
    const { enhanced, untilMs } = backOff
    const words = `${backOff.words} (not tried again yet: it failed several times in a row)`
    const nowMs = clock.now()
    // Spread over the length of the back-off: all at once would overload the next hop.
    const spreadMs = Math.max(60_000, untilMs - nowMs)
    if (rows.every((row) => mayWait(this.#tools, row, untilMs + spreadMs, nowMs)))
      return this.#returnedLeases.give([batch], { dueMs: untilMs, spreadMs, reply: words })
    const result: AttemptResult = {
      kind: 'later',
      enhanced,
      words,
      notBeforeMs: untilMs + this.#tools.random.below(spreadMs),
    }
    return recordResults(
      this.#tools,
      batch,
      rows.map(() => result),
      rule?.retryAfterMs,
    )
  }

  /** Removes batches from a next hop. */
  #leave(nextHop: NextHop, batches: readonly Batch[]): readonly Batch[] {
    for (const batch of batches) {
      nextHop.release(batch)
      this.#routes.delete(batch)
      this.#release(batch)
    }
    return batches
  }

  #returnLease(batches: readonly Batch[], afterMs = 0): Promise<void> {
    return this.#returnedLeases.give(batches, { dueMs: this.#tools.clock.now() + afterMs })
  }

  /** Starts as many transfers as there is room for, one per next hop in turn. */
  #pump(): void {
    const { options, clock } = this.#tools
    running('queue')
    let waitMs = Number.POSITIVE_INFINITY
    const mayBegin = (): boolean => this.#running < options.now.transfersMax && this.#unwritten < unwrittenMax
    for (let begun = true; begun && !this.#stopped && mayBegin();) {
      begun = false
      for (const nextHop of [...this.#ready]) {
        if (!mayBegin()) break
        if (nextHop.waiting.length === 0) {
          this.#ready.delete(nextHop)
          continue
        }
        if (nextHop.running >= nextHop.window) continue
        const nowMs = clock.now()
        const pause = nowhere.has(nextHop.name)
          ? 0
          : Math.max(this.#rate?.waitMs(nowMs) ?? 0, nextHop.rate?.waitMs(nowMs) ?? 0)
        if (pause > 0) {
          waitMs = Math.min(waitMs, pause)
          continue
        }
        const batch = this.#next(nextHop)
        if (!batch) continue
        this.#rate?.spend(nowMs, batch.rows.length)
        nextHop.rate?.spend(nowMs, batch.rows.length)
        nextHop.running++
        this.#running++
        begun = true
        void this.#run(nextHop, batch)
      }
    }
    this.#pacing?.cancel()
    this.#pacing = undefined
    if (waitMs < Number.POSITIVE_INFINITY && !this.#stopped) this.#pacing = clock.after(waitMs, () => this.#pump())
  }

  /** The first waiting batch whose sender is below its share of all transfers. */
  #next(nextHop: NextHop): Batch | undefined {
    const { clock } = this.#tools
    for (let i = 0; i < nextHop.waiting.length; i++) {
      const batch = nextHop.waiting[i]!
      const sender = batch.rows[0]!.reversePath
      if (this.#senders.isUsedUp(sender)) continue
      if (i === 0) nextHop.waiting.shift()
      else nextHop.waiting.splice(i, 1)
      const waitMs = nowhere.has(batch.key) ? 0 : this.#senders.spend(sender, batch.rows.length, clock.now())
      if (waitMs > 0) {
        this.#leave(nextHop, [batch])
        void this.#returnLease([batch], Math.max(waitMs, returnMs))
        i--
        continue
      }
      this.#senders.begin(sender)
      return batch
    }
    return undefined
  }

  async #run(nextHop: NextHop, batch: Batch): Promise<void> {
    const { written } = await this.#transfers.run(batch, this.#routes.get(batch)!)
    this.#senders.end(batch.rows[0]!.reversePath)
    nextHop.running--
    this.#running--
    this.#unwritten++
    const backOff = nextHop.backOffAt(this.#tools.clock.now())
    if (backOff) void this.#empty(nextHop, backOff)
    this.#pump()
    await written
    this.#unwritten--
    const wasBusy = nextHop.isBusy
    this.#leave(nextHop, [batch])
    this.#pump()
    if ((this.#more && this.#fetched < heldMax / 2) || (wasBusy && !nextHop.isBusy)) this.wake()
    else if (this.#held.isEmpty) this.#plan()
  }

  /** Defers all waiting batches of a next hop in back-off: their attempts would fail too. */
  async #empty(nextHop: NextHop, backOff: BackOff): Promise<void> {
    const waiting = nextHop.waiting.splice(0)
    await Promise.all(waiting.map((batch) => this.#defer(batch, this.#routes.get(batch)!, backOff))).catch(
      (error: unknown) =>
        this.#tools.log.error('queued mail could not be deferred', { nextHop: nextHop.name, error: String(error) }),
    )
    this.#leave(nextHop, waiting)
  }

  #release(batch: Batch): void {
    const again = this.#held.release(batch)
    if (again === undefined) return
    // Leased again after its result was recorded, perhaps without effect: return the lease, so that what is left of it
    // is due.
    if (again.length > 0) void this.#returnLease([{ ...batch, rows: again }])
    this.#claimed.count(batch, -1)
    this.#settled()
  }

  #settled(): void {
    if (this.#running + this.#unwritten === 0 && !this.#leasing && this.#held.isEmpty)
      for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** RFC 2852 §4.1.3. */
function late(): AttemptResult {
  return { kind: 'never', enhanced: '5.4.7', words: '554 5.4.7 It was to be delivered by a time that is over' }
}
