/** What the writer's operations share inside a transaction: statements, counters in memory, and how to undo them. */
import type { MailboxRole } from '../../mail/special-use.ts'
import { flagsMax, flagWordBits, systemFlags, wellKnownKeywords, type FlagBits } from '../../mail/flags.ts'
import type { Change, FlagRange } from '../changes.ts'
import { StoreRefusal } from '../store.ts'
import { Statements, type Database, type Statement } from './driver.ts'
import { Journal, JournaledMap } from './journal.ts'

/** A mailbox's counters. The only writer holds them in memory and writes each changed row once a group. */
export interface MailboxState {
  readonly id: number
  readonly account: number
  name: string
  role: MailboxRole | null
  uidValidity: number
  uidNext: number
  highestModSeq: number
  recentUid: number
  messages: number
  unseen: number
  deleted: number
  sizeBytes: number
}

export interface AccountState {
  readonly id: number
  readonly name: string
  quotaBytes: number
  usedBytes: number
  usedMessages: number
  modSeq: number
  uidValidity: number
}

/** Flag names of an account by bit, and back. A new name makes a new value. */
export interface FlagNames {
  readonly byBit: readonly (string | undefined)[]
  /** Keys in lower case: keywords are case-insensitive. RFC 9051 §2.3.2. */
  readonly bits: ReadonlyMap<string, number>
}

export interface Counters {
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

interface Added {
  uids: number[]
  low: number[]
  high: number[]
  modSeqs: number[]
}

export class WriteContext {
  readonly statements: Statements
  /** Records of the log are redone: what they say was decided when they were written. */
  replaying = false
  readonly counters: Counters = { content: 1, email: 1, entry: 1, recipient: 1 }
  readonly totals: Totals = { ...noChange }
  readonly #journal = new Journal()
  readonly #mailboxes = new JournaledMap<number, MailboxState>(this.#journal)
  readonly #accounts = new JournaledMap<number, AccountState>(this.#journal)
  readonly #flagNames = new JournaledMap<number, FlagNames>(this.#journal)
  readonly #segmentUse = new JournaledMap<number, number>(this.#journal)
  readonly #dirtyMailboxes = new JournaledMap<number, MailboxState>(this.#journal)
  readonly #dirtyAccounts = new JournaledMap<number, AccountState>(this.#journal)
  changes: Change[] = []
  #changesMark = 0
  #added = new Map<number, Added>()

  constructor(db: Database) {
    this.statements = new Statements(db)
  }

  sql(text: string): Statement {
    return this.statements.sql(text)
  }

  /** Before each commit of a group that can be declined half-way. News of those before it is settled, so that undoing cannot touch it. */
  beginCommit(): void {
    this.settleAllAdded()
    this.#changesMark = this.changes.length
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
    this.changes.length = this.#changesMark
    this.#added.clear()
  }

