/**
 * Decides which leased batch is attempted when: by next hop and in fair order, within the limits of the configuration; and
 * has it attempted and recorded. It holds nothing that could not be leased again.
 */
import type { Clock, Timer } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Rate } from '../base/rate.ts'
import { running } from '../base/running.ts'
import type { DestinationKey } from '../mail/destination.ts'
import { CommitBatcher } from './commit-batcher.ts'
import { isTooLate } from './deliver-by.ts'
import type { Leases } from './leases.ts'
import { NextHops, type BackOff, type NextHop, type RoutedBatch } from './next-hops.ts'
import { givenUp, mayWait, recordResults, type RecordTools } from './record-results.ts'
import { SenderShares } from './sender-shares.ts'
import { allOf, type Attempt, type AttemptResult, type Batch, type NextHopFacts, type Transports } from './transport.ts'

/** Attempts with unrecorded results: after a power cut they would be made again. */
const unwrittenMax = 100
/** Shortest wait of recipients beyond their sender's rate. */
const returnMs = 5000
/**
 * Wait of recipients beyond the limits of a next hop: a lease skips its busy destinations, but may bring other
 * destinations of the same next hop.
 */
const fullMs = 250

export interface SchedulerTools extends Omit<RecordTools, 'commits'> {
  readonly clock: Clock
  readonly log: Log
  readonly transports: Transports
}

/** What the holder of the leases is told. */
export interface SchedulerEvents {
  /** The queue has done with a batch: its results are recorded, or its lease is returned, or has to lapse. */
  released(batch: Batch): void
  /** The last attempt of this turn is recorded. @param hopHasRoom a next hop that had enough takes more again. */
  recorded(hopHasRoom: boolean): void
}

export class Scheduler {
  readonly #tools: SchedulerTools & RecordTools
  readonly #leases: Leases
  readonly #events: SchedulerEvents
  readonly #nextHops = new NextHops()
  /** Next hops with waiting batches: each starts one batch in turn. */
  readonly #ready = new Set<NextHop>()
  readonly #senders: SenderShares
  readonly #cut = new AbortController()
  #rate: Rate | undefined
  #running = 0
  /** Attempts that have ended, with results not recorded yet. */
  #unwritten = 0
  #pacing: Timer | undefined
  #stopped = false

  constructor(tools: SchedulerTools, leases: Leases, events: SchedulerEvents) {
    this.#tools = { ...tools, commits: new CommitBatcher(tools) }
    this.#leases = leases
    this.#events = events
    this.#senders = new SenderShares(tools.options)
    this.configure()
  }

  /** The options were changed: new limits apply from now on. */
  configure(): void {
    const { transferRatePerMinute } = this.#tools.options.now
    this.#rate = transferRatePerMinute > 0 ? new Rate(transferRatePerMinute, 60_000) : undefined
    this.#nextHops.renew()
  }

  get isIdle(): boolean {
    return this.#running + this.#unwritten === 0
  }

  /** Whether an arrival may be attempted at once, as far as is known of its next hop. */
  takesImmediate(destination: DestinationKey, turnMs: number): boolean {
    return this.#nextHops.lastOf(destination)?.takesImmediate(turnMs) ?? true
  }

  /** Destinations whose next hop has enough to do. */
  busyDestinations(): readonly DestinationKey[] {
    return this.#nextHops.busyDestinations()
  }

  /** Starts no new attempts, and returns the leases of those that wait. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#pacing?.cancel()
    await this.#return([...this.#nextHops].flatMap((nextHop) => this.#leave(nextHop, nextHop.waiting.splice(0))))
  }

  /** Breaks off the attempts that are under way. */
  cut(): void {
    this.#cut.abort()
  }

