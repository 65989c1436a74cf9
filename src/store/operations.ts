/** All write operations: one tagged union, applied in order by the engine's writer. */
import type { Destination, DestinationKey } from '../mail/destination.ts'
import type { FlagMode } from '../mail/flags.ts'
import type { AccountId, ModSeq, Uid } from '../mail/ids.ts'
import type { MailboxRole } from '../mail/special-use.ts'
import type { Account, QueueParameters, QueueRow } from './entities.ts'
import type { StoredContent, ZonedInstant } from './content.ts'

/** Facts computed from a content once, at delivery; texts in the form that FETCH sends, one byte a character. */
export interface ContentFacts {
  readonly envelope: string
  readonly body: string
  readonly bodyStructure: string
  /** Days since 1970 of the Date field, null where it cannot be read. */
  readonly sentDay: number | null
  /** Hashes of (base subject, message id) for the message's own id and those it refers to: own first. */
  readonly threadKeys: readonly number[]
}

/** One message into one mailbox. */
export interface Filing {
  readonly mailbox: number
  /** The header fields that we add before the content, one byte a character; '' for APPEND. */
  readonly prefix: string
  readonly flags: readonly string[]
  /** The recipients whose ledger rows get the outcome `filed`: several, if all of them resolve to this mailbox. */
  readonly recipients: readonly string[]
  /** As of 'append'. */
  readonly uidl?: string
}

export interface QueueRecipient {
  readonly address: string
  readonly destination: Destination
  readonly parameters: QueueParameters
  /** Its place among all recipients that are due, epoch milliseconds. Default: the time when it is first due. */
  readonly turnMs?: number
}

/** Recipients for the queue. */
export interface QueueRequest {
  readonly reversePath: string
  readonly recipients: readonly QueueRecipient[]
  readonly prefix: string
  readonly firstAttemptMs: number
  readonly expiresAtMs: number
  /** The account that submitted it, if one did. */
  readonly submitter?: AccountId
  /** No attempt until an operator releases it. */
  readonly held?: boolean
  /** The commit itself leases the recipients until then, with fence 1, to its caller. The result names them. */
  readonly leasedUntilMs?: number
}

