/**
 * Works the queue: leases what is due, brings it to the sites that it goes to, tries it, has it written down. See README.md for the rows.
 * It holds nothing that it could not read again: after a crash the leases are void and others go on.
 */
import { running } from '../base/running.ts'
import type { Timer } from '../base/clock.ts'
import type { Change } from '../store/changes.ts'
import type { QueueRow } from '../store/entities.ts'
import type { QueueRecipient } from '../store/operations.ts'
import { OutgoingConnections } from '../transport/smtp/outgoing-connections.ts'
import type { AttemptResult } from '../transport/smtp/smtp.ts'
import { batchesOf, batchRecipientsMax } from './batches.ts'
import { isTooLate } from './deliver-by.ts'
import { Directions, nowhere, type DirectionsTools } from './router.ts'
import type { Arrive, FirstAttempts } from '../delivery/first-attempts.ts'
import { Births } from './immediate-delivery.ts'
import { PutBacks } from './returned-leases.ts'
import { Rate, Rates } from '../base/rate.ts'
import { Reports } from './result-batcher.ts'
import { leaseOf, mayWait, settle } from './record-results.ts'
import { Sites, type Batch, type Rest, type Site } from './next-hops.ts'
import { Transfers, type TransfersTools, type Way } from './transfers.ts'

/** A lease outlives any attempt that still moves: it is renewed at a third of its time. */
const leaseMs = 10 * 60_000
const renewMs = leaseMs / 3
/** What was under way when the process died waits so long: a message that kills us must not do so in a tight loop. */
const reclaimedAfterMs = 30_000
/** Recipients leased in one commit. */
const leaseMax = 500
/** Recipients that were leased out of the store and are not settled. */
const heldMax = 2000
/** Attempts whose end is not written down yet: after a power cut they would be made a second time. */
const unwrittenMax = 100
/** What its sender's rate does not let go comes back so much later, or more. */
const putBackMs = 5000
/** What is more than a site can have: no lease brings its destination again before there is room, but others of the same site may come. */
const fullMs = 250
/** When all that is due belongs to sites that have enough, we look again as soon as one of them moves, or after so long. */
const stalledMs = 5000
/** A wait longer than this is looked at again in between: clocks jump. */
const sleepMaxMs = 5 * 60_000
/** Destinations whose site is known, for as long as we hold mail for them and a little longer. */
const knownMax = 10_000
/** Names of destinations that have enough, as far as a lease is told of them. */
const busyNamesMax = 1000
/** One sender never has all transfers, however slow the hosts are that he writes to. */
const senderShare = 0.75

export type QueueTools = Omit<TransfersTools, 'reports'> & DirectionsTools

