/**
 * Collects results without a DSN: those of one turn of the event loop share a commit, so that a burst ends as quickly
 * as it came.
 */
import type { Clock } from '../base/clock.ts'
import type { Operation } from '../store/operations.ts'
import { StoreRefusal, type Store } from '../store/store.ts'

interface Tools {
  readonly store: Store
  readonly clock: Clock
}

interface Report {
  readonly operations: readonly Operation[]
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class ResultBatcher {
  readonly #tools: Tools
  #waiting: Report[] = []

  constructor(tools: Tools) {
    this.#tools = tools
  }

  /** Resolves when all of them are committed; otherwise none is. Throws what `commit` throws for these alone. */
  give(operations: readonly Operation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operations, resolve, reject })
      if (this.#waiting.length === 1) this.#tools.clock.soon(() => void this.#flush())
    })
  }

  async #flush(): Promise<void> {
    const { store } = this.#tools
    const reports = this.#waiting
    this.#waiting = []
    try {
      await store.commit(reports.flatMap(({ operations }) => operations))
      for (const { resolve } of reports) resolve()
    } catch (error) {
      // One of them has lost its lease: the others are committed without it.
      const alone = error instanceof StoreRefusal && reports.length > 1
      for (const { operations, resolve, reject } of reports) {
        if (alone) store.commit(operations).then(resolve, reject)
        else reject(error)
      }
    }
  }
}