export type Operation =
  /** A message: filed, queued, discarded, bounced, each with its ledger row. */
  | {
      readonly kind: 'arrive'
      readonly arrivalId: string
      readonly content: StoredContent
      /** As of 'append'; of a message that no mailbox here will have, none are needed. */
      readonly facts?: ContentFacts
      readonly at: ZonedInstant
      readonly filings: readonly Filing[]
      readonly queue?: QueueRequest
      readonly discarded?: readonly { readonly recipient: string; readonly rule: string }[]
      /** Recipients that were accepted at RCPT but refused at the end of data, while others were accepted; with the reply. */
      readonly bounced?: readonly { readonly recipient: string; readonly reply: string }[]
    }
  /** A message that a client puts into a mailbox: no ledger row. */
  | {
      readonly kind: 'append'
      readonly mailbox: number
      readonly content: StoredContent
      /** Given by what has read the message anyway; else the store reads it. */
      readonly facts?: ContentFacts
      readonly internalDate: ZonedInstant
      readonly savedAtMs: number
      readonly flags: readonly string[]
      /** POP3's unique id from an earlier server; without it one is derived. 1–70 characters from 0x21 to 0x7E, RFC 1939 §7. */
      readonly uidl?: string
    }
  | {
      readonly kind: 'flags'
      readonly mailbox: number
      readonly uids: Ranges
      readonly mode: FlagMode
      readonly flags: readonly string[]
      /** Messages with a larger modSeq are not changed, and are listed in the result. */
      readonly unchangedSince?: ModSeq
    }
  /** Removes messages: those of `uids` (all when absent) that are \Deleted. `force`: whatever their flags. */
  | {
      readonly kind: 'expunge'
      readonly mailbox: number
      readonly uids?: Ranges
      readonly force?: boolean
      readonly nowMs: number
    }
  | {
      readonly kind: 'copy'
      readonly mailbox: number
      readonly uids: Ranges
      readonly target: number
      readonly nowMs: number
    }
  | {
      readonly kind: 'move'
      readonly mailbox: number
      readonly uids: Ranges
      readonly target: number
      readonly nowMs: number
    }
  /** Makes the mailbox and its missing parents. */
  | { readonly kind: 'mailboxCreate'; readonly account: AccountId; readonly name: string; readonly role?: MailboxRole }
  | { readonly kind: 'mailboxDelete'; readonly account: AccountId; readonly name: string; readonly nowMs: number }
  | {
      readonly kind: 'mailboxRename'
      readonly account: AccountId
      readonly from: string
      readonly to: string
      readonly nowMs: number
    }
  | { readonly kind: 'subscribe'; readonly account: AccountId; readonly name: string; readonly on: boolean }
  /** Claims \Recent for everything below uidNext; answers the first UID claimed. Not synced: losing it shows \Recent once more. */
  | { readonly kind: 'claimRecent'; readonly mailbox: number }
  | { readonly kind: 'domainAdd'; readonly name: string }
  | { readonly kind: 'domainRemove'; readonly name: string }
  | {
      readonly kind: 'accountAdd'
      readonly name: string
      readonly quotaBytes: number
      readonly mailboxes: readonly { readonly name: string; readonly role: MailboxRole | null }[]
      /** Credentials that the new account has from the start. */
      readonly credentials?: readonly { readonly type: string; readonly value: string }[]
      readonly nowMs: number
    }
  | { readonly kind: 'accountRemove'; readonly name: string }
  | ({ readonly kind: 'accountSet'; readonly name: string } & Partial<
      Pick<Account, 'disabled' | 'quotaBytes' | 'restriction'>
    >)
  /** Replaces the credential of that kind and name. An empty value removes it. */
  | {
      readonly kind: 'credentialSet'
      readonly account: AccountId
      readonly type: string
      readonly name: string
      readonly value: string
    }
  /** Empty targets remove the alias. `expected`: as of 'settingSet'. */
  | {
      readonly kind: 'aliasSet'
      readonly address: string
      readonly targets: readonly string[]
      readonly expected?: readonly string[] | null
    }
  /** `expected`: refused with 'changed' unless this is the value now; null: unless there is none. Default: whatever there is. */
  | { readonly kind: 'settingSet'; readonly name: string; readonly value: string; readonly expected?: string | null }
  /**
   * Leases up to `limit` due recipients in the order of their turns, at most `perDestination` of each destination. If too many of the next
   * ones are for destinations that are busy or have had their share, it visits the other destinations by name, after `after`, so that no
   * recipient waits for another's dead host. A lease is not synced: a power cut undoes it, and ends its holder too.
   */
  | {
      readonly kind: 'queueLease'
      readonly nowMs: number
      readonly leaseMs: number
      readonly limit: number
      /** Default: `limit`. */
      readonly perDestination?: number
      /** `next` of the previous lease. */
      readonly after?: DestinationKey
      /** Destinations that have enough to do. */
      readonly busy?: readonly DestinationKey[]
    }
  | { readonly kind: 'queueRenew'; readonly recipients: readonly Lease[]; readonly untilMs: number }
  /** Returns leases without an attempt: due again at `dueMs`. Leases that were lost are ignored. */
  | {
      readonly kind: 'queueReturn'
      readonly recipients: readonly Lease[]
      readonly dueMs: number
      /** The recipients become due at times spread over this period, from `dueMs` on. */
      readonly spreadMs?: number
      /** Replaces the last reply. */
      readonly reply?: string
      readonly nowMs: number
    }
  /** Ends all leases, whose holder no longer exists: all are due again at `dueMs`. */
  | { readonly kind: 'queueReclaim'; readonly dueMs: number }
  /**
   * Files the message of a queue entry: its stored content gets another reference, and is not copied. The recipients that it is for end by a
   * `queueFinish` of the same commit.
   */
  | {
      readonly kind: 'queueFile'
      readonly entry: number
      readonly mailbox: number
      /** Fields in front of those of the entry. */
      readonly prefix: string
      readonly flags: readonly string[]
      readonly threadKeys: readonly number[]
      /** Of the content, if it has none yet: `QueuedMessage.indexed`. */
      readonly facts?: ContentFacts
    }
  /** The final outcome of a recipient. */
  | {
      readonly kind: 'queueFinish'
      readonly lease: Lease
      readonly outcome: 'relayed' | 'bounced' | 'filed' | 'discarded'
      readonly reply: string
      readonly nowMs: number
    }
  /** An attempt failed temporarily. */
  | {
      readonly kind: 'queueDefer'
      readonly lease: Lease
      /** This commit also sends the delay DSN to the sender. */
      readonly warned?: boolean
      readonly nextAttemptMs: number
      readonly reply: string
      readonly nowMs: number
    }
  /** Commands of an operator: hold, release, retry now (held ones stay held), drop (discarded, without a bounce). */
  | {
      readonly kind: 'queueAct'
      readonly recipient: number
      readonly act: 'hold' | 'release' | 'retry' | 'drop'
      readonly nowMs: number
    }
  /**
   * Changes the destination and retries at once; a held recipient stays held unless `release` is set. `reply` replaces the last attempt's
   * reply.
   */
  | {
      readonly kind: 'queueReroute'
      readonly recipient: number
      readonly destination: Destination
      readonly release?: true
      readonly reply?: string
      readonly nowMs: number
    }

