/** Changes that a commit made visible: the only source for IDLE, NOTIFY, push and webmail. */
import type { AccountId, ModSeq, Uid } from '../mail/ids.ts'
import type { Ranges } from './operations.ts'

export type Change =
  /** New messages, in UID order; parallel arrays, one entry a message. */
  | {
      readonly kind: 'added'
      readonly mailbox: number
      readonly uids: readonly Uid[]
      readonly flagsLow: readonly number[]
      readonly flagsHigh: readonly number[]
      readonly modSeqs: readonly ModSeq[]
    }
  /** Flags of these messages are now so. */
  | { readonly kind: 'flags'; readonly mailbox: number; readonly modSeq: ModSeq; readonly ranges: readonly FlagRange[] }
  | { readonly kind: 'expunged'; readonly mailbox: number; readonly modSeq: ModSeq; readonly uids: Ranges }
  | { readonly kind: 'mailboxGone'; readonly account: AccountId; readonly mailbox: number }
  | { readonly kind: 'mailboxes'; readonly account: AccountId }
  /** The account has a new keyword at this bit. */
  | { readonly kind: 'flagName'; readonly account: AccountId; readonly bit: number; readonly name: string }
  | { readonly kind: 'queue'; readonly dueMs: number }
  /** Accounts, aliases, credentials or domains changed. */
  | { readonly kind: 'directory' }
  /** A domain has become one of ours, or is none any more; 'directory' comes with it. */
  | { readonly kind: 'domain'; readonly name: string; readonly isLocal: boolean }

/** Inclusive UIDs which now have the same flags. */
export interface FlagRange {
  readonly first: number
  readonly last: number
  readonly flagsLow: number
  readonly flagsHigh: number
}
