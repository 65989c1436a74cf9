/** Records of the log become rows again: after a crash, after a COMMIT that failed, and where rows were left for later. */
import type { Place, RecordLog } from '../contents/log.ts'
import type { Quarantine } from '../contents/quarantine.ts'
import type { EngineOperation } from '../operations.ts'
import { digestOf, type RecordView } from '../record.ts'
import { StoreRefusal } from '../store.ts'
import { apply } from './apply.ts'
import type { WriteContext } from './context.ts'
import { allocate, insertRows, numbersOf, type Append, type Arrive } from './deliver.ts'
import type { Database } from './driver.ts'
import { isOfTheDatabase } from '../faults.ts'
import { placeOf, type WireContent } from './group.ts'
import { jumpModSeqs, jumpUids } from './jump.ts'
import { recordAt, recordsAfter, type LogPosition } from './log-end.ts'
import { setAside, type Incident } from './quarantine.ts'
import { resultOf, type CommitOutcome } from './outcomes.ts'
import { relocate } from './relocate.ts'

/** Where a record is named among others. */
export function placeKey({ segment, position }: Place): string {
  return `${segment}:${position}`
}

export class Replay {
  readonly #db: Database
  readonly #log: RecordLog
  readonly #context: WriteContext
  readonly #quarantine: Quarantine
  #incidents = new Map<string, Incident>()
  /** By the places of records: what came of them, where it is asked for. */
  readonly #results = new Map<string, CommitOutcome | undefined>()

  constructor(db: Database, log: RecordLog, context: WriteContext, quarantine: Quarantine) {
    this.#db = db
    this.#log = log
    this.#context = context
    this.#quarantine = quarantine
  }

  /** What comes of the records at these places is kept for `resultsOf`. */
  expect(places: readonly (Place | undefined)[]): void {
    this.#results.clear()
    for (const place of places) if (place) this.#results.set(placeKey(place), undefined)
  }

  resultsOf(place: Place): CommitOutcome | undefined {
    return this.#results.get(placeKey(place))
  }

  #note(place: Place, outcome: CommitOutcome): void {
    if (this.#results.has(placeKey(place))) this.#results.set(placeKey(place), outcome)
  }

  /** The rows of one record, or none of them: what cannot be applied is set aside. Throws what fails of the disk or the database. */
  record(record: RecordView, place: Place): void {
    this.#db.exec('SAVEPOINT redo')
    this.#context.beginCommit()
    try {
      const results = this.#redo(record, place)
      this.#note(place, { ok: true, results })
      this.#db.exec('RELEASE redo')
      this.#context.settleCommit()
    } catch (error) {
      if (isOfTheDatabase(error)) throw error
      this.#db.exec('ROLLBACK TO redo; RELEASE redo')
      this.#context.undoCommit()
      // A client's command that the rows refuse now: nothing is lost with it. Only arrivals have numbers.
      if (error instanceof StoreRefusal && record.numbers.length === 0)
        return this.#note(place, { ok: false, code: error.code, text: error.message })
      const bytes = this.#log.read(place.segment, place.position, record.sizeBytes)
      this.setAside(place, bytes, (error as Error).message, record.operations)
    }
  }

  /**
   * The rows of every record behind a place of the log, which goes on at its end from now on.
   *
   * @param damage a record that cannot be read does not end the log, if a later one shows that it was synced: see `recordsAfter`.
   */
  follow(from: LogPosition, damage: boolean): { readonly replayed: number; readonly end: LogPosition } {
    const records = recordsAfter(this.#log, from, damage)
    let replayed = 0
    let isWhole = true
    const before = this.#incidents.size
    // Records of client commands have no numbers: without what one of them did the next would be given its UIDs.
    const missed = (): void => {
      if (!isWhole || this.#incidents.size === before) return
      isWhole = false
      this.#context.writeCounters()
      jumpModSeqs(this.#db)
      jumpUids(this.#db)
      this.#context.forgetStates()
    }
    for (;;) {
      const { done, value } = records.next()
      if (done) {
        this.#log.seek(value)
        return { replayed, end: value }
      }
      if (value.kind === 'damaged') {
        this.setAside(value.place, value.bytes, 'It cannot be read, and records behind it can')
        missed()
        continue
      }
      this.record(value.record, value.place)
      replayed++
      missed()
    }
  }

  /** The same where the record is read first. `said`: its operations, where they are known though it may be lost. */
  at(place: Place, said?: readonly unknown[]): void {
    const record = recordAt(this.#log, place)
    if (record) return this.record(record, place)
    this.setAside(place, new Uint8Array(0), lost, said && Buffer.from(JSON.stringify(said)))
  }

  /** Its copy is on disk before the row that says so, and before the log goes on behind it. */
  setAside(place: Place, bytes: Uint8Array, reason: string, operations?: Uint8Array): void {
    this.#quarantine.put(place, bytes)
    const incident = { place, sizeBytes: bytes.length, reason }
    setAside(this.#context, incident, operations)
    this.#incidents.set(placeKey(place), incident)
  }

  has(place: Place): boolean {
    return this.#incidents.has(placeKey(place))
  }

  /** Its transaction was rolled back. */
  undone(): void {
    this.#incidents.clear()
  }

  /** After COMMIT: what was set aside in it. */
  takeIncidents(): readonly Incident[] {
    const incidents = [...this.#incidents.values()]
    this.#incidents.clear()
    return incidents
  }

  #redo(record: RecordView, { segment, position }: Place): readonly unknown[] {
    const base = position + record.contentsAt
    // So that the sweep finds the segment if it has no contents.
    this.#context.segmentUsed(segment, 0)
    if (record.kind === 2) {
      relocate(this.#context, record, segment, base)
      return [null]
    }
    const results: unknown[] = []
    const operations = JSON.parse(Buffer.from(record.operations).toString()) as EngineOperation[]
    let numbersAt = 0
    for (const operation of operations) {
      if (operation.kind !== 'arrive' && operation.kind !== 'append') {
        results.push(this.#reapply(operation))
        continue
      }
      const wire = operation.content as unknown as WireContent
      const place = placeOf(wire, segment, base, () =>
        digestOf(record.contents.subarray(wire.at!, wire.at! + wire.sizeBytes)),
      )
      const delivery = allocate(this.#context, operation, place, record.numbers, numbersAt)
      insertRows(this.#context, delivery)
      results.push(resultOf(delivery))
      numbersAt += numbersOf(operation)
    }
    return results
  }

  /** What is about a recipient whose own record was set aside has nothing to end, and nothing to file. */
  #reapply(operation: Exclude<EngineOperation, Arrive | Append>): unknown {
    try {
      return apply(this.#context, operation)
    } catch (error) {
      if (!(error instanceof StoreRefusal)) throw error
      const nothingThere = operation.kind === 'queueFile' ? 'noSuchEntry' : 'leaseLost'
      if (error.code !== nothingThere) throw error
      return null
    }
  }
}

const lost = 'The disk has lost it'
