/** What the writer's operations share inside a transaction: statements, counters in memory, and how to undo them. */
import { flagsMax, flagWordBits, systemFlags, wellKnownKeywords, type FlagBits } from '../../mail/flags.ts'
import type { Change, FlagRange } from '../changes.ts'
import type { MailboxRole } from '../entities.ts'
import { StoreRefusal } from '../store.ts'
import { Statements, type Database, type Statement } from './driver.ts'

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

/** Flag names of an account by bit, and back. */
export interface FlagNames {
  readonly byBit: (string | undefined)[]
  /** Keys in lower case: keywords are case-insensitive. RFC 9051 §2.3.2. */
  readonly bits: Map<string, number>
}

export interface Counters {
  content: number
  email: number
  entry: number
  recipient: number
}

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
  readonly #mailboxes = new Map<number, MailboxState>()
  readonly #accounts = new Map<number, AccountState>()
  readonly #flagNames = new Map<number, FlagNames>()
  readonly #segmentUse = new Map<number, number>()
  readonly #dirtyMailboxes = new Set<MailboxState>()
  readonly #dirtyAccounts = new Set<AccountState>()
  /** State before the present commit's first change, by object; undefined values: did not exist. */
  #undo = new Map<object, object>()
  #undoSteps: (() => void)[] = []
  #counters: Counters | undefined
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
    this.#undo.clear()
    this.#undoSteps = []
    this.#counters = { ...this.counters }
    this.#changesMark = this.changes.length
  }

  /** The commit was declined: counters go back to what they were. Rows go back by savepoint. */
  undoCommit(): void {
    for (const [object, before] of this.#undo) Object.assign(object, before)
    for (const step of this.#undoSteps.reverse()) step()
    Object.assign(this.counters, this.#counters)
    this.changes.length = this.#changesMark
    this.#added.clear()
    this.beginCommit()
  }

  /** Forgets everything held in memory: the transaction was rolled back. */
  reset(): void {
    this.#mailboxes.clear()
    this.#accounts.clear()
    this.#flagNames.clear()
    this.#dirtyMailboxes.clear()
    this.#dirtyAccounts.clear()
    this.#undo.clear()
    this.#undoSteps = []
    this.changes = []
    this.#added.clear()
    this.#segmentUse.clear()
  }

  /** Bytes that came into use in a segment, or went out of it; written once a group. */
  segmentUsed(segment: number, bytes: number): void {
    if (segment > 0) this.#segmentUse.set(segment, (this.#segmentUse.get(segment) ?? 0) + bytes)
  }

  onUndo(step: () => void): void {
    this.#undoSteps.push(step)
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
    if (!this.#undo.has(state)) this.#undo.set(state, { ...state })
    this.#dirtyMailboxes.add(state)
    return state
  }

  editAccount(state: AccountState): AccountState {
    if (!this.#undo.has(state)) this.#undo.set(state, { ...state })
    this.#dirtyAccounts.add(state)
    return state
  }

  forgetMailbox(state: MailboxState): void {
    this.#mailboxes.delete(state.id)
    this.#dirtyMailboxes.delete(state)
    this.onUndo(() => this.#mailboxes.set(state.id, state))
  }

  forgetAccount(id: number): void {
    const state = this.#accounts.get(id)
    if (state) this.#dirtyAccounts.delete(state)
    this.#accounts.delete(id)
    this.#flagNames.delete(id)
  }

  nextModSeq(account: number): number {
    return ++this.editAccount(this.account(account)).modSeq
  }

  flagNames(account: number): FlagNames {
    let names = this.#flagNames.get(account)
    if (!names) {
      names = { byBit: [...systemFlags, ...wellKnownKeywords], bits: new Map() }
      for (const row of this.sql('SELECT bit, name FROM keyword WHERE account = ?').all(account)) {
        names.byBit[row['bit'] as number] = row['name'] as string
      }
      names.byBit.forEach((name, bit) => name !== undefined && names!.bits.set(name.toLowerCase(), bit))
      this.#flagNames.set(account, names)
    }
    return names
  }

  /** Names to bits; a keyword that is new to the account gets one. */
  flagBits(account: number, flags: readonly string[]): FlagBits {
    if (flags.length === 0) return { low: 0, high: 0 }
    const names = this.flagNames(account)
    let low = 0
    let high = 0
    for (const flag of flags) {
      const bit = names.bits.get(flag.toLowerCase()) ?? this.#newKeyword(account, names, flag)
      if (bit < flagWordBits) low |= 1 << bit
      else high |= 1 << (bit - flagWordBits)
    }
    return { low, high }
  }

  #newKeyword(account: number, names: FlagNames, name: string): number {
    const bit = names.byBit.length
    if (bit >= flagsMax)
      throw new StoreRefusal('tooManyKeywords', `An account has at most ${flagsMax} flags and keywords`)
    this.sql('INSERT INTO keyword (account, bit, name) VALUES (?, ?, ?)').run(account, bit, name)
    names.byBit.push(name)
    names.bits.set(name.toLowerCase(), bit)
    this.onUndo(() => {
      names.byBit.length = bit
      names.bits.delete(name.toLowerCase())
    })
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
    for (const m of this.#dirtyMailboxes) {
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
    for (const a of this.#dirtyAccounts) {
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
