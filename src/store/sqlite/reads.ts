/** Reads by key on the engine's rows, in bounded pages; no statement lives across an await. */
import type { AccountId, ModSeq, Uid } from '../../mail/ids.ts'
import { createHash } from 'node:crypto'
import { StoredBytes, type ContentFiles, type ContentSource } from '../contents/reader.ts'
import type { Change } from '../changes.ts'
import type { EmailChanges, EmailPosition, EmailRow, ThreadRow } from '../emails.ts'
import type { KeywordRow, TablePage } from '../engine.ts'
import type {
  Account,
  Alias,
  LedgerRow,
  MailboxRow,
  QueueAttempt,
  QueueFilter,
  QueueRow,
  StoreCounts,
  User,
} from '../entities.ts'
import type {
  LedgerPage,
  MessageIdentity,
  MessagePages,
  QueuedMessage,
  QueuePage,
  QueueShape,
  RowNeed,
} from '../store.ts'
import { Statements, type Database, type Row } from './driver.ts'
import type { Clock } from '../../base/clock.ts'
import { CheckedContents } from '../contents/checked.ts'
import { WrittenLately } from '../contents/written-lately.ts'
import { accountChanges } from './changes.ts'
import { emailChanges, emails, mailboxesGone, threads } from './emails.ts'
import { messageRows } from './message-rows.ts'
import { readSnapshot } from './snapshot.ts'
import { messagePage, takeFours } from './packed.ts'
import {
  ledgerColumns,
  ledgerWhere,
  queueSelect,
  queueShape,
  queueSiblings,
  queueWhere,
  toQueueRow,
} from './queue-reads.ts'

const accountColumns = 'id, name, disabled, restriction, quotaBytes, usedBytes, usedMessages'
const mailboxColumns =
  'id, account, name, role, uidValidity, uidNext, highestModSeq, createdModSeq, propertyModSeq, recentUid, messages, unseen, deleted, sizeBytes'

function toAccount(row: Row): Account {
  return { ...(row as unknown as Account), disabled: row['disabled'] === 1 }
}

export class SqliteReads {
  readonly #statements: Statements
  readonly #files: ContentFiles
  readonly #checked: CheckedContents

  /** @param damaged told once of each content that cannot be read. */
  constructor(
    db: Database,
    files: ContentFiles,
    clock: Clock,
    damaged: (content: number, source: ContentSource, problem: string) => void = () => {},
  ) {
    this.#statements = new Statements(db)
    this.#files = files
    const digest = (id: number): Uint8Array | undefined =>
      this.#sql('SELECT digest FROM content WHERE id = ?').get(id)?.['digest'] as Uint8Array | undefined
    const newest = (): number => (this.#sql('SELECT max(id) AS id FROM content').get()!['id'] as number | null) ?? 0
    this.#checked = new CheckedContents(files, digest, damaged, new WrittenLately(clock, newest))
  }

  #sql(text: string) {
    return this.#statements.sql(text)
  }

  mailboxId(account: AccountId, name: string): number | undefined {
    return this.mailboxByName(account, name)?.id
  }

  user(name: string): User | undefined {
    const row = this.account(name)
    if (!row) return undefined
    const { id, disabled, restriction, quotaBytes } = row
    // Every account is made with one; without it, filings are refused.
    const inbox = this.mailboxByName(id, 'INBOX')?.id ?? 0
    return { id, name: row.name, disabled, restriction, quotaBytes, inbox }
  }

  domains(): readonly string[] {
    return this.#sql('SELECT name FROM domain ORDER BY name')
      .all()
      .map((row) => row['name'] as string)
  }

  account(name: string): Account | undefined {
    const row = this.#sql(`SELECT ${accountColumns} FROM account WHERE name = ?`).get(name)
    return row && toAccount(row)
  }

  accountById(id: AccountId): Account | undefined {
    const row = this.#sql(`SELECT ${accountColumns} FROM account WHERE id = ?`).get(id)
    return row && toAccount(row)
  }

