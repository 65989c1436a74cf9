/**
 * Returns leases without an attempt. Those of one turn of the event loop share a commit: a next hop in back-off may
 * have a million recipients.
 */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Lease, Operation } from '../store/operations.ts'
import type { Store } from '../store/store.ts'
import { leaseOf } from './record-results.ts'
import type { Batch } from './next-hops.ts'

interface Tools {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

export interface LeaseReturn {
  /** Due again no earlier. */
  readonly dueMs: number
  /** They become due one after the other within this time. */
  readonly spreadMs?: number
  /** The reason, shown in queue listings. */
  readonly reply?: string
}

export class ReturnedLeases {
  readonly #tools: Tools
  #waiting = new Map<string, { readonly how: LeaseReturn; readonly recipients: Lease[] }>()
  #flushed: Promise<void> | undefined

  constructor(tools: Tools) {
    this.#tools = tools
  }

  /** Resolves when they are returned. */
  give(batches: readonly Batch[], how: LeaseReturn): Promise<void> {
    const recipients = batches.flatMap(({ rows }) => rows.map(leaseOf))
    if (recipients.length === 0) return Promise.resolve()
    const key = JSON.stringify([how.dueMs, how.spreadMs, how.reply])
    const together = this.#waiting.get(key)
    if (together) together.recipients.push(...recipients)
    else this.#waiting.set(key, { how, recipients })
    return (this.#flushed ??= new Promise((resolve) => this.#tools.clock.soon(() => void this.#flush().then(resolve))))
  }

  async #flush(): Promise<void> {
    const { store, clock, log } = this.#tools
    const waiting = this.#waiting
    this.#waiting = new Map()
    this.#flushed = undefined
    const nowMs = clock.now()
    const operations = [...waiting.values()].map(({ how, recipients }): Operation => ({
      kind: 'queueReturn',
      recipients,
      nowMs,
      ...how,
    }))
    try {
      await store.commit(operations)
    } catch (error) {
      // The leases lapse by themselves.
      log.error('leases could not be returned', { error: String(error) })
    }
  }
}