  /** Finds the next hop of a leased batch, where it waits for its place. */
  async place(batch: Batch): Promise<void> {
    const { clock, log, options } = this.#tools
    try {
      const facts = isTooLate(batch.rows[0]!, clock.now()) ? late : await this.#nextHopOf(batch)
      if ('words' in facts) {
        await recordResults(this.#tools, batch, allOf(batch, facts))
        return this.#events.released(batch)
      }
      const nextHop = this.#nextHops.of(facts, options.now.transfersPerDestinationMax)
      this.#nextHops.remember(batch.key, nextHop)
      const routed: RoutedBatch = Object.assign(batch, facts)
      const backOff = nextHop.backOffAt(clock.now())
      if (this.#stopped || nextHop.isFull) await this.#return([batch], this.#stopped ? 0 : fullMs)
      else if (backOff) await this.#defer(routed, backOff)
      else return this.#add(nextHop, routed)
      this.#events.released(batch)
    } catch (error) {
      // The lease lapses by itself, and the recipients are tried again.
      log.error('queued recipients could not be routed', { destination: batch.key, error: textOf(error) })
      this.#events.released(batch)
    }
  }

  #nextHopOf(batch: Batch): NextHopFacts | Promise<NextHopFacts | AttemptResult> {
    const { destination, key } = batch
    if (destination.kind === 'failed') return { name: key, route: undefined }
    return this.#tools.transports[destination.kind].nextHop(batch)
  }

  #add(nextHop: NextHop, batch: RoutedBatch): void {
    const last = nextHop.add(batch)
    if (last) void this.#return(this.#leave(nextHop, [last]), fullMs)
    this.#ready.add(nextHop)
    this.#pump()
  }

