/**
 * Arrivals that leased their own recipients (`QueueRequest.leasedUntilMs`) and have no rows yet. Most of them end with their first
 * attempt, and then only get a ledger row. Until then their records are the only copy, and the row of the log lists them.
 * docs/architecture.md §1.
 */
import type { Place } from '../contents/log.ts'
import type { EngineOperation } from '../operations.ts'
import type { WriteContext } from './context.ts'
import type { Arrive, Delivery } from './deliver.ts'
import { ledger, nextLedgerN } from './ledger.ts'

export interface Late {
  readonly record: Place
  /** Of the queue. */
  readonly entry: number
  readonly arrivalId: string
  readonly acceptedMs: number
  readonly recipients: readonly { readonly id: number; readonly address: string }[]
}

/** Arrivals listed in the row of the log, which each group writes (32 KB then); if there are more, rows of the oldest are written. */
const lateMax = 4000

/** Only for arrivals that are relayed, and nothing else. */
export function mayBeLate({ operation, content }: Delivery): boolean {
  if (operation.kind !== 'arrive' || content.file !== null) return false
  const { queue, filings, discarded = [], bounced = [] } = operation
  return queue?.leasedUntilMs !== undefined && filings.length + discarded.length + bounced.length === 0
}

export function lateOf({ operation, entryId, recipientIds }: Delivery, record: Place): Late {
  const { arrivalId, at, queue } = operation as Arrive
  const recipients = queue!.recipients.map(({ address }, i) => ({ id: recipientIds[i]!, address }))
  return { record, entry: entryId, arrivalId, acceptedMs: at.epochMs, recipients }
}

/** What is known of an arrival whose record cannot be read: its recipients. */
export function lateAsArrival({ arrivalId, acceptedMs, recipients }: Late): object {
  return { kind: 'arrive', arrivalId, at: { epochMs: acceptedMs }, content: {}, filings: [], queue: { recipients } }
}

/** All recipients ended before their rows were written: only ledger rows are written. */
export function endLate(context: WriteContext, late: Late, finishes: readonly Finish[]): void {
  const { arrivalId, acceptedMs, recipients, record } = late
  const ends = new Map(finishes.map((finish) => [finish.lease.recipient, finish]))
  let n = nextLedgerN(context, arrivalId)
  for (const { id, address } of recipients) {
    const { outcome, nowMs, reply } = ends.get(id)!
    ledger(context, arrivalId, n++, address, acceptedMs, outcome, nowMs, reply)
  }
  // So that the sweep finds the segment if it has no other contents.
  context.segmentUsed(record.segment, 0)
}

/** Operations that need no queue rows. */
const indifferent: ReadonlySet<EngineOperation['kind']> = new Set([
  'arrive',
  'append',
  'flags',
  'expunge',
  'copy',
  'move',
  'claimRecent',
  'queueLease',
])

export type Finish = Extract<EngineOperation, { kind: 'queueFinish' }>

/** Whether each recipient ends once, by the holder of the first lease. */
function endsAll({ recipients }: Late, finishes: readonly Finish[]): boolean {
  const ended = new Set(finishes.map(({ lease }) => lease.recipient))
  return (
    finishes.length === recipients.length &&
    ended.size === recipients.length &&
    finishes.every(({ lease }) => lease.fence === 1)
  )
}

/** What must be done before a commit. */
interface Demand {
  /** Arrivals whose rows must be written. */
  readonly rows: readonly Late[]
  /** Arrivals that end completely with this commit, with the reports. */
  readonly ends: ReadonlyMap<Late, readonly Finish[]>
}

const nothing: Demand = { rows: [], ends: new Map() }

export class LateRows {
  readonly #held = new Set<Late>()
  readonly #byRecipient = new Map<number, Late>()
  /** Arrivals that were already late at the last `materialize`. */
  #old = new Set<Late>()
  /** Removed in the present transaction. */
  #taken: Late[] = []

  get count(): number {
    return this.#held.size
  }

  hold(late: Late): void {
    this.#held.add(late)
    for (const { id } of late.recipients) this.#byRecipient.set(id, late)
  }

  /** The arrival has its rows, or has ended. */
  take(late: Late): void {
    this.#held.delete(late)
    this.#old.delete(late)
    for (const { id } of late.recipients) this.#byRecipient.delete(id)
    this.#taken.push(late)
  }

  committed(): void {
    this.#taken = []
  }

  /** The transaction was rolled back: what it removed is still late. */
  undone(): void {
    for (const late of this.#taken) this.hold(late)
    this.#taken = []
  }

  clear(): void {
    this.#held.clear()
    this.#old.clear()
    this.#byRecipient.clear()
    this.#taken = []
  }

  demandOf(operations: readonly EngineOperation[]): Demand {
    if (this.#held.size === 0) return nothing
    const rows = new Set<Late>()
    const ends = new Map<Late, Finish[]>()
    for (const operation of operations) {
      switch (operation.kind) {
        case 'queueFinish': {
          const late = this.#byRecipient.get(operation.lease.recipient)
          if (!late) break
          const told = ends.get(late)
          if (told) told.push(operation)
          else ends.set(late, [operation])
          break
        }
        case 'queueDefer':
          this.#add(rows, operation.lease.recipient)
          break
        case 'queueFile':
          for (const late of this.#held) if (late.entry === operation.entry) rows.add(late)
          break
        case 'queueRenew':
        case 'queueReturn':
          for (const { recipient } of operation.recipients) this.#add(rows, recipient)
          break
        case 'materialize':
          for (const late of operation.all ? this.#held : this.#older()) rows.add(late)
          break
        default:
          if (!indifferent.has(operation.kind)) for (const late of this.#held) rows.add(late)
      }
    }
    for (const [late, told] of ends) {
      // Only some recipients end, or the report is of a later lease: the rows are needed.
      if (endsAll(late, told) && !rows.has(late)) continue
      rows.add(late)
      ends.delete(late)
    }
    return { rows: [...rows], ends }
  }

  #add(rows: Set<Late>, recipient: number): void {
    const late = this.#byRecipient.get(recipient)
    if (late) rows.add(late)
  }

  #older(): readonly Late[] {
    const old = [...this.#old]
    this.#old = new Set(this.#held)
    return old
  }

  /** The oldest ones, if there are too many. */
  excess(): readonly Late[] {
    return this.#held.size <= lateMax ? [] : [...this.#held].slice(0, lateMax / 2)
  }

  /** The positions of their records, for the row of the log: segment and position, u32 each. */
  encode(): Uint8Array {
    const places = new Uint32Array(this.#held.size * 2)
    let at = 0
    for (const { record } of this.#held) {
      places[at++] = record.segment
      places[at++] = record.position
    }
    return new Uint8Array(places.buffer)
  }
}

export function decodePlaces(bytes: Uint8Array): Place[] {
  const places = new Uint32Array(bytes.slice().buffer)
  return Array.from({ length: places.length / 2 }, (_, n) => ({
    segment: places[n * 2]!,
    position: places[n * 2 + 1]!,
  }))
}
