/** A content before it has rows: what a sink gives, and when it came. */

/** An instant with the zone it was told in, as INTERNALDATE shows it. */
export interface ZonedInstant {
  readonly epochMs: number
  readonly offsetMinutes: number
}

/** What a sink gives: bytes that a commit can name. Unnamed ones are forgotten with `abort()`. Where they lie is the engine's affair. */
export interface StoredContent {
  readonly sizeBytes: number
  /** All bytes, where they are in memory. */
  readonly whole?: Uint8Array
  /** The bytes [start, end); not a promise where they are in memory. Throws where a file cannot be read. */
  read(start: number, end: number): Uint8Array | Promise<Uint8Array>
  /**
   * Forgets the bytes. Harmless at any time: where a commit has named them, is under way, or has failed in a way after which its record
   * may name them, they stay; the sweep finds what no row names in the end.
   */
  abort(): void
}
