/**
 * A cache of DNS answers for their TTL, limited in entries and bytes; the least recently used entry is dropped. RFC 1035 §7.4, RFC 2308.
 */

/** Longer TTLs are cut to this: a domain that moves should not be looked for at its old address for a week. */
const ttlMaxMs = 24 * 3600_000
/** RFC 2308 §5: one to three hours. */
const negativeTtlMaxMs = 3 * 3600_000
/** A failing server is asked again soon, but not for each message that waits. RFC 9520 §3.2. */
const failureTtlMs = 5000
/** About the number of names that a busy host looks up in an hour; some megabytes. */
const entriesMax = 10_000
/** TXT records may have 64 KiB each: without this limit a foreign zone could fill our memory. */
const bytesMax = 16 * 1024 * 1024
/** Bytes of an entry in addition to its data. */
const entryBytes = 200

interface Entry<T> {
  readonly value: T
  readonly sizeBytes: number
  readonly untilMs: number
}

export type Lifetime = { readonly kind: 'positive' | 'negative'; readonly ttlS: number } | { readonly kind: 'failure' }

function lifetimeMs(lifetime: Lifetime): number {
  if (lifetime.kind === 'failure') return failureTtlMs
  return Math.min(lifetime.ttlS * 1000, lifetime.kind === 'positive' ? ttlMaxMs : negativeTtlMaxMs)
}

export class DnsCache<T> {
  readonly #entries = new Map<string, Entry<T>>()
  readonly #nowMs: () => number
  #bytes = 0

  /** @param nowMs a clock that only grows. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    this.#drop(key, entry)
    if (entry.untilMs <= this.#nowMs()) return undefined
    this.#keep(key, entry)
    return entry.value
  }

  set(key: string, value: T, sizeBytes: number, lifetime: Lifetime): void {
    const forMs = lifetimeMs(lifetime)
    const before = this.#entries.get(key)
    if (before) this.#drop(key, before)
    if (forMs <= 0) return
    this.#keep(key, { value, sizeBytes: sizeBytes + entryBytes + key.length, untilMs: this.#nowMs() + forMs })
    for (const [oldest, entry] of this.#entries) {
      if (this.#entries.size <= entriesMax && this.#bytes <= bytesMax) break
      this.#drop(oldest, entry)
    }
  }

  get size(): number {
    return this.#entries.size
  }

  #keep(key: string, entry: Entry<T>): void {
    this.#entries.set(key, entry)
    this.#bytes += entry.sizeBytes
  }

  #drop(key: string, entry: Entry<T>): void {
    this.#entries.delete(key)
    this.#bytes -= entry.sizeBytes
  }
}
