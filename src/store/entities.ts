/** What the store keeps, by the names that code, SQL and docs share. */
import type { Destination, DestinationKey } from '../mail/destination.ts'
import type { AccountId, ModSeq, Uid } from '../mail/ids.ts'
import type { MailboxRole } from '../mail/special-use.ts'
import type { Handling, RecipientDsn } from '../mail/envelope.ts'

export interface Account {
  readonly id: AccountId
  /** `user@domain`, lower case. */
  readonly name: string
  readonly disabled: boolean
  /** `held`: what it sends waits for the operator; `locked`: it cannot sign in, and sends nothing. Mail comes in all the same. */
  readonly restriction: Restriction
  /** 0: no limit. */
  readonly quotaBytes: number
  readonly usedBytes: number
  readonly usedMessages: number
}

export const restrictions = ['none', 'held', 'locked'] as const
export type Restriction = (typeof restrictions)[number]

/** What an account is apart from its use. */
export interface User extends Omit<Account, 'usedBytes' | 'usedMessages'> {
  /** Its INBOX, which never changes. */
  readonly inbox: number
}

/** What a local address is: an account, an alias, both or neither. */
export interface AddressRows {
  readonly account: User | undefined
  /** Of the alias. */
  readonly targets: readonly string[] | undefined
}

/** Mail for `address` goes to each target; an address `@domain` is the domain's catch-all. */
export interface Alias {
  readonly address: string
  readonly targets: readonly string[]
}

export interface MailboxRow {
  readonly id: number
  readonly account: AccountId
  readonly name: string
  readonly role: MailboxRole | null
  readonly uidValidity: number
  readonly uidNext: Uid
  readonly highestModSeq: ModSeq
  readonly createdModSeq: ModSeq
  /** Of the last change of its name, role or subscription. */
  readonly propertyModSeq: ModSeq
  /** UIDs from here on are \Recent for the next read-write session. */
  readonly recentUid: Uid
  readonly messages: number
  readonly unseen: number
  readonly deleted: number
  readonly sizeBytes: number
}

/** A recipient that waits for transfer, with what its attempt needs of the entry. */
export interface QueueRow {
  readonly id: number
  readonly entry: number
  readonly arrivalId: string
  /** Empty: the null reverse-path. */
  readonly reversePath: string
  /** The account that sent it, as a user who had signed in. */
  readonly submitter: AccountId | null
  readonly address: string
  readonly destination: Destination
  /** `ready` waits for its turn alone, `deferred` for `nextAttemptMs`. */
  readonly state: 'ready' | 'deferred' | 'leased' | 'held'
  readonly attempts: number
  readonly acceptedAtMs: number
  readonly nextAttemptMs: number
  /** Where it stands among all that is ready; small is early. */
  readonly turnMs: number
  readonly expiresAtMs: number
  /** Counts the leases; only the holder of the newest may report. */
  readonly fence: number
  readonly leasedUntilMs: number
  readonly lastReply: string | null
  readonly parameters: QueueParameters
  readonly sizeBytes: number
  readonly prefixBytes: number
}

/** Which recipients of the queue are meant: those that fit all that is given. */
export interface QueueFilter {
  /** The reverse-path, or `@domain`; '' is the null one. */
  readonly sender?: string
  /** The address, or `@domain`. */
  readonly recipient?: string
  readonly destination?: Destination
  readonly state?: QueueRow['state']
  /** Accepted before this moment. */
  readonly acceptedBeforeMs?: number
  /** The account that sent it. */
  readonly submitter?: AccountId
}

/** One attempt of a recipient that still waits. */
export interface QueueAttempt {
  readonly n: number
  readonly atMs: number
  readonly reply: string
}

/** Upper ends of the ages that `QueueShapeRow.ages` counts, in minutes; the last count is of everything older. */
export const queueAgesMinutes = [5, 10, 20, 40, 80, 160, 320, 640, 1280] as const

/** How many recipients wait for one destination. */
export interface QueueShapeRow {
  readonly destination: DestinationKey
  readonly recipients: number
  readonly held: number
  /** Tried in vain, or not to be tried yet. */
  readonly deferred: number
  readonly oldestMs: number
  /** By how long ago they were accepted: `queueAgesMinutes`. */
  readonly ages: readonly number[]
}

/** What the transaction said about the message and this recipient that the next host must hear. */
export interface QueueParameters extends Handling {
  readonly body: '7bit' | '8bitmime' | 'binarymime'
  readonly smtpUtf8: boolean
  readonly ret?: 'full' | 'hdrs'
  readonly envelopeId?: string
  readonly notify?: RecipientDsn['notify']
  /** The sender was told that it is late. */
  readonly warned?: true
  readonly originalRecipient?: string
  /** Of a local recipient: what was known when it was accepted. */
  readonly evidence?: Evidence
}

/**
 * What was known of a local recipient when it was accepted; the row's address is the one that was written to. What is done with the message is
 * decided when it is filed.
 */
export interface Evidence {
  /** The account that the address led to. */
  readonly account: string
  /** A check took the message for junk. */
  readonly junk?: boolean
}

export interface LedgerRow {
  readonly arrivalId: string
  readonly recipient: string
  readonly acceptedAtMs: number
  /** 'queued' until it ends in one of the others; 'quarantined' while its record is set aside. */
  readonly outcome: 'queued' | 'quarantined' | 'filed' | 'relayed' | 'bounced' | 'discarded'
  readonly endedAtMs: number | null
  /** Mailbox and UID, the remote's last words, or the rule's name. */
  readonly detail: string | null
}

export interface StoreCounts {
  readonly accounts: number
  readonly messages: number
  readonly contents: number
  readonly queued: number
}
