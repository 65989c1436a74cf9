/**
 * Arrivals that leased their own recipients (`QueueRequest.leasedUntilMs`) and have no rows yet. Most of them end with their first attempt:
 * then a row of the ledger is all that they ever have. Until then their records are the only copy, and the row of the log names them.
 * docs/architecture.md §1.
 */
import type { Place } from '../contents/log.ts'
import type { Operation } from '../operations.ts'
import type { WriteContext } from './context.ts'
import type { Arrive, Delivery } from './deliver.ts'
import { ledger, nextLedgerN } from './ledger.ts'

export interface Late {
  readonly record: Place
  readonly arrivalId: string
  readonly acceptedMs: number
  readonly recipients: readonly { readonly id: number; readonly address: string }[]
}

/** So many stand in the row of the log, which each group writes (32 KB then); beyond them the oldest get their rows. */
const lateMax = 4000

/** What an arrival must be: on its way to others, and nothing else. */
export function mayBeLate({ operation, content }: Delivery): boolean {
  if (operation.kind !== 'arrive' || content.file !== null) return false
  const { queue, filings, discarded = [], bounced = [] } = operation
  return queue?.leasedUntilMs !== undefined && filings.length + discarded.length + bounced.length === 0
}

export function lateOf({ operation, recipientIds }: Delivery, record: Place): Late {
  const { arrivalId, at, queue } = operation as Arrive
  const recipients = queue!.recipients.map(({ address }, i) => ({ id: recipientIds[i]!, address }))
  return { record, arrivalId, acceptedMs: at.epochMs, recipients }
}

/** What is known of an arrival whose record the disk has lost: for whom it was. */
export function lateAsArrival({ arrivalId, acceptedMs, recipients }: Late): object {
  return { kind: 'arrive', arrivalId, at: { epochMs: acceptedMs }, content: {}, filings: [], queue: { recipients } }
}

/** Every recipient's way has ended before any of them had a row: the ledger's are all that there will be. */
export function endLate(context: WriteContext, late: Late, finishes: readonly Finish[]): void {
  const { arrivalId, acceptedMs, recipients, record } = late
  const ends = new Map(finishes.map((finish) => [finish.lease.recipient, finish]))
  let n = nextLedgerN(context, arrivalId)
  for (const { id, address } of recipients) {
    const { outcome, nowMs, reply } = ends.get(id)!
    ledger(context, arrivalId, n++, address, acceptedMs, outcome, nowMs, reply)
  }
  // The sweep must learn of a segment that holds nothing else.
  context.segmentUsed(record.segment, 0)
}

/** Operations that neither name a waiting recipient nor look at all of them. */
const indifferent: ReadonlySet<Operation['kind']> = new Set([
  'arrive',
  'append',
  'flags',
  'expunge',
  'copy',
  'move',
  'claimRecent',
  'queueLease',
])

export type Finish = Extract<Operation, { kind: 'queueFinish' }>

/** Each of its recipients once, by whom its own commit has leased it to. */
function endsAll({ recipients }: Late, finishes: readonly Finish[]): boolean {
  const ended = new Set(finishes.map(({ lease }) => lease.recipient))
  return (
    finishes.length === recipients.length &&
    ended.size === recipients.length &&
    finishes.every(({ lease }) => lease.fence === 1)
  )
}

/** What a commit needs done before it. */
interface Demand {
  /** Those that need their rows. */
  readonly rows: readonly Late[]
  /** Those whose whole way ends with it, and how. */
  readonly ends: ReadonlyMap<Late, readonly Finish[]>
}

const nothing: Demand = { rows: [], ends: new Map() }

export class LateRows {
  readonly #held = new Set<Late>()
  readonly #byRecipient = new Map<number, Late>()
  /** Held when the clock last asked. */
  #old = new Set<Late>()
  /** Taken away in the present transaction. */
  #taken: Late[] = []

  get count(): number {
    return this.#held.size
  }

  hold(late: Late): void {
    this.#held.add(late)
    for (const { id } of late.recipients) this.#byRecipient.set(id, late)
  }

  /** It has its rows, or its end. */
  take(late: Late): void {
    this.#held.delete(late)
    this.#old.delete(late)
    for (const { id } of late.recipients) this.#byRecipient.delete(id)
    this.#taken.push(late)
  }

  committed(): void {
    this.#taken = []
  }

  /** The transaction is undone: what it took is late still. */
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

  demandOf(operations: readonly Operation[]): Demand {
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
        case 'queueRenew':
        case 'queuePutBack':
          for (const { recipient } of operation.recipients) this.#add(rows, recipient)
          break
        case 'queueRows':
          for (const late of operation.all ? this.#held : this.#older()) rows.add(late)
          break
        default:
          if (!indifferent.has(operation.kind)) for (const late of this.#held) rows.add(late)
      }
    }
    for (const [late, told] of ends) {
      // Part of a way, or a report of somebody else's attempt: the rows decide.
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

  /** Those that have been there longest, when there are too many. */
  excess(): readonly Late[] {
    return this.#held.size <= lateMax ? [] : [...this.#held].slice(0, lateMax / 2)
  }

  /** The places of their records, as the row of the log has them: segment and position, u32 each. */
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
