/** Changes that a commit made visible: the only source for IDLE, NOTIFY, push and webmail. */
import type { FlagEdit } from '../mail/flags.ts'
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
  /**
   * Flags of those of `uids` that had not the result already: `low` and `high` were added, removed, or are all that there is. RFC 9051 §6.4.6.
   * The ranges may name UIDs without a message.
   */
  | ({ readonly kind: 'flags'; readonly mailbox: number; readonly modSeq: ModSeq; readonly uids: Ranges } & FlagEdit)
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
