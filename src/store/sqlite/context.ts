/** What the writer's operations share inside a transaction: statements, counters in memory, and how to undo them. */
import type { AccountId, ModSeq, Uid } from '../../mail/ids.ts'
import type { MailboxRole } from '../../mail/special-use.ts'
import type { Change, DomainChange } from '../changes.ts'
import { GroupChanges } from '../group-changes.ts'
import { StoreRefusal } from '../store.ts'
import { Statements, type Database, type Statement } from './driver.ts'
import { Journal, JournaledMap } from './journal.ts'
import { Keywords } from './keywords.ts'

/** A mailbox's counters. The only writer holds them in memory and writes each changed row once a group. */
export interface MailboxState {
  readonly id: number
  readonly account: AccountId
  readonly createdModSeq: ModSeq
  propertyModSeq: ModSeq
  /** Of the last change of flags or expunge. */
  editModSeq: ModSeq
  name: string
  role: MailboxRole | null
  uidValidity: number
  uidNext: Uid
  highestModSeq: ModSeq
  recentUid: Uid
  messages: number
  unseen: number
  deleted: number
  sizeBytes: number
}

export interface AccountState {
  readonly id: AccountId
  readonly name: string
  /** 1: it receives no mail. */
  disabled: number
  quotaBytes: number
  usedBytes: number
  usedMessages: number
  modSeq: ModSeq
  uidValidity: number
}

export interface Counters {
  /** Changes of the directory so far. */
  directory: number
  content: number
  email: number
  entry: number
  recipient: number
}

/** By how much this transaction changes what there is in all; the row of the log has the sums. */
export interface Totals {
  accounts: number
  messages: number
  contents: number
  recipients: number
}

const noChange: Totals = { accounts: 0, messages: 0, contents: 0, recipients: 0 }

/** How many mailboxes and accounts keep their counters in memory between groups; beyond that the least used are read again. */
const cachedMax = 20_000

export class WriteContext {
  readonly statements: Statements
  /** Records of the log are redone: what they say was decided when they were written. */
  replaying = false
  readonly counters: Counters = { directory: 1, content: 1, email: 1, entry: 1, recipient: 1 }
  readonly totals: Totals = { ...noChange }
  readonly #journal = new Journal()
  readonly #mailboxes = new JournaledMap<number, MailboxState>(this.#journal)
  readonly #accounts = new JournaledMap<AccountId, AccountState>(this.#journal)
  readonly #segmentUse = new JournaledMap<number, number>(this.#journal)
  readonly #dirtyMailboxes = new JournaledMap<number, MailboxState>(this.#journal)
  readonly #dirtyAccounts = new JournaledMap<AccountId, AccountState>(this.#journal)
  readonly changes = new GroupChanges()
  readonly keywords: Keywords

