/** Everything that can be written: one tagged union, applied by the engine's writer in order. */
import type { Account, MailboxRole, QueueParameters, QueueRow } from './entities.ts'
import type { StoredContent, ZonedInstant } from './content.ts'

/** What is computed from a content once, at delivery: in FETCH's own spelling, one byte a character. */
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
  /** What we add before the content, one byte a character; '' for APPEND. */
  readonly prefix: string
  readonly flags: readonly string[]
  /** The recipient addresses whose ledger rows this filing ends: several where they all lead to this mailbox. */
  readonly recipients: readonly string[]
  /** As of 'append'. */
  readonly uidl?: string
}

export interface QueueRecipient {
  readonly address: string
  /** The routing key: the domain, or a static route's name. */
  readonly destination: string
  readonly parameters: QueueParameters
  /** Where it stands among all that is ready, epoch milliseconds; when it is first due, where absent. */
  readonly turnMs?: number
}

/** Recipients to be transferred later. */
export interface QueueRequest {
  readonly reversePath: string
  readonly recipients: readonly QueueRecipient[]
  readonly prefix: string
  readonly firstAttemptMs: number
  readonly expiresAtMs: number
  /** The account that submitted it, if one did. */
  readonly submitter?: number
  /** Nothing is tried before an operator releases it. */
  readonly held?: boolean
  /** Leased until then by the commit itself, with fence 1, to whoever commits: the change `leased` tells when. */
  readonly leasedUntilMs?: number
}

