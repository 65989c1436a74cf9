/**
 * The only writer. Applies groups of commits: numbers, records, one sync, rows, COMMIT. docs/architecture.md §1.
 * Runs on a thread of its own (writer.worker.ts), or in place for `:memory:` stores.
 */
import type { Change } from '../changes.ts'
import type { Place, RecordLog } from '../contents/log.ts'
import type { EngineOperation } from '../operations.ts'
import { StoreRefusal } from '../store.ts'
import { apply } from './apply.ts'
import { WriteContext } from './context.ts'
import { allocate, insertRows, type Delivery } from './deliver.ts'
import type { Database } from './driver.ts'
import { isFull, isOfTheDatabase } from '../faults.ts'
import { bringsContents, Group, type WireCommit, type WireContent } from './group.ts'
import { decodePlaces, endLate, lateAsArrival, lateOf, LateRows, mayBeLate, type Late } from './late-rows.ts'
import type { Incident } from './quarantine.ts'
import { noteOpening, readLogRow, writeLogRow } from './log-row.ts'
import {
  bringsFlags,
  growing,
  isSoft,
  refuseAll,
  resultOf,
  together,
  type Attempt,
  type CommitOutcome,
  type GroupOutcome,
} from './outcomes.ts'
import { relocate } from './relocate.ts'
import { placeKey, Replay } from './replay.ts'
import type { WriterOptions } from './writer-options.ts'

/** A sync or a file failed in a way after which nothing may be promised: the process must stop. */
export class WriterBroken extends Error {}

export class Writer {
  readonly #db: Database
  readonly #log: RecordLog
  readonly #context: WriteContext
  readonly #options: WriterOptions
  readonly #replay: Replay
  readonly #late = new LateRows()
  #sequence = 0
  #epoch = 0
  /** Rows that a failed COMMIT left behind the log: replayed before anything else is taken. */
  #behind = false
  #full: boolean | undefined
  #fullSync: boolean | undefined
  #incidents: Incident[] = []
  #tag: string | undefined

  constructor(db: Database, log: RecordLog, options: WriterOptions) {
    this.#db = db
    this.#log = log
    this.#options = options
    this.#context = new WriteContext(db)
    this.#replay = new Replay(db, log, this.#context, options.quarantine)
  }

