/** Leases of this queue: recipients in hand, whose leases are renewed together, and returned if there is no attempt. */
import type { Clock, Timer } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { QueueRow } from '../store/entities.ts'
import type { Lease } from '../store/operations.ts'
import type { Store } from '../store/store.ts'
import { CommitBatcher } from './commit-batcher.ts'
import type { Batch } from './transport.ts'

/** A lease outlives any attempt that makes progress: it is renewed after a third of its time. */
export const leaseMs = 10 * 60_000
const renewMs = leaseMs / 3

interface Tools {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

export function leaseOf({ id, fence }: QueueRow): Lease {
  return { recipient: id, fence }
}

export class Leases {
  readonly #tools: Tools
  readonly #returns: CommitBatcher
  readonly #batches = new Set<Batch>()
  readonly #recipients = new Map<number, QueueRow>()
  /** Recipients leased again while an attempt was under way. */
  readonly #leasedAgain = new Set<number>()
  #renewal: Timer | undefined

  constructor(tools: Tools) {
    this.#tools = tools
    this.#returns = new CommitBatcher(tools)
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

  /**
   * Returns leases without an attempt; resolves when that is done, or has failed.
   * @param dueMs due again no earlier. @param reply the reason, shown in queue listings.
   */
  async return(batches: readonly Batch[], dueMs: number, reply?: string): Promise<void> {
    const recipients = batches.flatMap(({ rows }) => rows.map(leaseOf))
    if (recipients.length === 0) return
    try {
      const nowMs = this.#tools.clock.now()
      await this.#returns.commit([{ kind: 'queueReturn', recipients, dueMs, reply, nowMs }])
    } catch (error) {
      // The leases lapse by themselves.
      this.#tools.log.error('leases could not be returned', { error: String(error) })
    }
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
