/**
 * Works the queue: leases what is due, brings it to the next hops that it goes to, tries it, has it written down. See README.md for the rows.
 * It holds nothing that it could not read again: after a crash the leases are void and others go on.
 */
import { running } from '../base/running.ts'
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

/** What was under way when the process died waits so long: a message that kills us must not do so in a tight loop. */
const reclaimedAfterMs = 30_000
/** Recipients leased in one commit. */
const leaseMax = 500
/** Recipients that were leased out of the store and are not settled. */
const heldMax = 2000
/** Attempts whose end is not written down yet: after a power cut they would be made a second time. */
const unwrittenMax = 100
/** What its sender's rate does not let go comes back so much later, or more. */
const returnMs = 5000
/** What is more than a next hop can have: no lease brings its destination again before there is room, but others of the same next hop may come. */
const fullMs = 250
/** When all that is due belongs to next hops that have enough, we look again as soon as one of them moves, or after so long. */
const stalledMs = 5000
/** A wait longer than this is looked at again in between: clocks jump. */
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
  /** Next hops with mail that could go: each gives one batch in turn. */
  readonly #ready = new Set<NextHop>()
  readonly #held: HeldLeases
  readonly #senders: SenderShares
  #rate: Rate | undefined
  readonly #claimed = new ClaimedArrivals()
  #running = 0
  /** Attempts that have ended, and are not written down yet. */
  #unwritten = 0
  #pacing: Timer | undefined
  /** How far round the destinations we have leased. */
  #after: string | undefined
  #more = false
  #stalled = false
  #timer: Timer | undefined
  #leasing = false
  #again = false
  /** All leases of before are taken over: none of ours is among them. */
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
    // Whoever waits already has his turn before it.
    if (this.#stopped || !this.#begun || this.#more || !this.#claimed.hasRoomFor(operation, nowMs)) return operation
    const { recipients, firstAttemptMs } = operation.queue!
    if (!recipients.every((one) => this.#mayTry(one, firstAttemptMs))) return operation
    return this.#claimed.claim(operation, nowMs + leaseMs)
  }

  #mayTry({ destination, turnMs }: QueueRecipient, firstAttemptMs: number): boolean {
    if (nowhere.has(destination)) return false
    return this.#nextHops.lastOf(destination)?.takesImmediate(turnMs ?? firstAttemptMs) ?? true
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

  /** Those that were leased out of the store. */
  get #fetched(): number {
    return this.#held.size - this.#claimed.recipients
  }

  /** The options were changed: limits count from now on. */
  configure(): void {
    const { transferRatePerMinute } = this.#tools.options.now
    this.#rate = transferRatePerMinute > 0 ? new Rate(transferRatePerMinute, 60_000) : undefined
    this.#nextHops.renew()
  }

  /** The folder is ours alone, so whoever held a lease is gone. */
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

  /** Looks for what is due, now. */
  wake(): void {
    if (this.#stopped || !this.#begun) return
    if (this.#leasing) this.#again = true
    else void this.#lease()
  }

  /**
   * Attempts under way are awaited; nothing new begins, and what only waited goes back. After `graceMs` the connections are cut: what they
   * carried is tried again after the next start.
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
    // Looking costs a read; only what is due is worth a commit.
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

  /** Finds out where a batch goes, and puts it in line there. */
  async #place(batch: Batch): Promise<void> {
    const { clock, log } = this.#tools
    const { destination, rows } = batch
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
      this.#nextHops.remember(destination, nextHop)
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
        destination,
        error: String((error as Error).stack ?? error),
      })
      this.#release(batch)
    }
  }

  /** The next hop is left alone: its mail waits for it, without a connection for each message. */
  #defer(batch: Batch, { rule }: ResolvedRoute, backOff: BackOff): Promise<void> {
    const { clock } = this.#tools
    const { rows } = batch
    const { enhanced, untilMs } = backOff
    const words = `${backOff.words} (not tried again yet: it failed several times in a row)`
    const nowMs = clock.now()
    // As long as it rested: all at once they would be a storm.
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

  /** Takes batches out of a next hop's line. */
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

  /** Begins as many transfers as there is room for, one of each next hop in turn. */
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

  /** The first batch in a next hop's line whose sender has not his share of all transfers. */
  #next(nextHop: NextHop): Batch | undefined {
    const { clock } = this.#tools
    for (let i = 0; i < nextHop.waiting.length; i++) {
      const batch = nextHop.waiting[i]!
      const sender = batch.rows[0]!.reversePath
      if (this.#senders.isUsedUp(sender)) continue
      if (i === 0) nextHop.waiting.shift()
      else nextHop.waiting.splice(i, 1)
      const waitMs = nowhere.has(batch.destination) ? 0 : this.#senders.spend(sender, batch.rows.length, clock.now())
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

  /** Whoever stands in line at a next hop that rests would only find out the same. */
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
    // Leased again after its end was written down, perhaps in vain: what is leased still is due.
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
