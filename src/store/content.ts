/** A content before it has rows: what a sink gives, and when it came. */

/** An instant with the zone it was told in, as INTERNALDATE shows it. */
export interface ZonedInstant {
  readonly epochMs: number
  readonly offsetMinutes: number
}

/** What a sink gives: bytes that a commit can name. Unnamed ones are forgotten with `abort()`. */
export interface StoredContent {
  readonly sizeBytes: number
  /** The bytes, where they fit inline. */
  readonly inline?: Uint8Array
  /** The file below `large/`, already synced, where they do not. */
  readonly file?: string
  /** SHA-256 of a file's bytes, hex; inline bytes are digested by the writer. */
  readonly digest?: string
  /**
   * Forgets the bytes. Harmless at any time: where a commit has named them, is under way, or has failed in a way after which its record
   * may name them, they stay; the sweep finds what no row names in the end.
   */
  abort(): void
  /** The store's own: what became of a commit that names it. */
  named?(fate: ContentFate): void
}

/** `refused`: nothing was written. `unsure`: a record on disk may name it. */
export type ContentFate = 'offered' | 'refused' | 'unsure' | 'named'