  /** Defers a batch during a back-off, without a connection for each message. */
  #defer(batch: RoutedBatch, { words: reason, enhanced, untilMs }: BackOff): Promise<void> {
    const { clock, random } = this.#tools
    const words = `${reason} (not tried again yet: it failed several times in a row)`
    const nowMs = clock.now()
    // Spread over the length of the back-off: all at once would overload the next hop.
    const spreadMs = Math.max(60_000, untilMs - nowMs)
    const notBeforeMs = untilMs + random.below(spreadMs)
    if (batch.rows.every((row) => mayWait(this.#tools, row, untilMs + spreadMs, nowMs)))
      return this.#leases.return([batch], notBeforeMs, words)
    return recordResults(this.#tools, batch, allOf(batch, { kind: 'later', enhanced, words, notBeforeMs }))
  }

  /** Removes batches from a next hop. */
  #leave(nextHop: NextHop, batches: readonly Batch[]): readonly Batch[] {
    for (const batch of batches) {
      nextHop.release(batch)
      this.#events.released(batch)
    }
    return batches
  }

  #return(batches: readonly Batch[], afterMs = 0): Promise<void> {
    return this.#leases.return(batches, this.#tools.clock.now() + afterMs)
  }

  /** Starts as many attempts as there is room for, one per next hop in turn. */
  #pump(): void {
    const { options, clock } = this.#tools
    running('queue')
    let waitMs = Number.POSITIVE_INFINITY
    const mayBegin = (): boolean => this.#running < options.now.transfersMax && this.#unwritten < unwrittenMax
    for (let begun = true; begun && !this.#stopped && mayBegin();) {
      begun = false
      for (const nextHop of [...this.#ready]) {
        if (!mayBegin()) break
        const first = nextHop.waiting[0]
        if (!first) this.#ready.delete(nextHop)
        if (!first || nextHop.running >= nextHop.window) continue
        const nowMs = clock.now()
        const rate = this.#isRemote(first) ? this.#rate : undefined
        const pause = Math.max(rate?.waitMs(nowMs) ?? 0, nextHop.rate?.waitMs(nowMs) ?? 0)
        if (pause > 0) {
          waitMs = Math.min(waitMs, pause)
          continue
        }
        const batch = this.#next(nextHop)
        if (!batch) continue
        rate?.spend(nowMs, batch.rows.length)
        nextHop.rate?.spend(nowMs, batch.rows.length)
        begun = true
        void this.#run(nextHop, batch)
      }
    }
    this.#pacing?.cancel()
    this.#pacing = undefined
    if (waitMs < Number.POSITIVE_INFINITY && !this.#stopped) this.#pacing = clock.after(waitMs, () => this.#pump())
  }

  #isRemote({ destination }: Batch): boolean {
    return destination.kind !== 'failed' && this.#tools.transports[destination.kind].remote
  }

  /** The first waiting batch whose sender is below its share of all transfers. */
  #next(nextHop: NextHop): RoutedBatch | undefined {
    const { clock } = this.#tools
    for (let i = 0; i < nextHop.waiting.length; i++) {
      const batch = nextHop.waiting[i]!
      const sender = batch.rows[0]!.reversePath
      if (this.#senders.isUsedUp(sender)) continue
      if (i === 0) nextHop.waiting.shift()
      else nextHop.waiting.splice(i, 1)
      const waitMs = this.#isRemote(batch) ? this.#senders.spend(sender, batch.rows.length, clock.now()) : 0
      if (waitMs > 0) {
        this.#leave(nextHop, [batch])
        void this.#return([batch], Math.max(waitMs, returnMs))
        i--
        continue
      }
      this.#senders.begin(sender)
      return batch
    }
    return undefined
  }

  /** One attempt. Its slot is free again when the next hop has answered; the record is written meanwhile. */
  async #run(nextHop: NextHop, batch: RoutedBatch): Promise<void> {
    nextHop.running++
    this.#running++
    const attempt = await this.#attempt(nextHop, batch)
    this.#senders.end(batch.rows[0]!.reversePath)
    nextHop.running--
    this.#running--
    this.#unwritten++
    const written = attempt && recordResults(this.#tools, batch, attempt.results)
    const backOff = nextHop.backOffAt(this.#tools.clock.now())
    if (backOff) void this.#empty(nextHop, backOff)
    this.#pump()
    await written?.catch((error: unknown) => this.#failed(batch, error))
    this.#unwritten--
    const wasBusy = nextHop.isBusy
    this.#leave(nextHop, [batch])
    this.#pump()
    this.#events.recorded(wasBusy && !nextHop.isBusy)
  }

  /** @returns undefined after a fault of ours: the recipients are tried again when the lease has lapsed. */
  async #attempt(nextHop: NextHop, batch: RoutedBatch): Promise<Attempt | undefined> {
    const { store, transports, clock, random } = this.#tools
    const { destination, rows } = batch
    try {
      if (destination.kind === 'failed') return { results: rows.map(givenUp), hop: 'well' }
      const message = batch.bytes ?? (await store.read.queuedContent(rows[0]!.entry))
      if (!message) return { results: allOf(batch, gone), hop: 'answered' }
      if (message.problem !== undefined) return { results: allOf(batch, unreadable), hop: 'answered' }
      const attempt = await transports[destination.kind].attempt(batch, message, batch.route, this.#cut.signal)
      nextHop.note(attempt, clock.now(), random)
      return attempt
    } catch (error) {
      this.#failed(batch, error)
      return undefined
    }
  }

  #failed({ key }: Batch, error: unknown): void {
    this.#tools.log.error('delivery attempt failed with an internal error', { destination: key, error: textOf(error) })
  }

  /** Defers all waiting batches of a next hop in back-off: their attempts would fail too. */
  async #empty(nextHop: NextHop, backOff: BackOff): Promise<void> {
    const waiting = nextHop.waiting.splice(0)
    await Promise.all(waiting.map((batch) => this.#defer(batch, backOff))).catch((error: unknown) =>
      this.#tools.log.error('queued mail could not be deferred', { nextHop: nextHop.name, error: String(error) }),
    )
    this.#leave(nextHop, waiting)
  }
}

/** RFC 2852 §4.1.3. */
const late: AttemptResult = {
  kind: 'never',
  enhanced: '5.4.7',
  words: '554 5.4.7 It was to be delivered by a time that is over',
}

/** A repaired disk, or a backup, may have it again: the error is logged. */
const unreadable: AttemptResult = {
  kind: 'later',
  enhanced: '4.3.0',
  words: 'The message cannot be read from the disk',
}

const gone: AttemptResult = { kind: 'never', enhanced: '5.3.0', words: 'The message is no longer stored' }

function textOf(error: unknown): string {
  return String((error as Error).stack ?? error)
}
