/** Emails of an account as JMAP sees them: with their messages in all mailboxes, their threads, and what became of them. RFC 8621 §3, §4. */
import type { AccountId, ModSeq, Uid } from '../mail/ids.ts'
import type { ZonedInstant } from './content.ts'

/** An email that at least one message holds. */
export interface EmailRow {
  readonly emailId: number
  readonly threadId: number
  readonly internalDate: ZonedInstant
  readonly sizeBytes: number
  /** Of its first message, when that came. */
  readonly createdModSeq: ModSeq
  /** By mailbox and UID. */
  readonly messages: readonly EmailMessage[]
}

/** A message that holds an email. */
export interface EmailMessage {
  readonly mailbox: number
  readonly uid: Uid
  readonly modSeq: ModSeq
  readonly flagsLow: number
  readonly flagsHigh: number
}

/** Up to where changes are known: everything up to `modSeq`, or of this one only the emails up to `emailId`. */
export interface EmailPosition {
  readonly modSeq: ModSeq
  readonly emailId?: number
}

/**
 * What became of emails behind a position, each once, as it is now: of one that came and went in between nothing is said. RFC 8620 §5.2.
 * `to`: where to continue, if there is `more`; else where the account is.
 */
export interface EmailChanges {
  readonly emails: readonly EmailChange[]
  readonly to: EmailPosition
  readonly more: boolean
}

export interface EmailChange {
  readonly kind: 'created' | 'updated' | 'destroyed'
  readonly emailId: number
  readonly threadId: number
}

/** The emails of a thread, the oldest first. */
export interface ThreadRow {
  readonly threadId: number
  readonly emailIds: readonly number[]
}

/** Emails or threads of one read at most: a few milliseconds. */
export const emailsMax = 250

/** Part of `StoreReads`. */
export interface EmailReads {
  /** Those of the account among `ids`, of which `emailsMax` at most are read, in their order. */
  emails(account: AccountId, ids: readonly number[]): Promise<readonly EmailRow[]>
  /** Those of the account among `ids`, of which `emailsMax` at most are read, in their order. */
  threads(account: AccountId, ids: readonly number[]): Promise<readonly ThreadRow[]>
  /** `limit` at most. undefined: what changed behind the position is not all known any more. */
  emailChanges(account: AccountId, after: EmailPosition, limit: number): Promise<EmailChanges | undefined>
  /** Mailboxes of then that were deleted behind `after`; undefined: not all of them are known any more. */
  mailboxesGone(account: AccountId, after: ModSeq): Promise<readonly number[] | undefined>
}
