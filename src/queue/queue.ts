/**
 * Runs the queue: leases due recipients from the store, and takes over those that were leased by the commit that accepted
 * them; `scheduler.ts` has them attempted, `record-results.ts` records what became of them. README.md shows the rows.
 * All of its state can be read again: after a crash the leases are void, and are given again.
 */
import type { Timer } from '../base/clock.ts'
import { running } from '../base/running.ts'
import type { Arrive, ImmediateDelivery } from '../delivery/immediate-delivery.ts'
import { destinationKey } from '../mail/destination.ts'
import type { Change } from '../store/changes.ts'
import type { QueuedIds, QueueRecipient } from '../store/operations.ts'
import { batchesOf, batchRecipientsMax } from './batches.ts'
import { ClaimedArrivals } from './claimed-arrivals.ts'
import { Leases, leaseMs } from './leases.ts'
import { Scheduler, type SchedulerTools } from './scheduler.ts'
import type { Batch } from './transport.ts'

/**
 * Recipients that were under way in a crash wait this long: a message that crashes us must not do so in a tight loop.
 */
const reclaimedAfterMs = 30_000
/** Recipients leased in one commit. */
const leaseMax = 500
/** Recipients leased from the store and not finished. */
const heldMax = 2000
/** If all due recipients have busy next hops, the queue leases again when one has room, or after this time. */
const stalledMs = 5000
/** Longer waits are checked in between: clocks jump. */
const sleepMaxMs = 5 * 60_000

export type QueueTools = SchedulerTools

export class Queue implements ImmediateDelivery {
  readonly #tools: QueueTools
  readonly #leases: Leases
  readonly #claimed: ClaimedArrivals
  readonly #scheduler: Scheduler
  /** The destination where the last lease ended; the next one continues there. */
  #after: string | undefined
  /** The last lease has left due recipients behind. */
  #more = false
  #stalled = false
  #timer: Timer | undefined
  #planning = 0
  #leasing = false
  #again = false
  /** Leases of the previous process are reclaimed: none of the present ones is among them. */
  #begun = false
  #stopped = false
  #stopListening: () => void
  #idle: (() => void)[] = []

  constructor(tools: QueueTools) {
    this.#tools = tools
    this.#leases = new Leases(tools)
    this.#claimed = new ClaimedArrivals(tools.transports)
    this.#scheduler = new Scheduler(tools, this.#leases, {
      released: (batch) => this.#released(batch),
      recorded: (hopHasRoom) => {
        if ((this.#more && this.#fetched < heldMax / 2) || hopHasRoom) this.wake()
        else if (this.#leases.isEmpty) void this.#plan()
      },
    })
    this.#stopListening = tools.store.listen((changes) => this.#heard(changes))
  }

  #heard(changes: readonly Change[]): void {
    let dueMs = Infinity
    for (const change of changes) {
      if (change.kind === 'queue') dueMs = Math.min(dueMs, change.dueMs)
    }
    if (dueMs <= this.#tools.clock.now() + 1000) this.wake()
    else if (dueMs < Infinity) void this.#plan()
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
    if (destination.kind === 'failed' || !this.#tools.transports[destination.kind].remote) return false
    return this.#scheduler.takesImmediate(destinationKey(destination), turnMs ?? firstAttemptMs)
  }

  committed(arrivalId: string, queued: QueuedIds): void {
    // Its leases end with this process: the next start takes them over.
    if (this.#stopped) return this.#claimed.cancel(arrivalId)
    this.#takeInHand(this.#claimed.begin(arrivalId, queued))
  }

  cancel(arrivalId: string): void {
    this.#claimed.cancel(arrivalId)
  }

  #takeInHand(batches: readonly Batch[]): void {
    running('queue')
    for (const batch of batches) {
      this.#leases.add(batch)
      this.#claimed.count(batch, 1)
      void this.#scheduler.place(batch)
    }
  }

  #released(batch: Batch): void {
    const again = this.#leases.release(batch)
    if (again === undefined) return
    // Leased again after its result was recorded, perhaps without effect: return the lease, so that what is left of it
    // is due.
    if (again.length > 0) void this.#leases.return([{ ...batch, rows: again }], this.#tools.clock.now())
    this.#claimed.count(batch, -1)
    this.#settled()
  }

  /** Recipients leased from the store. */
  get #fetched(): number {
    return this.#leases.size - this.#claimed.recipients
  }

  /** The options were changed: new limits apply from now on. */
  configure(): void {
    this.#scheduler.configure()
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

  /** Leases due recipients now. */
  wake(): void {
    if (this.#stopped || !this.#begun) return
    if (this.#leasing) this.#again = true
    else void this.#lease()
  }

  /**
   * Starts no new attempts, returns waiting leases and waits for attempts under way. After `graceMs` these are cut: their
   * messages are tried again after the next start.
   */
  async stop(graceMs = Infinity): Promise<void> {
    this.#stopped = true
    const { clock, transports } = this.#tools
    const cut = graceMs === Infinity ? undefined : clock.after(graceMs, () => this.#scheduler.cut())
    this.#stopListening()
    this.#timer?.cancel()
    await this.#scheduler.stop()
    while (!this.#isIdle) await new Promise<void>((resolve) => this.#idle.push(resolve))
    cut?.cancel()
    this.#leases.stop()
    for (const transport of new Set(Object.values(transports))) transport.close()
  }

  get #isIdle(): boolean {
    return this.#scheduler.isIdle && !this.#leasing && this.#leases.isEmpty
  }

  #settled(): void {
    if (this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Sets the timer for what is due next. */
  async #plan(): Promise<void> {
    const { clock } = this.#tools
    const planning = ++this.#planning
    const due = await this.#nextDue()
    // The last call sets the timer.
    if (planning !== this.#planning || this.#stopped) return
    this.#timer?.cancel()
    if (due === undefined) return
    const delay = Math.min(sleepMaxMs, Math.max(this.#stalled ? stalledMs : 50, due - clock.now()))
    // Looking costs a read; a commit is made only for due recipients.
    this.#timer = clock.after(delay, () => {
      if (due <= clock.now()) this.wake()
      else void this.#plan()
    })
  }

  async #nextDue(): Promise<number | undefined> {
    const { store, clock, log } = this.#tools
    try {
      return await store.read.queueDue()
    } catch (error) {
      // A stop does not wait for this read: the store may be closed by then.
      if (!this.#stopped) log.warn('queue could not be read', { error: String(error) })
      return clock.now() + stalledMs
    }
  }

  async #lease(): Promise<void> {
    const { store, clock, log, transports } = this.#tools
    if (this.#fetched >= heldMax) return
    this.#leasing = true
    this.#again = false
    const busy = this.#scheduler.busyDestinations()
    const lease = { kind: 'queueLease', leaseMs, limit: leaseMax, perDestination: batchRecipientsMax } as const
    try {
      const [{ rows, next, more }] = await store.commit([{ ...lease, nowMs: clock.now(), after: this.#after, busy }])
      this.#after = next
      this.#more = more
      this.#stalled = rows.length === 0 && !more && busy.length > 0
      const free = rows.filter((row) => !this.#leases.leaseAgain(row))
      this.#takeInHand(batchesOf(transports, free))
    } catch (error) {
      this.#more = false
      log.error('queue could not be read', { error: String(error) })
    }
    this.#leasing = false
    if (this.#more || this.#again) this.wake()
    else void this.#plan()
    this.#settled()
  }
}