export type Operation =
  /** A message: filed, queued, discarded, bounced, each with its ledger row. */
  | {
      readonly kind: 'arrive'
      readonly arrivalId: string
      readonly content: StoredContent
      readonly facts: ContentFacts
      readonly at: ZonedInstant
      readonly filings: readonly Filing[]
      readonly queue?: QueueRequest
      readonly discarded?: readonly { readonly recipient: string; readonly rule: string }[]
      /** Accepted at RCPT, and refused at the end of data while others were taken: with the words for it. */
      readonly bounced?: readonly { readonly recipient: string; readonly reply: string }[]
    }
  /** A message that a client puts into a mailbox: no ledger row. */
  | {
      readonly kind: 'append'
      readonly mailbox: number
      readonly content: StoredContent
      readonly facts: ContentFacts
      readonly internalDate: ZonedInstant
      readonly savedAtMs: number
      readonly flags: readonly string[]
      /** POP3's unique id, kept from where the message lived before; without it one is derived. 1–70 characters from 0x21 to 0x7E, RFC 1939 §7. */
      readonly uidl?: string
    }
  | {
      readonly kind: 'flags'
      readonly mailbox: number
      readonly uids: Ranges
      readonly mode: 'add' | 'remove' | 'replace'
      readonly flags: readonly string[]
      /** Messages whose modSeq is larger are left alone and named in the result. */
      readonly unchangedSince?: number
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
  | { readonly kind: 'mailboxCreate'; readonly account: number; readonly name: string; readonly role?: MailboxRole }
  | { readonly kind: 'mailboxDelete'; readonly account: number; readonly name: string; readonly nowMs: number }
  | {
      readonly kind: 'mailboxRename'
      readonly account: number
      readonly from: string
      readonly to: string
      readonly nowMs: number
    }
  | { readonly kind: 'subscribe'; readonly account: number; readonly name: string; readonly on: boolean }
  /** Claims \Recent for everything below uidNext; answers the first UID claimed. Not synced: losing it shows \Recent once more. */
  | { readonly kind: 'claimRecent'; readonly mailbox: number }
  | { readonly kind: 'domainAdd'; readonly name: string }
  | { readonly kind: 'domainRemove'; readonly name: string }
  | {
      readonly kind: 'accountAdd'
      readonly name: string
      readonly quotaBytes: number
      readonly mailboxes: readonly { readonly name: string; readonly role: MailboxRole | null }[]
      /** What it can sign in with from the first moment. */
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
      readonly account: number
      readonly type: string
      readonly name: string
      readonly value: string
    }
  /** Empty targets remove the alias. */
  | { readonly kind: 'aliasSet'; readonly address: string; readonly targets: readonly string[] }
  | { readonly kind: 'settingSet'; readonly name: string; readonly value: string }
  /**
   * Takes up to `limit` recipients that are due, in the order of their turns, at most `perDestination` of each destination. Where many
   * wait whose destinations are busy or have given enough, it goes round the others by name, from behind `after`, so that nobody waits
   * for another's dead host. A lease is not synced: a power cut takes it back, and its holder with it.
   */
  | {
      readonly kind: 'queueLease'
      readonly nowMs: number
      readonly leaseMs: number
      readonly limit: number
      /** All of `limit` when absent. */
      readonly perDestination?: number
      /** Where an earlier lease left off. */
      readonly after?: string
      /** Destinations that have enough to do. */
      readonly busy?: readonly string[]
    }
  | { readonly kind: 'queueRenew'; readonly recipients: readonly Lease[]; readonly untilMs: number }
  /** Gives leases back without an attempt: due again at `dueMs`. What is leased no more is passed by. */
  | {
      readonly kind: 'queuePutBack'
      readonly recipients: readonly Lease[]
      readonly dueMs: number
      /** Spread over so much time from `dueMs` on. */
      readonly spreadMs?: number
      /** Stands as the last reply from now on. */
      readonly reply?: string
      readonly nowMs: number
    }
  /** Rows that were left for later: all of them, or those that an earlier operation of this kind has seen. */
  | { readonly kind: 'queueRows'; readonly all: boolean }
  /** The holder of every lease is gone: all are due again at `dueMs`. */
  | { readonly kind: 'queueReclaim'; readonly dueMs: number }
  /** The recipient's way ends here. */
  | {
      readonly kind: 'queueFinish'
      readonly lease: Lease
      readonly outcome: 'relayed' | 'bounced' | 'filed'
      readonly reply: string
      readonly nowMs: number
    }
  /** An attempt failed for now. */
  | {
      readonly kind: 'queueDefer'
      readonly lease: Lease
      /** The sender was told of the delay in this commit. */
      readonly warned?: boolean
      readonly nextAttemptMs: number
      readonly reply: string
      readonly nowMs: number
    }
  /** Forgets up to `limit` rows of each kind that nobody holds any more; answers the large files and contents that went with them. */
  | {
      readonly kind: 'sweepRows'
      readonly limit: number
      readonly expungedBeforeMs: number
      /** Ledger rows of arrivals before this id that have ended. Ids grow with time. */
      readonly ledgerBefore: string
    }
  /** A record that was set aside is dealt with: its arrivals are made anew in the same commit, or discarded by a rule's name. */
  | {
      readonly kind: 'quarantineSettle'
      readonly place: { readonly segment: number; readonly position: number }
      readonly discard?: { readonly rule: string; readonly nowMs: number }
    }
  /** Segments that hold nothing any more: their use is forgotten before their files go. Answers those of which it is true still. */
  | { readonly kind: 'segmentsGone'; readonly segments: readonly number[] }
  /** What is kept of contents, computed anew from their bytes; thread keys that miss. */
  | {
      readonly kind: 'reindex'
      readonly contents: readonly MendedContent[]
      readonly threads: readonly MendedThread[]
    }
  /** What an operator does: hold, release, retry now (what is held stays so), drop (discarded, without notice). */
  | {
      readonly kind: 'queueAct'
      readonly recipient: number
      readonly act: 'hold' | 'release' | 'retry' | 'drop'
      readonly nowMs: number
    }
  /**
   * Another destination from now on, where it is tried at once; what is held stays held unless `release` says so. `reply`: the words that
   * stand for the last attempt's.
   */
  | {
      readonly kind: 'queueReroute'
      readonly recipient: number
      readonly destination: string
      readonly release?: true
      readonly reply?: string
      readonly nowMs: number
    }

export interface MendedContent extends Omit<ContentFacts, 'threadKeys'> {
  readonly content: number
}

export interface MendedThread {
  readonly account: number
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

interface Results {
  arrive: { readonly filed: readonly { readonly mailbox: number; readonly uid: number }[] }
  append: { readonly uidValidity: number; readonly uid: number }
  flags: { readonly modSeq: number; readonly changed: Ranges; readonly failed: readonly number[] }
  expunge: { readonly modSeq: number; readonly expunged: Ranges }
  copy: { readonly uidValidity: number; readonly source: readonly number[]; readonly firstUid: number }
  move: { readonly uidValidity: number; readonly source: readonly number[]; readonly firstUid: number }
  mailboxCreate: { readonly id: number }
  claimRecent: { readonly recentUid: number }
  accountAdd: { readonly id: number }
  sweepRows: {
    readonly files: readonly string[]
    readonly contents: number
    readonly expunged: number
    readonly more: boolean
  }
  segmentsGone: { readonly segments: readonly number[] }
  queueLease: {
    readonly rows: readonly QueueRow[]
    /** Where the next lease goes on; undefined: the round is complete. */
    readonly next?: string
    /** Something due may be left, in this round or the next. */
    readonly more: boolean
  }
}

export type ResultOf<Op extends Operation> = Op['kind'] extends keyof Results ? Results[Op['kind']] : null
