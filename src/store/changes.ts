/**
 * Changes that a commit made visible: the only source for IDLE, NOTIFY, push and webmail. News may be lost, come twice or late: 'account' tells
 * whether they follow on what is known. docs/architecture.md §7.
 */
import type { FlagEdit } from '../mail/flags.ts'
import type { AccountId, ModSeq, Uid } from '../mail/ids.ts'
import type { Ranges } from './operations.ts'

/** What came to a mailbox, or is otherwise now: parallel arrays, one entry a message, in UID order. */
interface Messages {
  readonly account: AccountId
  readonly mailbox: number
  readonly uids: readonly Uid[]
  readonly flagsLow: readonly number[]
  readonly flagsHigh: readonly number[]
  readonly modSeqs: readonly ModSeq[]
}

/** The changes of an account behind this one, up to the next of its kind, are all there are with `after` < modSeq ≤ `modSeq`. */
export interface AccountChange {
  readonly kind: 'account'
  readonly account: AccountId
  readonly after: ModSeq
  readonly modSeq: ModSeq
}

export type Change =
  | AccountChange
  /** New messages. */
  | ({ readonly kind: 'added' } & Messages)
  /** Messages as they are: new, or with other flags. In answers of `changes` only. */
  | ({ readonly kind: 'messages' } & Messages)
  /**
   * Flags of those of `uids` that had not the result already: `low` and `high` were added, removed, or are all that there is. RFC 9051 §6.4.6.
   * The ranges may name UIDs without a message.
   */
  | ({
      readonly kind: 'flags'
      readonly account: AccountId
      readonly mailbox: number
      readonly modSeq: ModSeq
      readonly uids: Ranges
    } & FlagEdit)
  | {
      readonly kind: 'expunged'
      readonly account: AccountId
      readonly mailbox: number
      readonly modSeq: ModSeq
      readonly uids: Ranges
    }
  | { readonly kind: 'mailboxGone'; readonly account: AccountId; readonly mailbox: number }
  /** Mailboxes or subscriptions of the account. */
  | { readonly kind: 'mailboxes'; readonly account: AccountId }
  /** The account has a new keyword at this bit. */
  | { readonly kind: 'flagName'; readonly account: AccountId; readonly bit: number; readonly name: string }
  | { readonly kind: 'queue'; readonly dueMs: number }
  /** Accounts, aliases, credentials or domains changed: `version` of them is the present one, which only grows. */
  | { readonly kind: 'directory'; readonly version: number; readonly domain?: DomainChange }

/** A domain has become one of ours, or is none any more. */
export interface DomainChange {
  readonly name: string
  readonly isLocal: boolean
}
