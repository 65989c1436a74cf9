/** Searches in turns by account, in slices: one of an hour does not stand before one of a moment, and one that nobody waits for ends. */

export interface TurnsHost {
  now(): number
  /** Called when a search has had its turn and others are to have theirs. */
  soon(run: () => void): void
  done(id: number, uids: Uint32Array): void
  failed(id: number, error: unknown): void
  /** It goes on: told now and then. */
  still(id: number): void
}

/** One turn: short beside what a person notices, long beside what a change costs. */
const sliceMs = 20
/** What one search may use of a thread in all. */
export const searchMaxMs = 120_000
/** So often its client hears that it goes on. */
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
  readonly #accounts = new Map<number, Search[]>()
  #scheduled = false

  constructor(host: TurnsHost) {
    this.#host = host
  }

  add(id: number, account: number, steps: Generator<void, Uint32Array>): void {
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
    // Behind all others; and of one account each search in its turn.
    this.#accounts.delete(account)
    const search = searches.shift()!
    const goesOn = this.#slice(search)
    if (goesOn) searches.push(search)
    if (searches.length > 0) this.#accounts.set(account, searches)
  }

  /** @returns whether it goes on. */
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
