/**
 * The only writer. Applies groups of commits: numbers, records, one sync, rows, COMMIT. docs/architecture.md §1.
 * Runs on a thread of its own (writer.worker.ts), or in place for `:memory:` stores.
 */
import type { Change } from '../changes.ts'
import type { Place, RecordLog } from '../contents/log.ts'
import type { Operation } from '../operations.ts'
import { claimedSize, digestOf, headerBytes, readRecord, type RecordView } from '../record.ts'
import { StoreRefusal, type StoreRefusalCode } from '../store.ts'
import { apply } from './apply.ts'
import { WriteContext } from './context.ts'
import { allocate, insertRows, numbersOf, type Delivery } from './deliver.ts'
import type { Database } from './driver.ts'
import { Group, isFull, placeOf, type WireCommit, type WireContent } from './group.ts'
import { decodePlaces, endLate, lateOf, LateRows, mayBeLate, type Late } from './late-rows.ts'
import { relocate } from './relocate.ts'

export type CommitOutcome =
  | { readonly ok: true; readonly results: readonly unknown[] }
  | { readonly ok: false; readonly code: StoreRefusalCode | 'full' | 'failed'; readonly text: string }

export interface GroupOutcome {
  readonly outcomes: readonly CommitOutcome[]
  readonly changes: readonly Change[]
}

export interface WriterOptions {
  /** Free bytes on the disk; below `spareBytes` nothing new is taken. */
  readonly freeBytes: () => number
  readonly spareBytes: number
  readonly memory: boolean
}

/** A sync or a file failed in a way after which nothing may be promised: the process must stop. */
export class WriterBroken extends Error {}

export class Writer {
  readonly #db: Database
  readonly #log: RecordLog
  readonly #context: WriteContext
  readonly #options: WriterOptions
  readonly #late = new LateRows()
  #sequence = 0
  #epoch = 0
  /** Rows that a failed COMMIT left behind the log: replayed before anything else is taken. */
  #behind = false
  #full: boolean | undefined
  #fullSync: boolean | undefined

  constructor(db: Database, log: RecordLog, options: WriterOptions) {
    this.#db = db
    this.#log = log
    this.#options = options
    this.#context = new WriteContext(db)
  }

  /** Follows the log to its end, then takes a new epoch. @returns how many records were replayed. */
  recover(): number {
    const state = this.#db.prepare('SELECT * FROM log').get() as unknown as {
      segment: number
      position: number
      sequence: number
      epoch: number
      nextContent: number
      nextEmail: number
      nextEntry: number
      nextRecipient: number
      late: Uint8Array
    }
    this.#context.reset()
    this.#late.clear()
    this.#context.counters.content = state.nextContent
    this.#context.counters.email = state.nextEmail
    this.#context.counters.entry = state.nextEntry
    this.#context.counters.recipient = state.nextRecipient
    this.#sequence = state.sequence
    let { segment, position, epoch } = state
    let replayed = 0
    this.#context.replaying = true
    this.#begin(true)
    try {
      for (const place of decodePlaces(state.late)) if (!this.#giveRows(place)) this.#late.lose(place)
      for (;;) {
        const record = this.#readNext(segment, position, epoch)
        if (!record) {
          // The writer may have gone on in the next segment; a record that fits nowhere else starts it.
          const next = this.#readNext(segment + 1, 0, epoch)
          if (!next) break
          segment++
          position = 0
          continue
        }
        this.#replay(record, segment, position)
        position += record.sizeBytes
        epoch = record.epoch
        replayed++
      }
      this.#log.seek({ segment, position })
      this.#epoch = Math.max(epoch, this.#epoch) + 1
      this.#finishTransaction()
    } catch (error) {
      this.#rollback()
      throw error
    } finally {
      this.#context.replaying = false
    }
    this.#behind = false
    return replayed
  }

