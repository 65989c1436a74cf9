/** What the reference engine holds: rows in plain maps. A row is never changed, only replaced, so a commit is undone by what it replaced. */
import { systemFlags, wellKnownKeywords, type FlagBits, flagsMax, flagWordBits } from '../../mail/flags.ts'
import type { DestinationKey } from '../../mail/destination.ts'
import type { AccountId, ModSeq, Uid } from '../../mail/ids.ts'
import type { DomainChange } from '../changes.ts'
import type { Account, LedgerRow, MailboxRow, QueueAttempt, QueueParameters, QueueRow } from '../entities.ts'
import { GroupChanges } from '../group-changes.ts'
import type { ContentFacts } from '../operations.ts'
import { StoreRefusal, type Credential } from '../store.ts'

/** Rows by key. */
export class Rows<Key, Row> {
  readonly #undo: (() => void)[]
  readonly #rows = new Map<Key, Row>()

  constructor(undo: (() => void)[]) {
    this.#undo = undo
  }

  get size(): number {
    return this.#rows.size
  }

  get(key: Key): Row | undefined {
    return this.#rows.get(key)
  }

  set(key: Key, row: Row): void {
    const before = this.#rows.get(key)
    this.#undo.push(() => (before === undefined ? this.#rows.delete(key) : this.#rows.set(key, before)))
    this.#rows.set(key, row)
  }

  delete(key: Key): boolean {
    const before = this.#rows.get(key)
    if (before === undefined) return false
    this.#undo.push(() => this.#rows.set(key, before))
    return this.#rows.delete(key)
  }

