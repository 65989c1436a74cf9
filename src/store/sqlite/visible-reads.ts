/**
 * The reads that the store publishes: promises, none of which misses what was answered. A message whose commit is durable but
 * whose rows are to come is waited for; late rows (docs/architecture.md §1) are written first. Other reads are never behind an answer:
 * only arrivals are answered before their rows.
 */
import type { AccountId, ModSeq, Uid } from '../../mail/ids.ts'
import type { SearchKey, UidRanges } from '../../mail/search-key.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Change } from '../changes.ts'
import type { EmailChanges, EmailPosition, EmailRow, ThreadRow } from '../emails.ts'
import type { KeywordRow, EngineRows, TablePage } from '../engine.ts'
import type { Account, AddressRows, Alias, MailboxRow, QueueFilter, QueueRow, StoreCounts, User } from '../entities.ts'
import type {
  Credential,
  LedgerPage,
  MessageIdentity,
  MessagePages,
  QueuedMessage,
  QueuePage,
  QueueShape,
  RowNeed,
  SearchOptions,
  StoreReads,
} from '../store.ts'
import type { Promised } from './promised.ts'
import type { SqliteReads } from './reads.ts'

/** Mailboxes whose account is remembered; it never changes. */
const accountsMax = 10_000

export interface VisibleReadsTools {
  readonly reads: SqliteReads
  readonly promised: Promised
  /** Resolves when every record has its rows; undefined: it has. */
  allRows(): Promise<unknown> | undefined
  search(
    account: AccountId,
    mailbox: number,
    key: SearchKey,
    within: UidRanges,
    options?: SearchOptions,
  ): Promise<Uint32Array>
}

export class VisibleReads implements EngineRows {
  readonly #tools: VisibleReadsTools
  readonly #reads: SqliteReads
  readonly #promised: Promised
  readonly #accounts = new BoundedMap<number, AccountId>(accountsMax)

  constructor(tools: VisibleReadsTools) {
    this.#tools = tools
    this.#reads = tools.reads
    this.#promised = tools.promised
  }

  upToDate(mailbox: number): Promise<void> | undefined {
    return this.#promised.mailboxes?.has(mailbox) ? this.#promised.visible() : undefined
  }

  /** undefined: nothing of the account is under way. */
  #accountUpToDate(account: AccountId): Promise<void> | undefined {
    for (const mailbox of this.#promised.mailboxes ?? []) {
      if (this.#accountOf(mailbox) === account) return this.#promised.visible()
    }
    return undefined
  }