  usedBytes(id: AccountId): number {
    return (this.#sql('SELECT usedBytes FROM account WHERE id = ?').get(id)?.['usedBytes'] as number | undefined) ?? 0
  }

  accounts(after: string, limit: number): readonly Account[] {
    return this.#sql(`SELECT ${accountColumns} FROM account WHERE name > ? ORDER BY name LIMIT ?`)
      .all(after, limit)
      .map(toAccount)
  }

  alias(address: string): Alias | undefined {
    const row = this.#sql('SELECT address, targets FROM alias WHERE address = ?').get(address)
    return row && { address, targets: JSON.parse(row['targets'] as string) as string[] }
  }

  aliases(after: string, limit: number): readonly Alias[] {
    return this.#sql('SELECT address, targets FROM alias WHERE address > ? ORDER BY address LIMIT ?')
      .all(after, limit)
      .map((row) => ({ address: row['address'] as string, targets: JSON.parse(row['targets'] as string) as string[] }))
  }

  credentials(
    account: AccountId,
    type: string,
  ): readonly { readonly id: number; readonly name: string; readonly value: string }[] {
    return this.#sql('SELECT id, name, value FROM credential WHERE account = ? AND type = ? ORDER BY id DESC').all(
      account,
      type,
    ) as unknown as { id: number; name: string; value: string }[]
  }

  setting(name: string): string | undefined {
    return this.#sql('SELECT value FROM setting WHERE name = ?').get(name)?.['value'] as string | undefined
  }