  /**
   * Follows the log to its end, record by record, then takes a new epoch. A record that cannot be applied, or not be read though it was
   * synced, is set aside: the others go on. @returns how many records were replayed. Throws what fails of the disk or the database: the
   * store can then be read, and nothing is taken until a later try succeeds. `tag`: large files that are made from now on bear it.
   */
  recover(tag?: string): number {
    this.#tag ??= tag
    try {
      return this.#recover()
    } catch (error) {
      if (!isFull(error) || !this.#options.giveUpReserve?.()) throw error
      return this.#recover()
    }
  }

  #recover(): number {
    this.#behind = true
    const state = readLogRow(this.#db)
    this.#context.reset()
    this.#late.clear()
    const { counters } = this.#context
    counters.content = state.nextContent
    counters.email = state.nextEmail
    counters.entry = state.nextEntry
    counters.recipient = state.nextRecipient
    counters.directory = state.directory
    this.#sequence = state.sequence
    this.#context.replaying = true
    try {
      this.#begin(true)
      for (const place of decodePlaces(state.late)) this.#replay.at(place)
      // After an orderly stop nothing was being written: only another segment can hold records that these rows do not have.
      const damage = state.clean === 0 || this.#log.segments().some((segment) => segment > state.segment)
      const { replayed, end } = this.#replay.follow(state, damage)
      this.#sequence = end.sequence
      this.#epoch = Math.max(end.epoch, this.#epoch) + 1
      this.#db.exec('UPDATE log SET clean = 0')
      if (this.#tag !== undefined) noteOpening(this.#context, this.#tag, this.#sequence)
      this.#finishTransaction()
      this.#behind = false
      return replayed
    } catch (error) {
      this.#rollback()
      throw error
    } finally {
      this.#context.replaying = false
    }
  }

  /**
   * Applies a group. `durable` is called with the outcomes known so far once the log is synced, before the rows follow. What one commit
   * breaks costs the others nothing: before its records are written the group is tried again commit by commit, behind them record by record.
   */
  group(
    buffer: Buffer | null,
    commits: readonly WireCommit[],
    durable: (outcomes: readonly CommitOutcome[]) => void,
  ): GroupOutcome {
    const steps = this.steps(buffer, commits, durable)
    for (;;) {
      const { done, value } = steps.next()
      if (done) return value
    }
  }

  /** The same with a pause wherever records are durable and their rows are to come. */
  *steps(
    buffer: Buffer | null,
    commits: readonly WireCommit[],
    durable: (outcomes: readonly CommitOutcome[]) => void,
  ): Generator<void, GroupOutcome> {
    let before: readonly Change[] = []
    if (this.#behind) {
      if (!this.#catchUp()) return refuseAll(commits, 'full', 'The store waits until its rows can be written')
      before = this.#context.takeChanges()
    }
    return together([{ outcomes: [], changes: before }, yield* this.#tried(buffer, commits, durable)])
  }

  *#tried(
    buffer: Buffer | null,
    commits: readonly WireCommit[],
    durable: (outcomes: readonly CommitOutcome[]) => void,
  ): Generator<void, GroupOutcome> {
    const attempt = yield* this.#attempt(buffer, commits, durable)
    if (attempt.kind === 'done') return attempt
    if (attempt.kind === 'behind') return this.#afterRows(commits, attempt)
    const { error } = attempt
    // What frees space, or takes none to speak of, is not refused for want of it.
    if (isFull(error) && !bringsContents(buffer, commits) && this.#options.giveUpReserve?.())
      return this.group(buffer, commits, durable)
    if (commits.length === 1 || isOfTheDatabase(error))
      return refuseAll(commits, isFull(error) ? 'full' : 'failed', String(error))
    return together(commits.map((commit) => this.group(buffer, [commit], () => {})))
  }

  /** The log has the records: they become rows one by one, now or once it is possible. What has no record was undone, and is done again. */
  #afterRows(
    commits: readonly WireCommit[],
    { error, outcomes, places }: Extract<Attempt, { kind: 'behind' }>,
  ): GroupOutcome {
    this.#replay.expect(places)
    if (!this.#catchUp()) return refuseAll(commits, isFull(error) ? 'full' : 'failed', String(error))
    const replayed = this.#context.takeChanges()
    const aside = new Set(this.#incidents.map(({ place }) => placeKey(place)))
    const all = commits.map((commit, i): GroupOutcome => {
      const place = places[i]
      const outcome = outcomes[i]!
      if (place && aside.has(placeKey(place)))
        return refuseAll([commit], 'failed', 'Kept aside: its rows cannot be written')
      // Between the records stood commits without one, which are yet to be done again: numbers may be others than before.
      const replayedAs = place && this.#replay.resultsOf(place)
      if (place || !outcome.ok) return { outcomes: [replayedAs ?? outcome], changes: [] }
      return this.group(null, [commit], () => {})
    })
    return together([{ outcomes: [], changes: replayed }, ...all])
  }

  *#attempt(
    buffer: Buffer | null,
    commits: readonly WireCommit[],
    durable: (outcomes: readonly CommitOutcome[]) => void,
  ): Generator<void, Attempt> {
    this.#full = undefined
    const sequenceBefore = this.#sequence
    const outcomes: CommitOutcome[] = []
    const places: (Place | undefined)[] = []
    const pending: Delivery[] = []
    const born: Late[] = []
    let group: Group
    try {
      this.#begin(commits.some((commit) => 'operations' in commit && !isSoft(commit.operations)))
      group = new Group(this.#log, buffer, commits)
      for (const commit of commits) {
        const place = 'at' in commit ? group.next : undefined
        const outcome = this.#commit(group, commit, pending, born)
        outcomes.push(outcome)
        places.push(outcome.ok ? place : undefined)
      }
    } catch (error) {
      this.#rollback()
      this.#sequence = sequenceBefore
      return { kind: 'undone', error }
    }
    const records = this.#sequence - sequenceBefore
    if (!group.write()) {
      // Whatever reached the disk must not be taken for the records that come next at the same place.
      this.#sequence = sequenceBefore
      this.#epoch++
      this.#rollback()
      if (group.broken) throw new WriterBroken(String(group.error))
      return { kind: 'undone', error: group.error }
    }
    if (records > 0) {
      durable(outcomes)
      yield
    }
    try {
      for (const delivery of pending) insertRows(this.#context, delivery)
      for (const late of born) this.#late.hold(late)
      this.#settle(this.#late.excess())
      this.#finishTransaction()
      this.#late.committed()
    } catch (error) {
      this.#rollback()
      // Whether a COMMIT that failed is on disk, only the rows can tell: they are read anew before anything else.
      this.#behind = true
      if (records === 0) return { kind: 'undone', error }
      return { kind: 'behind', error, outcomes, places }
    }
    return { kind: 'done', outcomes, changes: this.#context.takeChanges() }
  }

  #catchUp(): boolean {
    try {
      this.recover()
      return true
    } catch {
      return false
    }
  }

  /** Rows are missing that the log has: nothing is taken until they can be written. */
  get behind(): boolean {
    return this.#behind
  }

  /** Whether there was no room when the last group asked for it; undefined where it did not ask. */
  get full(): boolean | undefined {
    return this.#full
  }

  /** The log's last record. */
  get sequence(): number {
    return this.#sequence
  }

  /** Records that were set aside since this was asked last. */
  takeIncidents(): readonly Incident[] {
    return this.#incidents.splice(0)
  }

  /** Arrivals whose rows are left for later; the clock asks for them with `materialize`. */
  get late(): number {
    return this.#late.count
  }

  /** Nothing is left for later, and the rows say that the log ends where they do. */
  settle(): void {
    if (this.#late.count > 0) this.group(null, [{ operations: [{ kind: 'materialize', all: true }] }], () => {})
    if (this.#behind) return
    try {
      this.#db.exec('UPDATE log SET clean = 1')
    } catch {
      // Without room for it the next start looks for damage behind the log's end, and finds none: a stop is none the worse.
    }
  }

  #settle(lates: readonly Late[]): void {
    if (lates.length === 0) return
    for (const late of lates) {
      this.#replay.at(late.record, [lateAsArrival(late)])
      this.#late.take(late)
    }
    // A segment that is held open keeps its room on the disk when the sweep takes it away.
    this.#log.forgetReaders()
  }

  #commit(group: Group, commit: WireCommit, pending: Delivery[], born: Late[]): CommitOutcome {
    if ('at' in commit && group.isRelocation(commit)) return this.#relocation(group, commit)
    const operations = 'at' in commit ? group.operations(commit) : commit.operations
    const grows = operations.some(({ kind }) => growing.has(kind))
    if (grows && (this.#full ??= this.#options.freeBytes() < this.#options.spareBytes)) {
      return { ok: false, code: 'full', text: 'The disk is nearly full' }
    }
    const pure = operations.every((op) => op.kind === 'arrive' || op.kind === 'append')
    const { rows, ends } = this.#late.demandOf(operations)
    if (!pure) {
      for (const delivery of pending) insertRows(this.#context, delivery)
      pending.length = 0
      this.#settle(rows)
    }
    // One arrival is refused before it has changed anything, unless it brings keywords.
    const undoable = !pure || operations.length > 1 || operations.some(bringsFlags)
    if (undoable) {
      this.#db.exec('SAVEPOINT one')
      this.#context.beginCommit()
    }
    const mine: Delivery[] = []
    const numbers: number[] = []
    try {
      const results: unknown[] = []
      const ended = new Set<EngineOperation>()
      for (const [late, finishes] of ends) {
        endLate(this.#context, late, finishes)
        for (const finish of finishes) ended.add(finish)
      }
      for (const operation of operations) {
        if (ended.has(operation)) results.push(null)
        else if (operation.kind === 'arrive' || operation.kind === 'append') {
          const place = group.place(commit as { at: number; size: number }, operation.content as unknown as WireContent)
          const delivery = allocate(this.#context, operation, place, numbers)
          mine.push(delivery)
          results.push(resultOf(delivery))
        } else results.push(apply(this.#context, operation))
      }
      if (operations.length === 1 && mine.length === 1 && mayBeLate(mine[0]!))
        born.push(lateOf(mine.pop()!, group.next))
      if ('at' in commit) {
        // So that the sweep finds the segment if it has no contents.
        this.#context.segmentUsed(group.next.segment, 0)
        group.seal(commit, this.#epoch, ++this.#sequence, numbers)
      }
      for (const delivery of mine) {
        if (pure) pending.push(delivery)
        else insertRows(this.#context, delivery)
      }
      if (undoable) this.#db.exec('RELEASE one')
      this.#context.settleCommit()
      for (const late of ends.keys()) this.#late.take(late)
      return { ok: true, results }
    } catch (error) {
      if (!(error instanceof StoreRefusal)) throw error
      if (undoable) {
        this.#db.exec('ROLLBACK TO one; RELEASE one')
        this.#context.undoCommit()
      }
      return { ok: false, code: error.code, text: error.message }
    }
  }

  #relocation(group: Group, commit: { at: number; size: number }): CommitOutcome {
    const { numbers, operations, segment, base } = group.relocation(commit)
    group.seal(commit, this.#epoch, ++this.#sequence, [...numbers])
    relocate(this.#context, { numbers, operations }, segment, base)
    return { ok: true, results: [null] }
  }

  /** `full`: COMMIT will be synced, because something in the transaction has no record. SQLite wants to know before it begins. */
  #begin(full: boolean): void {
    if (full !== this.#fullSync && !this.#options.memory) {
      this.#db.exec(`PRAGMA synchronous = ${full ? 'FULL' : 'NORMAL'}`)
      this.#fullSync = full
    }
    this.#db.exec('BEGIN IMMEDIATE')
  }

  /** Counters and log position, then COMMIT. */
  #finishTransaction(): void {
    this.#context.writeCounters()
    writeLogRow(this.#context, {
      place: this.#log.place,
      sequence: this.#sequence,
      epoch: this.#epoch,
      late: this.#late.encode(),
    })
    this.#db.exec('COMMIT')
    this.#incidents.push(...this.#replay.takeIncidents())
  }

  #rollback(): void {
    this.#late.undone()
    this.#replay.undone()
    try {
      this.#db.exec('ROLLBACK')
    } catch {
      // SQLite rolls back by itself on some failures (SQLITE_FULL, SQLITE_IOERR).
    }
    const { counters } = this.#context
    const kept = { ...counters }
    this.#context.reset()
    // Ids given in vain are not given again; the counters only grow.
    Object.assign(counters, kept)
  }
}
