/**
 * What a commit changes in memory, so that a refused commit leaves no mark: the one place that undoes. Rows go back by SAVEPOINT; what the
 * writer holds beside them goes back by this. Collections whose changes must be undone are `JournaledMap`s; an object is noted
 * before its first change. Nothing is undone by hand.
 */
export class Journal {
  #on = false
  #steps: (() => void)[] = []
  readonly #noted = new Set<object>()

  /** From here on changes are noted. What was noted before is settled. */
  begin(): void {
    this.#on = true
    this.#steps = []
    this.#noted.clear()
  }

  /** The commit stands: nothing more is noted until the next begins. */
  settle(): void {
    this.#on = false
    this.#steps = []
    this.#noted.clear()
  }

  /** Everything goes back to what it was at `begin`. */
  undo(): void {
    this.#on = false
    for (let i = this.#steps.length - 1; i >= 0; i--) this.#steps[i]!()
    this.settle()
  }

  /** An object that is about to change: its own fields come back. */
  note<T extends object>(object: T): T {
    if (this.#on && !this.#noted.has(object)) {
      this.#noted.add(object)
      const before = { ...object }
      this.#steps.push(() => Object.assign(object, before))
    }
    return object
  }

  get on(): boolean {
    return this.#on
  }

  step(undo: () => void): void {
    this.#steps.push(undo)
  }
}

export class JournaledMap<K, V> {
  readonly #journal: Journal
  readonly #map = new Map<K, V>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  get size(): number {
    return this.#map.size
  }

  get(key: K): V | undefined {
    return this.#map.get(key)
  }

  set(key: K, value: V): void {
    this.#noteKey(key)
    this.#map.set(key, value)
  }

  delete(key: K): void {
    this.#noteKey(key)
    this.#map.delete(key)
  }

  /** At the end of a transaction: this cannot be undone. */
  clear(): void {
    this.#map.clear()
  }

  values(): IterableIterator<V> {
    return this.#map.values()
  }

  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.#map.entries()
  }

  #noteKey(key: K): void {
    if (!this.#journal.on) return
    const before = this.#map.get(key)
    this.#journal.step(before === undefined ? () => this.#map.delete(key) : () => this.#map.set(key, before))
  }
}
