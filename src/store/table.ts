/** A mailbox's messages as readers have them: typed arrays that all of them share, 28 bytes a message, however many sessions. */
import type { ModSeq, Uid } from '../mail/ids.ts'

/** What a reader sees: the arrays never change below `count`, but for flags and modSeqs. An expunge makes new arrays, and
 * so does the reading of missed changes. */
export interface TableView {
  readonly count: number
  readonly uids: Uint32Array
  readonly flagsLow: Uint32Array
  readonly flagsHigh: Uint32Array
  readonly modSeqs: Float64Array
}

/** A table that follows its mailbox. Hold it while a session has the mailbox selected. */
export interface LiveTable {
  view(): TableView
  readonly uidNext: Uid
  readonly highestModSeq: ModSeq
  /** No flags of a message that was there before changed behind this mod-sequence. */
  readonly flagsModSeq: ModSeq
  /** UIDs from here on are \Recent for the next read-write session. */
  readonly recentUid: Uid
  /** Claims \Recent for everything below uidNext, before any other session can. @returns the first UID claimed; uidNext where none is left. */
  claimRecent(): number
  readonly gone: boolean
  /** Names of the account's flag bits; index = bit. Shared by all tables of the account, grows in place. */
  readonly flagNames: readonly (string | undefined)[]
  /** `changed` runs after each change, on a turn of its own. @returns how to stop. */
  listen(changed: () => void): () => void
  release(): void
}
