/** What the mailboxes of IMAP are made of. */
import type { Clock } from '../../base/clock.ts'
import type { Store } from '../../store/store.ts'

export interface ImapTools {
  readonly store: Store
  readonly clock: Clock
  /** What APPEND takes, told in APPENDLIMIT. */
  readonly messageBytesMax: () => number
}

/** RFC 8474 §4.1: object ids are opaque; the letter tells people which kind. */
export function mailboxIdText(id: number): string {
  return `F${id.toString(36)}`
}