  #readNext(segment: number, position: number, epoch: number): RecordView | undefined {
    const record = this.#read(segment, position)
    return record && record.sequence === this.#sequence + 1 && record.epoch >= epoch ? record : undefined
  }

  #read(segment: number, position: number): RecordView | undefined {
    const header = this.#log.read(segment, position, headerBytes)
    const size = claimedSize(header)
    if (size === 0) return undefined
    const record = readRecord(this.#log.read(segment, position, size))
    return typeof record === 'string' ? undefined : record
  }

  #replay(record: RecordView, segment: number, position: number): void {
    this.#sequence = record.sequence
    this.#redo(record, segment, position)
  }

  /** Rows that were left for later, out of their record: as a replay makes them. @returns false when the disk has lost it. */
  #giveRows({ segment, position }: Place): boolean {
    const record = this.#read(segment, position)
    if (record) this.#redo(record, segment, position)
    return record !== undefined
  }

  #redo(record: RecordView, segment: number, position: number): void {
    const base = position + record.contentsAt
    if (record.kind === 2) return relocate(this.#context, record, segment, base)
    const operations = JSON.parse(Buffer.from(record.operations).toString()) as Operation[]
    let numbersAt = 0
    this.#context.beginCommit()
    for (const operation of operations) {
      if (operation.kind !== 'arrive' && operation.kind !== 'append') {
        apply(this.#context, operation)
        continue
      }
      const wire = operation.content as unknown as WireContent
      const place = placeOf(wire, segment, base, () =>
        digestOf(record.contents.subarray(wire.at!, wire.at! + wire.sizeBytes)),
      )
      const delivery = allocate(this.#context, operation, place, record.numbers, numbersAt)
      insertRows(this.#context, delivery)
      numbersAt += numbersOf(operation)
    }
  }

  /** Applies a group. `durable` is called with the outcomes known so far once the log is synced, before the rows follow. */
  group(
    buffer: Buffer | null,
    commits: readonly WireCommit[],
    durable: (outcomes: readonly CommitOutcome[]) => void,
  ): GroupOutcome {
    if (this.#behind && !this.#catchUp())
      return this.#refuseAll(commits, 'full', 'The store waits for room on the disk')
    this.#full = undefined
    const sequenceBefore = this.#sequence
    const outcomes: CommitOutcome[] = []
    const pending: Delivery[] = []
    const born: Late[] = []
    let group: Group
    try {
      this.#begin(commits.some((commit) => 'operations' in commit && !isSoft(commit.operations)))
      group = new Group(this.#log, buffer, commits)
      for (const commit of commits) outcomes.push(this.#commit(group, commit, pending, born))
    } catch (error) {
      this.#rollback()
      this.#sequence = sequenceBefore
      return this.#refuseAll(commits, isFull(error) ? 'full' : 'failed', String(error))
    }
    const records = this.#sequence - sequenceBefore
    if (!group.write()) {
      // Whatever reached the disk must not be taken for the records that come next at the same place.
      this.#sequence = sequenceBefore
      this.#epoch++
      this.#rollback()
      if (group.broken) throw new WriterBroken(String(group.error))
      return this.#refuseAll(commits, 'full', String(group.error))
    }
    if (records > 0) durable(outcomes)
    try {
      for (const delivery of pending) insertRows(this.#context, delivery)
      for (const late of born) this.#late.hold(late)
      this.#settle(this.#late.excess())
      this.#finishTransaction()
      this.#late.committed()
    } catch (error) {
      this.#rollback()
      // The log has the deliveries: the rows follow when there is room. What has no record is undone, and says so.
      this.#behind = records > 0
      return this.#refuseAll(commits, isFull(error) ? 'full' : 'failed', String(error))
    }
    return { outcomes, changes: this.#context.takeChanges() }
  }

  #catchUp(): boolean {
    try {
      this.recover()
      return true
    } catch {
      return false
    }
  }

  #refuseAll(commits: readonly WireCommit[], code: 'full' | 'failed', text: string): GroupOutcome {
    return { outcomes: commits.map(() => ({ ok: false, code, text })), changes: [] }
  }

  /** Arrivals whose rows are left for later; the clock asks for them with `queueRows`. */
  get late(): number {
    return this.#late.count
  }

  /** Records of messages that the disk has lost before they had rows. One damaged message keeps nobody from the others. */
  get lost(): readonly Place[] {
    return this.#late.lost
  }

  /** Nothing is left for later. */
  settle(): void {
    if (this.#late.count > 0) this.group(null, [{ operations: [{ kind: 'queueRows', all: true }] }], () => {})
  }

  #settle(lates: readonly Late[]): void {
    if (lates.length === 0) return
    for (const late of lates) {
      if (!this.#giveRows(late.record)) this.#late.lose(late.record)
      this.#late.take(late)
    }
    // A segment that is held open keeps its room on the disk when the sweep takes it away.
    this.#log.forgetReaders()
  }

  #commit(group: Group, commit: WireCommit, pending: Delivery[], born: Late[]): CommitOutcome {
    if ('at' in commit && group.isRelocation(commit)) return this.#relocation(group, commit)
    const operations = 'at' in commit ? group.operations(commit) : commit.operations
    const grows = operations.some(({ kind }) => kind === 'arrive' || kind === 'append' || kind === 'copy')
    if (grows && (this.#full ??= this.#options.freeBytes() < this.#options.spareBytes)) {
      return { ok: false, code: 'full', text: 'The disk is nearly full' }
    }
    const pure = operations.every((op) => op.kind === 'arrive' || op.kind === 'append')
    const { rows, ends } = this.#late.demandOf(operations)
    if (!pure) {
      for (const delivery of pending) insertRows(this.#context, delivery)
      pending.length = 0
      this.#settle(rows)
      this.#db.exec('SAVEPOINT one')
      this.#context.beginCommit()
    } else if (operations.length > 1) this.#context.beginCommit()
    const mine: Delivery[] = []
    const numbers: number[] = []
    try {
      const results: unknown[] = []
      const ended = new Set<Operation>()
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
      if ('at' in commit) group.seal(commit, this.#epoch, ++this.#sequence, numbers)
      for (const delivery of mine) {
        if (pure) pending.push(delivery)
        else insertRows(this.#context, delivery)
      }
      if (!pure) this.#db.exec('RELEASE one')
      for (const late of ends.keys()) this.#late.take(late)
      return { ok: true, results }
    } catch (error) {
      if (!(error instanceof StoreRefusal)) throw error
      if (!pure) this.#db.exec('ROLLBACK TO one; RELEASE one')
      if (!pure || operations.length > 1) this.#context.undoCommit()
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
    const { counters } = this.#context
    const { segment, position } = this.#log.place
    this.#context
      .sql(
        'UPDATE log SET segment = ?, position = ?, sequence = ?, epoch = ?, nextContent = ?, nextEmail = ?, nextEntry = ?, nextRecipient = ?, late = ?',
      )
      .run(
        segment,
        position,
        this.#sequence,
        this.#epoch,
        counters.content,
        counters.email,
        counters.entry,
        counters.recipient,
        this.#late.encode(),
      )
    this.#db.exec('COMMIT')
  }

  #rollback(): void {
    this.#late.undone()
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

/** What nobody was promised: after a power cut it may be as if it had not happened. */
const softKinds: ReadonlySet<Operation['kind']> = new Set([
  'claimRecent',
  'queueLease',
  'queueRenew',
  'queuePutBack',
  'queueRows',
  'queueReclaim',
])

function isSoft(operations: readonly Operation[]): boolean {
  return operations.every(({ kind }) => softKinds.has(kind))
}

function resultOf(delivery: Delivery): unknown {
  const first = delivery.placed[0]
  if (delivery.operation.kind === 'append') return { uidValidity: first!.mailbox.uidValidity, uid: first!.uid }
  return { filed: delivery.placed.map(({ mailbox, uid }) => ({ mailbox: mailbox.id, uid })) }
}
