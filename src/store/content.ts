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
  /** Releases what is held when no commit will name it. */
  abort(): void
}