  #accountOf(mailbox: number): AccountId | undefined {
    const known = this.#accounts.get(mailbox)
    if (known !== undefined) return known
    const account = this.#reads.mailbox(mailbox)?.account
    if (account !== undefined) this.#accounts.set(mailbox, account)
    return account
  }

  async domains(): Promise<readonly string[]> {
    return this.#reads.domains()
  }

  async user(name: string): Promise<User | undefined> {
    return this.#reads.user(name)
  }

  async address(address: string): Promise<AddressRows> {
    return { account: this.#reads.user(address), targets: this.#reads.alias(address)?.targets }
  }

  async account(name: string): Promise<Account | undefined> {
    const account = this.#reads.account(name)
    const waiting = account && this.#accountUpToDate(account.id)
    if (!waiting) return account
    await waiting
    return this.#reads.account(name)
  }

  async accountById(id: AccountId): Promise<Account | undefined> {
    await this.#accountUpToDate(id)
    return this.#reads.accountById(id)
  }

  async usedBytes(account: AccountId): Promise<number> {
    return this.#reads.usedBytes(account)
  }

  async accounts(after: string, limit: number): Promise<readonly Account[]> {
    await this.#everything()
    return this.#reads.accounts(after, limit)
  }

  async alias(address: string): Promise<Alias | undefined> {
    return this.#reads.alias(address)
  }

  async aliases(after: string, limit: number): Promise<readonly Alias[]> {
    return this.#reads.aliases(after, limit)
  }

  async credentials(account: AccountId, kind: string): Promise<readonly Credential[]> {
    return this.#reads.credentials(account, kind)
  }

  async setting(name: string): Promise<string | undefined> {
    return this.#reads.setting(name)
  }

  async mailboxes(account: AccountId): Promise<readonly MailboxRow[]> {
    await this.#accountUpToDate(account)
    return this.#reads.mailboxes(account)
  }

  async mailbox(id: number): Promise<MailboxRow | undefined> {
    await this.upToDate(id)
    return this.#reads.mailbox(id)
  }

  async mailboxByName(account: AccountId, name: string): Promise<MailboxRow | undefined> {
    await this.#accountUpToDate(account)
    return this.#reads.mailboxByName(account, name)
  }

  async mailboxId(account: AccountId, name: string): Promise<number | undefined> {
    return this.#reads.mailboxId(account, name)
  }

  async subscriptions(account: AccountId): Promise<readonly string[]> {
    return this.#reads.subscriptions(account)
  }

  async keywords(account: AccountId): Promise<readonly KeywordRow[]> {
    return this.#reads.keywords(account)
  }

  async modSeq(account: AccountId): Promise<ModSeq> {
    return this.#reads.modSeq(account)
  }

  async directoryVersion(): Promise<number> {
    return this.#reads.directoryVersion()
  }

  async *changes(account: AccountId, after: ModSeq): AsyncGenerator<readonly Change[], void> {
    await this.#accountUpToDate(account)
    yield* this.#reads.changes(account, after)
  }

  async emails(account: AccountId, ids: readonly number[]): Promise<readonly EmailRow[]> {
    await this.#accountUpToDate(account)
    return this.#reads.emails(account, ids)
  }

  async threads(account: AccountId, ids: readonly number[]): Promise<readonly ThreadRow[]> {
    await this.#accountUpToDate(account)
    return this.#reads.threads(account, ids)
  }

  async emailChanges(account: AccountId, after: EmailPosition, limit: number): Promise<EmailChanges | undefined> {
    await this.#accountUpToDate(account)
    return this.#reads.emailChanges(account, after, limit)
  }

  async mailboxesGone(account: AccountId, after: ModSeq): Promise<readonly number[] | undefined> {
    return this.#reads.mailboxesGone(account, after)
  }

  async tablePage(mailbox: number, after: number): Promise<TablePage> {
    return this.#reads.tablePage(mailbox, after)
  }

  /** What a session knows of is visible. */
  rows(mailbox: number, uids: Uint32Array, need: RowNeed): MessagePages {
    return this.#reads.rows(mailbox, uids, need)
  }

  async search(mailbox: number, key: SearchKey, within: UidRanges, options?: SearchOptions): Promise<Uint32Array> {
    await this.upToDate(mailbox)
    return this.#tools.search(this.#accountOf(mailbox) ?? (0 as AccountId), mailbox, key, within, options)
  }

  async identities(mailbox: number, after: number, limit: number): Promise<readonly MessageIdentity[]> {
    await this.upToDate(mailbox)
    return this.#reads.identities(mailbox, after, limit)
  }

  async queue(after: number, limit: number): Promise<readonly QueueRow[]> {
    await this.#everything()
    return this.#reads.queue(after, limit)
  }

  async queueWhere(filter: QueueFilter, after: number, limit: number): Promise<QueuePage> {
    await this.#everything()
    return this.#reads.queueWhere(filter, after, limit)
  }

  async queueRecipient(id: number): Promise<QueueRow | undefined> {
    await this.#everything()
    return this.#reads.queueRecipient(id)
  }

  async queueSiblings(row: QueueRow, limit: number): Promise<readonly QueueRow[]> {
    await this.#everything()
    return this.#reads.queueSiblings(row, limit)
  }

  async queueAttempts(recipient: number): ReturnType<StoreReads['queueAttempts']> {
    await this.#everything()
    return this.#reads.queueAttempts(recipient)
  }

  async queueShape(after: number, nowMs: number): Promise<QueueShape> {
    await this.#everything()
    return this.#reads.queueShape(after, nowMs)
  }

  async queueDue(): Promise<number | undefined> {
    return this.#reads.queueDue()
  }

  async queuedContent(entry: number): Promise<QueuedMessage | undefined> {
    return this.#reads.queuedContent(entry)
  }

  async ledger(arrivalId: string): ReturnType<StoreReads['ledger']> {
    await this.#everything()
    return this.#reads.ledger(arrivalId)
  }

  async ledgerWhere(after: string, before: string, recipient: string | undefined, limit: number): Promise<LedgerPage> {
    await this.#everything()
    return this.#reads.ledgerWhere(after, before, recipient, limit)
  }

  async messagesFrom(mailbox: number, uid: Uid): Promise<{ readonly count: number; readonly next?: Uid }> {
    await this.upToDate(mailbox)
    return this.#reads.messagesFrom(mailbox, uid)
  }

  async counts(): Promise<StoreCounts> {
    await this.#everything()
    return this.#reads.counts()
  }

  /** Everything answered so far has its rows; where these cannot be written (a full disk), the others are read all the same. */
  async #everything(): Promise<void> {
    if (this.#promised.mailboxes) await this.#promised.visible()
    await this.#tools.allRows()?.catch(() => {})
  }
}
