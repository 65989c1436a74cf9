/**
 * Commits of one turn of the event loop as one: results without a DSN, and returned leases. So a burst ends as quickly as it
 * came, and the million recipients of a dead next hop cost few commits.
 */
import type { Clock } from '../base/clock.ts'
import type { Operation } from '../store/operations.ts'
import { StoreRefusal, type Store } from '../store/store.ts'

interface Tools {
  readonly store: Store
  readonly clock: Clock
}

interface Waiting {
  readonly operations: readonly Operation[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class CommitBatcher {
  readonly #tools: Tools
  #waiting: Waiting[] = []

  constructor(tools: Tools) {
    this.#tools = tools
  }

  /** Resolves when all of them are committed; otherwise none is. Throws what `commit` throws for these alone. */
  commit(operations: readonly Operation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operations, resolve, reject })
      if (this.#waiting.length === 1) this.#tools.clock.soon(() => void this.#flush())
    })
  }

  async #flush(): Promise<void> {
    const { store } = this.#tools
    const waiting = this.#waiting
    this.#waiting = []
    try {
      await store.commit(waiting.flatMap(({ operations }) => operations))
      for (const { resolve } of waiting) resolve()
    } catch (error) {
      // One of them is refused, as its lease was lost for example: the others are committed without it.
      const alone = error instanceof StoreRefusal && waiting.length > 1
      for (const { operations, resolve, reject } of waiting) {
        if (alone) store.commit(operations).then(resolve, reject)
        else reject(error)
      }
    }
  }
}