  all(): Row[] {
    return [...this.#rows.values()]
  }

  keys(): Key[] {
    return [...this.#rows.keys()]
  }
}

export interface AccountEntry extends Account {
  readonly modSeq: ModSeq
  /** What changed before it is not all known any more. */
  readonly forgottenModSeq: ModSeq
  /** Of its next mailbox. */
  readonly uidValidity: number
}

export interface CredentialEntry extends Credential {
  readonly account: AccountId
  readonly type: string
}

export interface MessageEntry {
  readonly uid: Uid
  readonly modSeq: ModSeq
  readonly email: number
  readonly low: number
  readonly high: number
  readonly savedMs: number
  readonly uidl: string | null
}

/** A run of UIDs whose messages are gone. */
export interface Expunged {
  readonly modSeq: ModSeq
  readonly first: Uid
  readonly last: Uid
  readonly atMs: number
}

export interface Gone {
  readonly modSeq: ModSeq
  readonly mailbox: number
  readonly createdModSeq: ModSeq
  readonly atMs: number
}

/** An email that lost a message. */
export interface Removal {
  readonly modSeq: ModSeq
  readonly email: number
  readonly thread: number
  readonly createdModSeq: ModSeq
  readonly atMs: number
}

export interface EmailEntry {
  readonly id: number
  readonly account: AccountId
  readonly content: number
  /** Messages that hold it. */
  readonly refs: number
  readonly dateMs: number
  readonly offsetMinutes: number
  readonly sizeBytes: number
  readonly thread: number
  readonly prefix: string
  /** Of its first message when it came. */
  readonly createdModSeq: ModSeq
}

export interface ContentEntry {
  readonly bytes: Uint8Array
  /** Emails and entries of the queue that hold it. */
  readonly refs: number
  readonly facts: Omit<ContentFacts, 'threadKeys'>
}

/** A message in the queue. */
export interface QueueEntry {
  readonly arrivalId: string
  readonly content: number
  readonly reversePath: string
  readonly prefix: string
  readonly sizeBytes: number
  readonly acceptedMs: number
  readonly expiresMs: number
  readonly submitter: AccountId | null
  /** Those that still wait. */
  readonly recipients: number
}

export interface RecipientEntry {
  readonly id: number
  readonly entry: number
  /** Of its row in the ledger. */
  readonly n: number
  readonly address: string
  readonly destination: DestinationKey
  readonly state: QueueRow['state']
  /** Of a lease: its end. */
  readonly dueMs: number
  readonly turnMs: number
  readonly fence: number
  readonly leasedUntilMs: number
  readonly attempts: number
  readonly reply: string | null
  readonly parameters: QueueParameters
  /** Leased by the commit that accepted it. */
  readonly isLeasedFromStart: boolean
}

type CounterName = 'directory' | 'account' | 'mailbox' | 'credential' | 'content' | 'email' | 'entry' | 'recipient'

function tables(undo: (() => void)[]) {
  const rows = <Key, Row>(): Rows<Key, Row> => new Rows<Key, Row>(undo)
  return {
    directory: {
      domains: rows<string, string>(),
      accounts: rows<AccountId, AccountEntry>(),
      credentials: rows<number, CredentialEntry>(),
      aliases: rows<string, readonly string[]>(),
      settings: rows<string, string>(),
    },
    mail: {
      mailboxes: rows<number, MailboxRow>(),
      subscriptions: rows<AccountId, readonly string[]>(),
      /** By bit: those of the account, behind those that every account has. */
      flagNames: rows<AccountId, readonly string[]>(),
      /** Of a mailbox, in UID order. */
      messages: rows<number, readonly MessageEntry[]>(),
      /** Of a mailbox: what was taken out of it, in the order of modSeqs. */
      expunged: rows<number, readonly Expunged[]>(),
      /** Of an account: its mailboxes that are gone. */
      gone: rows<AccountId, readonly Gone[]>(),
      /** Of an account: emails that lost a message. */
      removals: rows<AccountId, readonly Removal[]>(),
      emails: rows<number, EmailEntry>(),
      contents: rows<number, ContentEntry>(),
      /** By account and key: the thread that a subject and a message id belong to. */
      threads: rows<string, number>(),
    },
    queue: {
      entries: rows<number, QueueEntry>(),
      recipients: rows<number, RecipientEntry>(),
      attempts: rows<number, readonly QueueAttempt[]>(),
      /** Of an arrival, in the order of their numbers. */
      ledger: rows<string, readonly LedgerRow[]>(),
    },
    counters: rows<CounterName, number>(),
  }
}

/** Names of the flag bits that every account has. */
export const flagsOfAll: readonly string[] = [...systemFlags, ...wellKnownKeywords]

export class State {
  readonly #undo: (() => void)[] = []
  readonly #tables = tables(this.#undo)
  readonly directory = this.#tables.directory
  readonly mail = this.#tables.mail
  readonly queue = this.#tables.queue
  readonly changes = new GroupChanges()

  /** Before each commit. */
  begin(): void {
    this.#undo.length = 0
    this.changes.begin()
  }

  /** The commit is refused: everything is as it was. */
  undo(): void {
    for (const step of this.#undo.splice(0).reverse()) step()
    this.changes.undo()
  }

  next(counter: CounterName): number {
    const number = this.counter(counter)
    this.#tables.counters.set(counter, number + 1)
    return number
  }

  /** The counter as it is. */
  counter(counter: CounterName): number {
    return this.#tables.counters.get(counter) ?? 1
  }

  directoryChanged(domain?: DomainChange): void {
    this.next('directory')
    const version = this.counter('directory')
    this.changes.push(domain ? { kind: 'directory', version, domain } : { kind: 'directory', version })
  }

  account(id: AccountId): AccountEntry {
    const account = this.directory.accounts.get(id)
    if (!account) throw new StoreRefusal('noSuchAccount', `No account with id ${id}`)
    return account
  }

  editAccount(id: AccountId, edit: Partial<AccountEntry>): void {
    this.directory.accounts.set(id, { ...this.account(id), ...edit })
  }

  nextModSeq(account: AccountId): ModSeq {
    const after = this.account(account).modSeq
    const modSeq = (after + 1) as ModSeq
    this.editAccount(account, { modSeq })
    this.changes.reached(account, after, modSeq)
    return modSeq
  }

  /** Messages that came to an account, or left it. */
  messagesCame(account: AccountId, messages: number, bytes: number): void {
    const { usedMessages, usedBytes } = this.account(account)
    this.editAccount(account, { usedMessages: usedMessages + messages, usedBytes: usedBytes + bytes })
  }

  mailbox(id: number): MailboxRow {
    const mailbox = this.mail.mailboxes.get(id)
    if (!mailbox) throw new StoreRefusal('noSuchMailbox', `No mailbox with id ${id}`)
    return mailbox
  }

  editMailbox(id: number, edit: Partial<MailboxRow>): void {
    this.mail.mailboxes.set(id, { ...this.mailbox(id), ...edit })
  }

  mailboxesOf(account: AccountId): MailboxRow[] {
    return this.mail.mailboxes
      .all()
      .filter((row) => row.account === account)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  mailboxByName(account: AccountId, name: string): MailboxRow | undefined {
    return this.mail.mailboxes.all().find((row) => row.account === account && row.name === name)
  }

  messages(mailbox: number): readonly MessageEntry[] {
    return this.mail.messages.get(mailbox) ?? []
  }

  flagNames(account: AccountId): readonly string[] {
    return this.mail.flagNames.get(account) ?? flagsOfAll
  }

  /** Names to bits; a keyword that is new to the account gets one. docs/architecture.md §6. */
  bits(account: AccountId, flags: readonly string[]): FlagBits {
    let [low, high] = [0, 0]
    for (const flag of flags) {
      const known = this.flagNames(account).findIndex((name) => name.toLowerCase() === flag.toLowerCase())
      const bit = known >= 0 ? known : this.#newKeyword(account, flag)
      if (bit < flagWordBits) low |= 1 << bit
      else high |= 1 << (bit - flagWordBits)
    }
    return { low, high }
  }

  #newKeyword(account: AccountId, name: string): number {
    const names = this.flagNames(account)
    const bit = names.length
    if (bit >= flagsMax)
      throw new StoreRefusal('tooManyKeywords', `An account has at most ${flagsMax} flags and keywords`)
    this.mail.flagNames.set(account, [...names, name])
    // So that a node which missed the name sees that it did.
    this.nextModSeq(account)
    this.changes.push({ kind: 'flagName', account, bit, name })
    return bit
  }

  /** One holder more, or fewer. */
  refContent(id: number, by: 1 | -1): void {
    const content = this.mail.contents.get(id)!
    this.mail.contents.set(id, { ...content, refs: content.refs + by })
  }

  refEmail(id: number, by: 1 | -1): void {
    const email = this.mail.emails.get(id)!
    this.mail.emails.set(id, { ...email, refs: email.refs + by })
  }

  note(row: LedgerRow): void {
    this.queue.ledger.set(row.arrivalId, [...(this.queue.ledger.get(row.arrivalId) ?? []), row])
  }
}