  /** Forgets everything held in memory: the transaction was rolled back. */
  reset(): void {
    this.#mailboxes.clear()
    this.#accounts.clear()
    this.#flagNames.clear()
    this.#dirtyMailboxes.clear()
    this.#dirtyAccounts.clear()
    this.#journal.settle()
    this.changes = []
    this.#added.clear()
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
        'SELECT id, account, name, role, uidValidity, uidNext, highestModSeq, recentUid, messages, unseen, deleted, sizeBytes FROM mailbox WHERE id = ?',
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

  mailboxByName(account: number, name: string): MailboxState | undefined {
    const row = this.sql('SELECT id FROM mailbox WHERE account = ? AND name = ?').get(account, name)
    return row && this.findMailbox(row['id'] as number)
  }

  account(id: number): AccountState {
    let state = this.#accounts.get(id)
    if (!state) {
      const row = this.sql(
        'SELECT id, name, quotaBytes, usedBytes, usedMessages, modSeq, uidValidity FROM account WHERE id = ?',
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

  forgetMailbox(id: number): void {
    this.#mailboxes.delete(id)
    this.#dirtyMailboxes.delete(id)
  }

  forgetAccount(id: number): void {
    this.#accounts.delete(id)
    this.#dirtyAccounts.delete(id)
    this.#flagNames.delete(id)
  }

  nextModSeq(account: number): number {
    return ++this.editAccount(this.account(account)).modSeq
  }

  flagNames(account: number): FlagNames {
    let names = this.#flagNames.get(account)
    if (!names) {
      const byBit: (string | undefined)[] = [...systemFlags, ...wellKnownKeywords]
      for (const row of this.sql('SELECT bit, name FROM keyword WHERE account = ?').all(account)) {
        byBit[row['bit'] as number] = row['name'] as string
      }
      const bits = new Map<string, number>()
      byBit.forEach((name, bit) => name !== undefined && bits.set(name.toLowerCase(), bit))
      this.#flagNames.set(account, (names = { byBit, bits }))
    }
    return names
  }

  /** Names to bits; a keyword that is new to the account gets one. */
  flagBits(account: number, flags: readonly string[]): FlagBits {
    if (flags.length === 0) return { low: 0, high: 0 }
    let low = 0
    let high = 0
    for (const flag of flags) {
      const bit = this.flagNames(account).bits.get(flag.toLowerCase()) ?? this.#newKeyword(account, flag)
      if (bit < flagWordBits) low |= 1 << bit
      else high |= 1 << (bit - flagWordBits)
    }
    return { low, high }
  }

  #newKeyword(account: number, name: string): number {
    const { byBit, bits } = this.flagNames(account)
    const bit = byBit.length
    if (bit >= flagsMax)
      throw new StoreRefusal('tooManyKeywords', `An account has at most ${flagsMax} flags and keywords`)
    this.sql('INSERT INTO keyword (account, bit, name) VALUES (?, ?, ?)').run(account, bit, name)
    this.#flagNames.set(account, { byBit: [...byBit, name], bits: new Map(bits).set(name.toLowerCase(), bit) })
    this.changes.push({ kind: 'flagName', account, bit, name })
    return bit
  }

  /** News of a message; those of one mailbox are gathered over the group. */
  added(mailbox: number, uid: number, low: number, high: number, modSeq: number): void {
    let added = this.#added.get(mailbox)
    if (!added) {
      this.#added.set(mailbox, (added = { uids: [], low: [], high: [], modSeqs: [] }))
    }
    added.uids.push(uid)
    added.low.push(low)
    added.high.push(high)
    added.modSeqs.push(modSeq)
  }

  /** Any other change of that mailbox must come behind the arrivals before it. */
  #settleAdded(mailbox: number): void {
    const added = this.#added.get(mailbox)
    if (!added || added.uids.length === 0) return
    this.#added.delete(mailbox)
    this.changes.push({ kind: 'added', mailbox, ...added })
  }

  settleAllAdded(): void {
    for (const mailbox of [...this.#added.keys()]) this.#settleAdded(mailbox)
  }

  flagsChanged(mailbox: number, modSeq: number, ranges: readonly FlagRange[]): void {
    this.#settleAdded(mailbox)
    this.changes.push({ kind: 'flags', mailbox, modSeq, ranges })
  }

  expunged(mailbox: number, modSeq: number, uids: readonly (readonly [number, number])[]): void {
    this.#settleAdded(mailbox)
    this.changes.push({ kind: 'expunged', mailbox, modSeq, uids })
  }

  /** Writes the changed counters: once a group, however many messages came. */
  writeCounters(): void {
    for (const m of this.#dirtyMailboxes.values()) {
      this.sql(
        'UPDATE mailbox SET name = ?, role = ?, uidValidity = ?, uidNext = ?, highestModSeq = ?, recentUid = ?, messages = ?, unseen = ?, deleted = ?, sizeBytes = ? WHERE id = ?',
      ).run(
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
    this.settleAllAdded()
    const changes = this.changes
    this.changes = []
    if (this.#mailboxes.size > cachedMax) this.#mailboxes.clear()
    if (this.#accounts.size > cachedMax) this.#accounts.clear()
    if (this.#flagNames.size > cachedMax) this.#flagNames.clear()
    return changes
  }
}
