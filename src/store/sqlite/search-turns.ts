/** Runs searches in slices, with turns by account: a long search does not delay a short one, and aborted ones end. */
import type { AccountId } from '../../mail/ids.ts'

export interface TurnsHost {
  now(): number
  /** Schedules the next slice, after other events. */
  soon(run: () => void): void
  done(id: number, uids: Uint32Array): void
  failed(id: number, error: unknown): void
  /** Called at intervals while a search runs. */
  still(id: number): void
}

/** One slice: too short to be noticed, and long compared to the cost of switching. */
const sliceMs = 20
/** Time that one search may use in total. */
export const searchMaxMs = 120_000
/** How often the client is told that the search still runs. */
const stillEveryMs = 2000

interface Search {
  readonly id: number
  readonly steps: Generator<void, Uint32Array>
  usedMs: number
  toldMs: number
}

export class SearchLimit extends Error {
  constructor() {
    super(`The search took more than ${searchMaxMs / 1000} seconds`)
    this.name = 'SearchLimit'
  }
}

export class SearchTurns {
  readonly #host: TurnsHost
  /** By account, in the order of their next turns. */
  readonly #accounts = new Map<AccountId, Search[]>()
  #scheduled = false

  constructor(host: TurnsHost) {
    this.#host = host
  }

  add(id: number, account: AccountId, steps: Generator<void, Uint32Array>): void {
    const search = { id, steps, usedMs: 0, toldMs: this.#host.now() }
    const waiting = this.#accounts.get(account)
    if (waiting) waiting.push(search)
    else this.#accounts.set(account, [search])
    this.#schedule()
  }

  cancel(id: number): void {
    for (const [account, searches] of this.#accounts) {
      const at = searches.findIndex((search) => search.id === id)
      if (at < 0) continue
      searches.splice(at, 1)[0]!.steps.return(new Uint32Array(0))
      if (searches.length === 0) this.#accounts.delete(account)
    }
  }

  get count(): number {
    return [...this.#accounts.values()].reduce((sum, { length }) => sum + length, 0)
  }

  #schedule(): void {
    if (this.#scheduled || this.#accounts.size === 0) return
    this.#scheduled = true
    this.#host.soon(() => {
      this.#scheduled = false
      this.#turn()
      this.#schedule()
    })
  }

  #turn(): void {
    const next = this.#accounts.entries().next()
    if (next.done) return
    const [account, searches] = next.value
    // To the end of the line; the searches of one account take turns too.
    this.#accounts.delete(account)
    const search = searches.shift()!
    const goesOn = this.#slice(search)
    if (goesOn) searches.push(search)
    if (searches.length > 0) this.#accounts.set(account, searches)
  }

  /** @returns whether the search has to continue. */
  #slice(search: Search): boolean {
    const began = this.#host.now()
    let now = began
    try {
      do {
        const { done, value } = search.steps.next()
        if (done) {
          this.#host.done(search.id, value)
          return false
        }
        now = this.#host.now()
      } while (now - began < sliceMs)
      search.usedMs += now - began
      if (search.usedMs > searchMaxMs) throw new SearchLimit()
    } catch (error) {
      this.#host.failed(search.id, error)
      return false
    }
    if (now - search.toldMs >= stillEveryMs) {
      search.toldMs = now
      this.#host.still(search.id)
    }
    return true
  }
}
