/** A map that never holds more than so many entries: whatever is remembered of peers and users has such a limit. */
export class BoundedMap<Key, Value> extends Map<Key, Value> {
  readonly #max: number

  /** @param max entries; beyond, the one that was set longest ago is forgotten. */
  constructor(max: number) {
    super()
    this.#max = max
  }

  /** Sets it as the newest entry, also where it is known. */
  override set(key: Key, value: Value): this {
    this.delete(key)
    super.set(key, value)
    if (this.size > this.#max) this.delete(this.keys().next().value!)
    return this
  }
}
