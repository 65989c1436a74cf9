/** A content as the embedded engine's sink gives it, and as its commits take it. */
import type { StoredContent } from '../content.ts'

export interface SunkContent extends StoredContent {
  /** The file below `large/`, already synced, where the bytes are not in memory. */
  readonly file?: string
  /** SHA-256 of a file's bytes, hex; bytes in memory are digested by the writer. */
  readonly digest?: string
  /** What became of a commit that names it. */
  named?(fate: ContentFate): void
}

/** `refused`: nothing was written. `unsure`: a record on disk may name it. */
export type ContentFate = 'offered' | 'refused' | 'unsure' | 'named'