/** What the engine does besides: only the engine commits these. */
export type EngineOperation =
  | Operation
  /** Keeps a message table for the next reader. Not synced. */
  | {
      readonly kind: 'snapshot'
      readonly mailbox: number
      readonly highestModSeq: ModSeq
      readonly messages: Uint8Array
    }
  /** Writes late rows: all of them, or only those that were already late at the previous operation of this kind. */
  | { readonly kind: 'materialize'; readonly all: boolean }
  /** Deletes up to `limit` unreferenced rows of each kind; returns the large files and contents that were freed. */
  | {
      readonly kind: 'sweepRows'
      readonly limit: number
      readonly expungedBeforeMs: number
      /** Deletes finished ledger rows of arrivals before this id. Ids ascend with time. */
      readonly ledgerBefore: string
    }
  /** Settles a quarantined record: its arrivals are repeated in the same commit, or discarded under a rule's name. */
  | {
      readonly kind: 'quarantineSettle'
      readonly place: { readonly segment: number; readonly position: number }
      readonly discard?: { readonly rule: string; readonly nowMs: number }
    }
  /** Forgets empty segments, before their files are deleted. Returns those that are still empty. */
  | { readonly kind: 'segmentsGone'; readonly segments: readonly number[] }
  /** Corrected facts of contents, computed again from their bytes, and missing thread keys. */
  | {
      readonly kind: 'reindex'
      readonly contents: readonly MendedContent[]
      readonly threads: readonly MendedThread[]
    }

export interface MendedContent extends Omit<ContentFacts, 'threadKeys'> {
  readonly content: number
}

export interface MendedThread {
  readonly account: AccountId
  readonly thread: number
  readonly keys: readonly number[]
}

/** A leased recipient: reports with an older fence are refused with 'leaseLost'. */
export interface Lease {
  readonly recipient: number
  readonly fence: number
}

/** Inclusive UID ranges, ascending. */
export type Ranges = readonly (readonly [number, number])[]

/** The ids of an arrival's queue entry and of its recipients, in their order: of their present or later rows. */
export interface QueuedIds {
  readonly entry: number
  readonly recipients: readonly number[]
}

interface Results {
  arrive: {
    readonly filed: readonly { readonly mailbox: number; readonly uid: Uid }[]
    readonly queued?: QueuedIds
  }
  append: { readonly uidValidity: number; readonly uid: Uid }
  /** `modSeq`: of those whose flags changed; of the mailbox, if none did. */
  flags: { readonly modSeq: ModSeq; readonly failed: readonly number[] }
  expunge: { readonly modSeq: ModSeq; readonly expunged: Ranges }
  copy: { readonly uidValidity: number; readonly source: readonly number[]; readonly firstUid: Uid }
  move: { readonly uidValidity: number; readonly source: readonly number[]; readonly firstUid: Uid }
  mailboxCreate: { readonly id: number }
  queueFile: { readonly uid: Uid }
  claimRecent: { readonly recentUid: Uid }
  accountAdd: { readonly id: AccountId }
  sweepRows: {
    readonly files: readonly string[]
    readonly contents: number
    readonly expunged: number
    readonly more: boolean
  }
  segmentsGone: { readonly segments: readonly number[] }
  queueLease: {
    readonly rows: readonly QueueRow[]
    /** The destination after which the next lease continues; undefined: the round is complete. */
    readonly next?: DestinationKey
    /** Something due may be left, in this round or the next. */
    readonly more: boolean
  }
}

export type ResultOf<Op extends EngineOperation> = Op['kind'] extends keyof Results ? Results[Op['kind']] : null
