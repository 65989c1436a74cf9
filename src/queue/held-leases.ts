/** Recipients that this queue has leased and not finished. Their leases are renewed together. */
import type { Clock, Timer } from '../base/clock.ts'
import type { QueueRow } from '../store/entities.ts'
import type { Store } from '../store/store.ts'
import type { Batch } from './next-hops.ts'
import { leaseOf } from './record-results.ts'

/** A lease outlives any attempt that makes progress: it is renewed after a third of its time. */
export const leaseMs = 10 * 60_000
const renewMs = leaseMs / 3

interface Tools {
  readonly store: Pick<Store, 'commit'>
  readonly clock: Clock
}

export class HeldLeases {
  readonly #tools: Tools
  readonly #batches = new Set<Batch>()
  readonly #recipients = new Map<number, QueueRow>()
  /** Recipients leased again while an attempt was under way. */
  readonly #leasedAgain = new Set<number>()
  #renewal: Timer | undefined

  constructor(tools: Tools) {
    this.#tools = tools
  }

  /** The number of recipients. */
  get size(): number {
    return this.#recipients.size
  }

  get isEmpty(): boolean {
    return this.#batches.size === 0
  }

  add(batch: Batch): void {
    this.#batches.add(batch)
    for (const row of batch.rows) this.#recipients.set(row.id, row)
    this.#renewLater()
  }

  /**
   * Takes over a new lease of a recipient that is in hand already: the old one lapsed as the clock was set, or an
   * operator rerouted it. It is not sent again before an attempt under way ends.
   *
   * @returns false if it is not in hand.
   */
  leaseAgain({ id, fence, destination, lastReply }: QueueRow): boolean {
    const mine = this.#recipients.get(id)
    if (mine === undefined) return false
    Object.assign(mine, { fence, destination, lastReply })
    this.#leasedAgain.add(id)
    return true
  }

  /** @returns its recipients that were leased again meanwhile; undefined: it was not held. */
  release(batch: Batch): readonly QueueRow[] | undefined {
    if (!this.#batches.delete(batch)) return undefined
    for (const { id } of batch.rows) this.#recipients.delete(id)
    if (this.isEmpty) this.stop()
    return batch.rows.filter(({ id }) => this.#leasedAgain.delete(id))
  }

  stop(): void {
    this.#renewal?.cancel()
    this.#renewal = undefined
  }

  #renewLater(): void {
    const { clock, store } = this.#tools
    if (this.#renewal || this.isEmpty) return
    this.#renewal = clock.after(renewMs, () => {
      this.#renewal = undefined
      const recipients = [...this.#batches].flatMap(({ rows }) => rows.map(leaseOf))
      if (recipients.length === 0) return
      store.commit([{ kind: 'queueRenew', recipients, untilMs: clock.now() + leaseMs }]).catch(() => {})
      this.#renewLater()
    })
  }
}