  constructor(db: Database) {
    this.statements = new Statements(db)
    // So that a node which missed the name of a new keyword sees that it did.
    const named = (account: AccountId): unknown => this.nextModSeq(account)
    this.keywords = new Keywords(this.statements, this.#journal, this.changes, named)
  }

  sql(text: string): Statement {
    return this.statements.sql(text)
  }

  /** Before each commit of a group that can be declined half-way. News of those before it is settled, so that undoing cannot touch it. */
  beginCommit(): void {
    this.changes.begin()
    this.#journal.begin()
    this.#journal.note(this.counters)
    this.#journal.note(this.totals)
  }

  /** The commit stands. */
  settleCommit(): void {
    this.#journal.settle()
  }

  /** The commit was declined: what is held in memory goes back to what it was. Rows go back by savepoint. */
  undoCommit(): void {
    this.#journal.undo()
    this.changes.undo()
  }

  /** Forgets everything held in memory: the transaction was rolled back. */
  reset(): void {
    this.#mailboxes.clear()
    this.#accounts.clear()
    this.keywords.clear()
    this.#dirtyMailboxes.clear()
    this.#dirtyAccounts.clear()
    this.#journal.settle()
    this.changes.clear()
    this.#segmentUse.clear()
    Object.assign(this.totals, noChange)
  }

  /** Messages that came to an account, or left it. */
  messagesCame(state: AccountState, messages: number, bytes: number): void {
    const account = this.editAccount(state)
    account.usedMessages += messages
    account.usedBytes += bytes
    this.totals.messages += messages
  }

  /** What the totals are to be changed by, once: they are written with the row of the log. */
  takeTotals(): Totals {
    const totals = { ...this.totals }
    Object.assign(this.totals, noChange)
    return totals
  }

  /** Bytes that came into use in a segment, or went out of it; written once a group. */
  segmentUsed(segment: number, bytes: number): void {
    if (segment > 0) this.#segmentUse.set(segment, (this.#segmentUse.get(segment) ?? 0) + bytes)
  }

  findMailbox(id: number): MailboxState | undefined {
    let state = this.#mailboxes.get(id)
    if (!state) {
      const row = this.sql(
        'SELECT id, account, createdModSeq, propertyModSeq, editModSeq, name, role, uidValidity, uidNext, highestModSeq, recentUid, messages, unseen, deleted, sizeBytes FROM mailbox WHERE id = ?',
      ).get(id)
      if (!row) return undefined
      state = { ...row } as unknown as MailboxState
      this.#mailboxes.set(id, state)
    }
    return state
  }

  mailbox(id: number): MailboxState {
    const state = this.findMailbox(id)
    if (!state) throw new StoreRefusal('noSuchMailbox', `No mailbox with id ${id}`)
    return state
  }

  mailboxByName(account: AccountId, name: string): MailboxState | undefined {
    const row = this.sql('SELECT id FROM mailbox WHERE account = ? AND name = ?').get(account, name)
    return row && this.findMailbox(row['id'] as number)
  }

  account(id: AccountId): AccountState {
    let state = this.#accounts.get(id)
    if (!state) {
      const row = this.sql(
        'SELECT id, name, disabled, quotaBytes, usedBytes, usedMessages, modSeq, uidValidity FROM account WHERE id = ?',
      ).get(id)
      if (!row) throw new StoreRefusal('noSuchAccount', `No account with id ${id}`)
      state = { ...row } as unknown as AccountState
      this.#accounts.set(id, state)
    }
    return state
  }

  /** The state, marked as about to change. */
  editMailbox(state: MailboxState): MailboxState {
    this.#dirtyMailboxes.set(state.id, state)
    return this.#journal.note(state)
  }

  editAccount(state: AccountState): AccountState {
    this.#dirtyAccounts.set(state.id, state)
    return this.#journal.note(state)
  }

  /** Rows were changed beside them: they are read again. Between two commits only. */
  forgetStates(): void {
    this.#mailboxes.clear()
    this.#accounts.clear()
  }

  forgetMailbox(id: number): void {
    this.#mailboxes.delete(id)
    this.#dirtyMailboxes.delete(id)
  }

  forgetAccount(id: AccountId): void {
    this.#accounts.delete(id)
    this.#dirtyAccounts.delete(id)
    this.keywords.forget(id)
  }

  nextModSeq(account: AccountId): ModSeq {
    const { modSeq } = this.account(account)
    return this.reach(account, (modSeq + 1) as ModSeq)
  }

  /** The account's mod-sequence is this from now on, if it was smaller. @returns the same. */
  reach(id: AccountId, modSeq: ModSeq): ModSeq {
    const account = this.account(id)
    if (modSeq > account.modSeq) {
      this.changes.reached(id, account.modSeq, modSeq)
      this.editAccount(account).modSeq = modSeq
    }
    return modSeq
  }

  directoryChanged(domain?: DomainChange): void {
    const version = ++this.counters.directory
    this.changes.push(domain ? { kind: 'directory', version, domain } : { kind: 'directory', version })
  }

  /** Writes the changed counters: once a group, however many messages came. */
  writeCounters(): void {
    for (const m of this.#dirtyMailboxes.values()) {
      this.sql(
        'UPDATE mailbox SET propertyModSeq = ?, editModSeq = ?, name = ?, role = ?, uidValidity = ?, uidNext = ?, highestModSeq = ?, recentUid = ?, messages = ?, unseen = ?, deleted = ?, sizeBytes = ? WHERE id = ?',
      ).run(
        m.propertyModSeq,
        m.editModSeq,
        m.name,
        m.role,
        m.uidValidity,
        m.uidNext,
        m.highestModSeq,
        m.recentUid,
        m.messages,
        m.unseen,
        m.deleted,
        m.sizeBytes,
        m.id,
      )
    }
    for (const a of this.#dirtyAccounts.values()) {
      this.sql(
        'UPDATE account SET quotaBytes = ?, usedBytes = ?, usedMessages = ?, modSeq = ?, uidValidity = ? WHERE id = ?',
      ).run(a.quotaBytes, a.usedBytes, a.usedMessages, a.modSeq, a.uidValidity, a.id)
    }
    for (const [segment, bytes] of this.#segmentUse) {
      this.sql(
        'INSERT INTO segmentUse (segment, liveBytes) VALUES (?, ?) ON CONFLICT (segment) DO UPDATE SET liveBytes = liveBytes + excluded.liveBytes',
      ).run(segment, bytes)
    }
    this.#dirtyMailboxes.clear()
    this.#dirtyAccounts.clear()
    this.#segmentUse.clear()
  }

  /** After COMMIT: the group's news, in order. */
  takeChanges(): readonly Change[] {
    const changes = this.changes.take()
    if (this.#mailboxes.size > cachedMax) this.#mailboxes.clear()
    if (this.#accounts.size > cachedMax) this.#accounts.clear()
    if (this.keywords.size > cachedMax) this.keywords.clear()
    return changes
  }
}