export class Queue implements FirstAttempts {
  readonly #tools: QueueTools & Pick<TransfersTools, 'reports'>
  readonly #sites = new Sites()
  readonly #transfers: Transfers
  readonly #connections: OutgoingConnections
  readonly #directions: Directions
  readonly #putBacks: PutBacks
  readonly #ways = new Map<Batch, Way>()
  /** The site that a destination had last. */
  readonly #siteOf = new Map<string, Site>()
  /** Sites with mail that could go: each gives one batch in turn. */
  readonly #ready = new Set<Site>()
  /** Leased and not settled. Their leases are renewed together. */
  readonly #held = new Set<Batch>()
  readonly #senders = new Map<string, number>()
  readonly #senderRates: Rates
  #rate: Rate | undefined
  /** Their recipients. */
  readonly #inHand = new Map<number, QueueRow>()
  /** Of those, the ones whose lease was given anew while we worked on them. */
  readonly #leasedAgain = new Set<number>()
  readonly #births = new Births()
  #running = 0
  /** Attempts that have ended, and are not written down yet. */
  #unwritten = 0
  #renewal: Timer | undefined
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
    this.#tools = { ...tools, network: this.#connections.network, reports: new Reports(tools) }
    this.#transfers = new Transfers(this.#tools)
    this.#directions = new Directions(tools, this.#sites)
    this.#putBacks = new PutBacks(tools)
    this.#senderRates = new Rates(() => {
      const perHour = tools.options.senderRatePerHour
      return new Rate(perHour, 60 * 60_000, perHour)
    })
    this.configure()
    this.#stopListening = tools.store.listen((changes) => this.#heard(changes))
  }

  #heard(changes: readonly Change[]): void {
    let dueMs = Infinity
    for (const change of changes) {
      if (change.kind === 'leased') this.#takeInHand(this.#births.begin(change))
      else if (change.kind === 'queue') dueMs = Math.min(dueMs, change.dueMs)
    }
    if (dueMs <= this.#tools.clock.now() + 1000) this.wake()
    else if (dueMs < Infinity) this.#plan()
  }

  lease(operation: Arrive): Arrive {
    const nowMs = this.#tools.clock.now()
    // Whoever waits already has his turn before it.
    if (this.#stopped || !this.#begun || this.#more || !this.#births.mayHave(operation, nowMs)) return operation
    const { recipients, firstAttemptMs } = operation.queue!
    if (!recipients.every((one) => this.#mayTry(one, firstAttemptMs))) return operation
    return this.#births.lease(operation, nowMs + leaseMs)
  }

  #mayTry({ destination, turnMs }: QueueRecipient, firstAttemptMs: number): boolean {
    if (nowhere.has(destination)) return false
    return this.#siteOf.get(destination)?.takesNews(turnMs ?? firstAttemptMs) ?? true
  }

  forget(arrivalId: string): void {
    this.#births.forget(arrivalId)
  }

  #takeInHand(batches: readonly Batch[]): void {
    running('queue')
    for (const batch of batches) {
      this.#held.add(batch)
      for (const row of batch.rows) this.#inHand.set(row.id, row)
      this.#births.count(batch, 1)
      void this.#place(batch)
    }
    this.#renew()
  }

  /** Those that were leased out of the store. */
  get #fetched(): number {
    return this.#inHand.size - this.#births.recipients
  }

  /** The options were changed: limits count from now on. */
  configure(): void {
    const { transferRatePerMinute } = this.#tools.options
    this.#rate = transferRatePerMinute > 0 ? new Rate(transferRatePerMinute, 60_000) : undefined
    this.#sites.renew()
    this.#siteOf.clear()
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
    await this.#putBack([...this.#sites].flatMap((site) => this.#leave(site, site.waiting.splice(0))))
    while (this.#running + this.#unwritten > 0 || this.#leasing || this.#held.size > 0)
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    cut?.cancel()
    this.#renewal?.cancel()
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

  /** Destinations that have enough to do. */
  #busy(): string[] {
    const busy: string[] = []
    for (const [name, site] of this.#siteOf) {
      if (!site.isBusy) continue
      busy.push(name)
      if (busy.length === busyNamesMax) break
    }
    return busy
  }

  async #lease(): Promise<void> {
    const { store, clock, log } = this.#tools
    if (this.#fetched >= heldMax) return
    this.#leasing = true
    this.#again = false
    const busy = this.#busy()
    const lease = { kind: 'queueLease', leaseMs, limit: leaseMax, perDestination: batchRecipientsMax } as const
    try {
      const [{ rows, next, more }] = await store.commit([{ ...lease, nowMs: clock.now(), after: this.#after, busy }])
      this.#after = next
      this.#more = more
      this.#stalled = rows.length === 0 && !more && busy.length > 0
      this.#takeInHand(batchesOf(rows.filter((row) => !this.#hasInHand(row))))
    } catch (error) {
      this.#more = false
      log.error('queue could not be read', { error: String(error) })
    }
    this.#leasing = false
    if (this.#more || this.#again) this.wake()
    else this.#plan()
    this.#settled()
  }

  /**
   * A lease that lapsed though we work on it, since the clock was set, or an operator gave it another way: it is ours again, and nothing is
   * sent a second time before the attempt under way has ended.
   */
  #hasInHand({ id, fence, destination, lastReply }: QueueRow): boolean {
    const mine = this.#inHand.get(id)
    if (mine) {
      Object.assign(mine, { fence, destination, lastReply })
      this.#leasedAgain.add(id)
    }
    return mine !== undefined
  }

  /** Finds out where a batch goes, and puts it in line there. */
  async #place(batch: Batch): Promise<void> {
    const { clock, log } = this.#tools
    const { destination, rows } = batch
    try {
      const way = isTooLate(rows[0]!, clock.now()) ? late() : await this.#directions.wayOf(batch)
      if ('words' in way) {
        await settle(
          this.#tools,
          batch,
          rows.map(() => way),
        )
        return this.#release(batch)
      }
      const { site } = way
      this.#remember(destination, site)
      if (this.#stopped || site.isFull) {
        await this.#putBack([batch], this.#stopped ? 0 : fullMs)
        return this.#release(batch)
      }
      const rest = site.restAt(clock.now())
      if (rest) {
        await this.#defer(batch, way, rest)
        return this.#release(batch)
      }
      this.#ways.set(batch, way)
      const last = site.add(batch)
      if (last) void this.#putBack(this.#leave(site, [last]), fullMs)
      this.#ready.add(site)
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

  #remember(destination: string, site: Site): void {
    this.#siteOf.delete(destination)
    this.#siteOf.set(destination, site)
    if (this.#siteOf.size > knownMax) this.#siteOf.delete(this.#siteOf.keys().next().value!)
  }

  /** The site is left alone: its mail waits for it, without a connection for each message. */
  #defer(batch: Batch, { rule }: Way, rest: Rest): Promise<void> {
    const { clock } = this.#tools
    const { rows } = batch
    const { enhanced, untilMs } = rest
    const words = `${rest.words} (not tried again yet: it failed several times in a row)`
    const nowMs = clock.now()
    // As long as it rested: all at once they would be a storm.
    const spreadMs = Math.max(60_000, untilMs - nowMs)
    if (rows.every((row) => mayWait(this.#tools, row, untilMs + spreadMs, nowMs)))
      return this.#putBacks.give([batch], { dueMs: untilMs, spreadMs, reply: words })
    const result: AttemptResult = {
      kind: 'later',
      enhanced,
      words,
      notBeforeMs: untilMs + this.#tools.random.below(spreadMs),
    }
    return settle(
      this.#tools,
      batch,
      rows.map(() => result),
      rule?.retryAfterMs,
    )
  }

  /** Takes batches out of a site's line. */
  #leave(site: Site, batches: readonly Batch[]): readonly Batch[] {
    for (const batch of batches) {
      site.release(batch)
      this.#ways.delete(batch)
      this.#release(batch)
    }
    return batches
  }

  #putBack(batches: readonly Batch[], afterMs = 0): Promise<void> {
    return this.#putBacks.give(batches, { dueMs: this.#tools.clock.now() + afterMs })
  }

  /** Begins as many transfers as there is room for, one of each site in turn. */
  #pump(): void {
    const { options, clock } = this.#tools
    running('queue')
    let waitMs = Number.POSITIVE_INFINITY
    const mayBegin = (): boolean => this.#running < options.transfersMax && this.#unwritten < unwrittenMax
    for (let begun = true; begun && !this.#stopped && mayBegin();) {
      begun = false
      for (const site of [...this.#ready]) {
        if (!mayBegin()) break
        if (site.waiting.length === 0) {
          this.#ready.delete(site)
          continue
        }
        if (site.running >= site.window) continue
        const nowMs = clock.now()
        const pause = nowhere.has(site.name)
          ? 0
          : Math.max(this.#rate?.waitMs(nowMs) ?? 0, site.rate?.waitMs(nowMs) ?? 0)
        if (pause > 0) {
          waitMs = Math.min(waitMs, pause)
          continue
        }
        const batch = this.#next(site)
        if (!batch) continue
        this.#rate?.spend(nowMs, batch.rows.length)
        site.rate?.spend(nowMs, batch.rows.length)
        site.running++
        this.#running++
        begun = true
        void this.#run(site, batch)
      }
    }
    this.#pacing?.cancel()
    this.#pacing = undefined
    if (waitMs < Number.POSITIVE_INFINITY && !this.#stopped) this.#pacing = clock.after(waitMs, () => this.#pump())
  }

  /** The first batch in a site's line whose sender has not his share of all transfers. */
  #next(site: Site): Batch | undefined {
    const { options, clock } = this.#tools
    const share = Math.max(1, Math.floor(options.transfersMax * senderShare))
    for (let i = 0; i < site.waiting.length; i++) {
      const batch = site.waiting[i]!
      const sender = batch.rows[0]!.reversePath
      if ((this.#senders.get(sender) ?? 0) >= share) continue
      if (i === 0) site.waiting.shift()
      else site.waiting.splice(i, 1)
      if (options.senderRatePerHour > 0 && sender !== '' && !nowhere.has(batch.destination)) {
        const rate = this.#senderRates.of(sender)
        const nowMs = clock.now()
        const waitMs = rate.waitMs(nowMs)
        if (waitMs > 0) {
          this.#leave(site, [batch])
          void this.#putBack([batch], Math.max(waitMs, putBackMs))
          i--
          continue
        }
        rate.spend(nowMs, batch.rows.length)
      }
      this.#senders.set(sender, (this.#senders.get(sender) ?? 0) + 1)
      return batch
    }
    return undefined
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

  async #run(site: Site, batch: Batch): Promise<void> {
    const { written } = await this.#transfers.run(batch, this.#ways.get(batch)!)
    const sender = batch.rows[0]!.reversePath
    const left = (this.#senders.get(sender) ?? 1) - 1
    if (left === 0) this.#senders.delete(sender)
    else this.#senders.set(sender, left)
    site.running--
    this.#running--
    this.#unwritten++
    const rest = site.restAt(this.#tools.clock.now())
    if (rest) void this.#empty(site, rest)
    this.#pump()
    await written
    this.#unwritten--
    const wasBusy = site.isBusy
    this.#leave(site, [batch])
    this.#pump()
    if ((this.#more && this.#fetched < heldMax / 2) || (wasBusy && !site.isBusy)) this.wake()
    else if (this.#held.size === 0) this.#plan()
  }

  /** Whoever stands in line at a site that rests would only find out the same. */
  async #empty(site: Site, rest: Rest): Promise<void> {
    const waiting = site.waiting.splice(0)
    await Promise.all(waiting.map((batch) => this.#defer(batch, this.#ways.get(batch)!, rest))).catch(
      (error: unknown) =>
        this.#tools.log.error('queued mail could not be deferred', { site: site.name, error: String(error) }),
    )
    this.#leave(site, waiting)
  }

  #release(batch: Batch): void {
    if (!this.#held.delete(batch)) return
    for (const { id } of batch.rows) this.#inHand.delete(id)
    // Leased again after its end was written down, perhaps in vain: what is leased still is due.
    const again = batch.rows.filter(({ id }) => this.#leasedAgain.delete(id))
    if (again.length > 0) void this.#putBack([{ ...batch, rows: again }])
    this.#births.count(batch, -1)
    if (this.#held.size === 0) {
      this.#renewal?.cancel()
      this.#renewal = undefined
    }
    this.#settled()
  }

  #settled(): void {
    if (this.#running + this.#unwritten === 0 && !this.#leasing && this.#held.size === 0)
      for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/** RFC 2852 §4.1.3. */
function late(): AttemptResult {
  return { kind: 'never', enhanced: '5.4.7', words: '554 5.4.7 It was to be delivered by a time that is over' }
}