  mailboxes(account: AccountId): readonly MailboxRow[] {
    return this.#sql(`SELECT ${mailboxColumns} FROM mailbox WHERE account = ? ORDER BY name`).all(
      account,
    ) as unknown as MailboxRow[]
  }

  mailbox(id: number): MailboxRow | undefined {
    return this.#sql(`SELECT ${mailboxColumns} FROM mailbox WHERE id = ?`).get(id) as unknown as MailboxRow | undefined
  }

  mailboxByName(account: AccountId, name: string): MailboxRow | undefined {
    return this.#sql(`SELECT ${mailboxColumns} FROM mailbox WHERE account = ? AND name = ?`).get(
      account,
      name,
    ) as unknown as MailboxRow | undefined
  }

  subscriptions(account: AccountId): readonly string[] {
    return this.#sql('SELECT name FROM subscription WHERE account = ? ORDER BY name')
      .all(account)
      .map((row) => row['name'] as string)
  }

  keywords(account: AccountId): readonly KeywordRow[] {
    return this.#sql('SELECT bit, name FROM keyword WHERE account = ?').all(account) as unknown as KeywordRow[]
  }

  modSeq(account: AccountId): ModSeq {
    const row = this.#sql('SELECT modSeq FROM account WHERE id = ?').get(account)
    return ((row?.['modSeq'] as number | undefined) ?? 0) as ModSeq
  }

  directoryVersion(): number {
    return this.#sql('SELECT directory FROM log').get()!['directory'] as number
  }

  changes(account: AccountId, after: ModSeq): Generator<readonly Change[], void> {
    return accountChanges(this.#statements, account, after)
  }

  emails(account: AccountId, ids: readonly number[]): readonly EmailRow[] {
    return emails(this.#statements, account, ids)
  }

  threads(account: AccountId, ids: readonly number[]): readonly ThreadRow[] {
    return threads(this.#statements, account, ids)
  }

  emailChanges(account: AccountId, after: EmailPosition, limit: number): EmailChanges | undefined {
    return emailChanges(this.#statements, account, after, limit)
  }

  mailboxesGone(account: AccountId, after: ModSeq): readonly number[] | undefined {
    return mailboxesGone(this.#statements, account, after)
  }

  tablePage(mailbox: number, after: number): TablePage {
    const kept = after === 0 && readSnapshot(this.#statements, mailbox)
    if (kept) return kept
    const { packed, count } = messagePage(this.#statements, mailbox, after + 1, 0xffff_ffff)
    const uids = new Uint32Array(count)
    const flagsLow = new Uint32Array(count)
    const flagsHigh = new Uint32Array(count)
    const modSeqs = new Float64Array(count)
    let at = 0
    const take = (uid: number, low: number, high: number, modSeq: number): void => {
      uids[at] = uid
      flagsLow[at] = low
      flagsHigh[at] = high
      modSeqs[at++] = modSeq
    }
    if (count > 0) takeFours(packed, take)
    return { uids, flagsLow, flagsHigh, modSeqs }
  }

  rows(mailbox: number, uids: Uint32Array, need: RowNeed): MessagePages {
    return messageRows(this.#statements, this.#files, this.#checked, mailbox, uids, need)
  }

  queue(after: number, limit: number): readonly QueueRow[] {
    return this.#sql(`${queueSelect} WHERE r.id > ? ORDER BY r.id LIMIT ?`).all(after, limit).map(toQueueRow)
  }

  queueRecipient(id: number): QueueRow | undefined {
    const row = this.#sql(`${queueSelect} WHERE r.id = ?`).get(id)
    return row && toQueueRow(row)
  }

  queueWhere(filter: QueueFilter, after: number, limit: number): QueuePage {
    return queueWhere(this.#statements, filter, after, limit)
  }

  queueSiblings(row: QueueRow, limit: number): readonly QueueRow[] {
    return queueSiblings(this.#statements, row, limit)
  }

  queueAttempts(recipient: number): readonly QueueAttempt[] {
    return this.#sql('SELECT n, atMs, reply FROM attempt WHERE recipient = ? ORDER BY n').all(
      recipient,
    ) as unknown as QueueAttempt[]
  }

  queueShape(after: number, nowMs: number): QueueShape {
    return queueShape(this.#statements, after, nowMs)
  }

  identities(mailbox: number, after: number, limit: number): readonly MessageIdentity[] {
    return this.#sql(
      `SELECT m.uid, e.dateMs, e.prefix, c.digest FROM message m JOIN email e ON e.id = m.email JOIN content c ON c.id = e.content
       WHERE m.mailbox = ? AND m.uid > ? ORDER BY m.uid LIMIT ?`,
    )
      .all(mailbox, after, limit)
      .map((row) => ({ uid: row['uid'] as Uid, identity: identityOf(row) }))
  }

  queueDue(): number | undefined {
    const ready = this.#sql("SELECT dueMs FROM recipient WHERE state = 'ready' ORDER BY turnMs, id LIMIT 1").get()
    const later = this.#sql(
      "SELECT dueMs FROM recipient WHERE state IN ('deferred', 'leased') ORDER BY dueMs LIMIT 1",
    ).get()
    const dues = [ready, later].flatMap((row) => (row ? [row['dueMs'] as number] : []))
    return dues.length === 0 ? undefined : Math.min(...dues)
  }

  queuedContent(entry: number): QueuedMessage | undefined {
    const row = this.#sql(
      "SELECT c.id, c.segment, c.position, c.file, c.size AS contentSize, c.bodyStructure <> '' AS indexed, q.prefix FROM queueEntry q JOIN content c ON c.id = q.content WHERE q.id = ?",
    ).get(entry)
    if (!row) return undefined
    const source = sourceOf(row)
    // What goes to another host is looked at first: it cannot be taken back.
    const { held, problem } = this.#checked.loadSync({ id: row['id'] as number, source })
    const bytes = new StoredBytes(this.#files, source, row['prefix'] as string, held, problem)
    return Object.assign(bytes, { indexed: row['indexed'] === 1 })
  }

  ledger(arrivalId: string): readonly LedgerRow[] {
    return this.#sql(`SELECT ${ledgerColumns} FROM ledger WHERE arrivalId = ? ORDER BY n`).all(
      arrivalId,
    ) as unknown as LedgerRow[]
  }

  ledgerWhere(after: string, before: string, recipient: string | undefined, limit: number): LedgerPage {
    return ledgerWhere(this.#statements, after, before, recipient, limit)
  }

  messagesFrom(mailbox: number, uid: Uid): { count: number; next?: Uid } {
    const next = this.#sql(
      `SELECT uid FROM message WHERE mailbox = ? AND uid >= ? ORDER BY uid LIMIT 1 OFFSET ${countedMax}`,
    ).get(mailbox, uid)?.['uid'] as Uid | undefined
    if (next !== undefined) return { count: countedMax, next }
    const row = this.#sql('SELECT count(*) AS n FROM message WHERE mailbox = ? AND uid >= ?').get(mailbox, uid)
    return { count: row!['n'] as number }
  }

  counts(): StoreCounts {
    const sql = 'SELECT accounts, messages, contents, recipients AS queued FROM log'
    return { ...(this.#sql(sql).get() as unknown as StoreCounts) }
  }
}

/** Messages that one call counts: a millisecond or two. */
const countedMax = 20_000

/** 48 bits of a digest over everything that must agree: two messages of one mailbox share it when they are copies. */
export function identityOf(row: Row): number {
  return createHash('sha256')
    .update(row['digest'] as Uint8Array)
    .update(`${String(row['dateMs'])} ${String(row['prefix'])}`)
    .digest()
    .readUIntBE(0, 6)
}

export function sourceOf(row: Row): ContentSource {
  return {
    segment: row['segment'] as number,
    position: row['position'] as number,
    file: row['file'] as string | null,
    sizeBytes: row['contentSize'] as number,
  }
}
