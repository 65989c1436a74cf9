/** Reads by key on the engine's rows, in bounded pages; no statement lives across an await. */
import type { MessageBytes } from '../../mail/content.ts'
import { systemFlags, wellKnownKeywords } from '../../mail/flags.ts'
import { readRuns, runMaxBytes, StoredBytes, type ContentFiles, type ContentSource } from '../contents/reader.ts'
import type {
  Account,
  Alias,
  LedgerRow,
  MailboxRow,
  QueueParameters,
  QueueRow,
  StoreCounts,
  User,
} from '../entities.ts'
import type { MessageRow, RowNeed } from '../store.ts'
import { MessageTable } from '../table.ts'
import { Statements, type Database, type Row } from './driver.ts'
import { messagePage, takeFours } from './packed.ts'

/** Rows of a page of messages; with their bytes a page also ends at this many bytes. */
const pageRows = 256
const pageBytes = 2 * runMaxBytes

const accountColumns = 'id, name, disabled, quotaBytes, usedBytes, usedMessages'
const mailboxColumns =
  'id, account, name, role, uidValidity, uidNext, highestModSeq, recentUid, messages, unseen, deleted, sizeBytes'

function toAccount(row: Row): Account {
  return { ...(row as unknown as Account), disabled: row['disabled'] === 1 }
}

export class SqliteReads {
  readonly #statements: Statements
  readonly #files: ContentFiles
  #domains: readonly string[] | undefined
  #domainSet = new Set<string>()
  readonly #users = new Map<string, User | undefined>()
  readonly #aliases = new Map<string, Alias | undefined>()
  readonly #inboxes = new Map<number, number | undefined>()
  readonly #flagNames = new Map<number, (string | undefined)[]>()

  constructor(db: Database, files: ContentFiles) {
    this.#statements = new Statements(db)
    this.#files = files
  }

  #sql(text: string) {
    return this.#statements.sql(text)
  }

  /** The directory changed: what is remembered of it is read again. */
  forgetDirectory(): void {
    this.#domains = undefined
    this.#users.clear()
    this.#aliases.clear()
    this.#inboxes.clear()
  }

  user(name: string): User | undefined {
    return remembered(this.#users, name, () => {
      const row = this.account(name)
      return row && { id: row.id, name: row.name, disabled: row.disabled, quotaBytes: row.quotaBytes }
    })
  }

  inbox(account: number): number | undefined {
    return remembered(this.#inboxes, account, () => this.mailboxByName(account, 'INBOX')?.id)
  }

  learnFlagName(account: number, bit: number, name: string): void {
    const names = this.#flagNames.get(account)
    if (names) names[bit] = name
  }

  domains(): readonly string[] {
    if (!this.#domains) {
      this.#domains = this.#sql('SELECT name FROM domain ORDER BY name')
        .all()
        .map((row) => row['name'] as string)
      this.#domainSet = new Set(this.#domains)
    }
    return this.#domains
  }

  isLocalDomain(domain: string): boolean {
    this.domains()
    return this.#domainSet.has(domain)
  }

  account(name: string): Account | undefined {
    const row = this.#sql(`SELECT ${accountColumns} FROM account WHERE name = ?`).get(name)
    return row && toAccount(row)
  }

  accountById(id: number): Account | undefined {
    const row = this.#sql(`SELECT ${accountColumns} FROM account WHERE id = ?`).get(id)
    return row && toAccount(row)
  }

  accounts(after: string, limit: number): readonly Account[] {
    return this.#sql(`SELECT ${accountColumns} FROM account WHERE name > ? ORDER BY name LIMIT ?`)
      .all(after, limit)
      .map(toAccount)
  }

  alias(address: string): Alias | undefined {
    return remembered(this.#aliases, address, () => {
      const row = this.#sql('SELECT address, targets FROM alias WHERE address = ?').get(address)
      return row && { address, targets: JSON.parse(row['targets'] as string) as string[] }
    })
  }

  aliases(after: string, limit: number): readonly Alias[] {
    return this.#sql('SELECT address, targets FROM alias WHERE address > ? ORDER BY address LIMIT ?')
      .all(after, limit)
      .map((row) => ({ address: row['address'] as string, targets: JSON.parse(row['targets'] as string) as string[] }))
  }

  credentials(
    account: number,
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

  mailboxes(account: number): readonly MailboxRow[] {
    return this.#sql(`SELECT ${mailboxColumns} FROM mailbox WHERE account = ? ORDER BY name`).all(
      account,
    ) as unknown as MailboxRow[]
  }

  mailbox(id: number): MailboxRow | undefined {
    return this.#sql(`SELECT ${mailboxColumns} FROM mailbox WHERE id = ?`).get(id) as unknown as MailboxRow | undefined
  }

  mailboxByName(account: number, name: string): MailboxRow | undefined {
    return this.#sql(`SELECT ${mailboxColumns} FROM mailbox WHERE account = ? AND name = ?`).get(
      account,
      name,
    ) as unknown as MailboxRow | undefined
  }

  subscriptions(account: number): readonly string[] {
    return this.#sql('SELECT name FROM subscription WHERE account = ? ORDER BY name')
      .all(account)
      .map((row) => row['name'] as string)
  }

  flagNames(account: number): readonly (string | undefined)[] {
    let names = this.#flagNames.get(account)
    if (!names) {
      names = [...systemFlags, ...wellKnownKeywords]
      for (const row of this.#sql('SELECT bit, name FROM keyword WHERE account = ?').all(account)) {
        names[row['bit'] as number] = row['name'] as string
      }
      this.#flagNames.set(account, names)
    }
    return names
  }

  /** One page of a table's load: messages behind `after`. @returns how many. */
  tablePage(mailbox: number, after: number, table: MessageTable): number {
    const page = messagePage(this.#statements, mailbox, after + 1, 0xffff_ffff)
    if (page.count > 0) takeFours(page.packed, (uid, low, high, modSeq) => table.push(uid, low, high, modSeq))
    return page.count
  }

  async *rows(mailbox: number, uids: Uint32Array, need: RowNeed): AsyncIterable<readonly MessageRow[]> {
    let at = 0
    while (at < uids.length) {
      const page = this.#pageRows(mailbox, uids, at, need)
      const rows = need.bytes ? await this.#withBytes(page.rows) : page.rows.map((row) => toMessageRow(row))
      at = page.next
      if (rows.length > 0) yield rows
    }
  }

  #pageRows(mailbox: number, uids: Uint32Array, at: number, need: RowNeed): { rows: Row[]; next: number } {
    const end = Math.min(uids.length, at + pageRows)
    const first = uids[at]!
    const last = uids[end - 1]!
    const columns = rowColumns(need)
    let found: Row[]
    if (last - first < (end - at) * 4) {
      // Nearly all of a span: one statement, and what was not asked for is dropped.
      const span = this.#sql(`${columns} WHERE m.mailbox = ? AND m.uid BETWEEN ? AND ? ORDER BY m.uid`).all(
        mailbox,
        first,
        last,
      )
      if (span.length === end - at && end - at === last - first + 1) found = span
      else {
        const wanted = new Set(uids.subarray(at, end))
        found = span.filter((row) => wanted.has(row['uid'] as number))
      }
    } else {
      const one = this.#sql(`${columns} WHERE m.mailbox = ? AND m.uid = ?`)
      found = []
      for (let i = at; i < end; i++) {
        const row = one.get(mailbox, uids[i]!)
        if (row) found.push(row)
      }
    }
    if (!need.bytes) return { rows: found, next: end }
    let bytes = 0
    for (let i = 0; i < found.length; i++) {
      const size = found[i]!['size'] as number
      bytes += Math.min(size, runMaxBytes)
      if (bytes > pageBytes && i > 0) {
        const next = at + lowerBound(uids.subarray(at, end), found[i]!['uid'] as number)
        return { rows: found.slice(0, i), next }
      }
    }
    return { rows: found, next: end }
  }

  async #withBytes(rows: readonly Row[]): Promise<MessageRow[]> {
    const sources = rows.map(sourceOf)
    const held = await readRuns(this.#files, sources)
    return rows.map((row, i) =>
      toMessageRow(row, new StoredBytes(this.#files, sources[i]!, row['prefix'] as string, held[i])),
    )
  }

  queue(after: number, limit: number): readonly QueueRow[] {
    return this.#sql(`${queueSelect} WHERE r.id > ? ORDER BY r.id LIMIT ?`).all(after, limit).map(toQueueRow)
  }

  queueRecipient(id: number): QueueRow | undefined {
    const row = this.#sql(`${queueSelect} WHERE r.id = ?`).get(id)
    return row && toQueueRow(row)
  }

  queueDue(): number | undefined {
    const ready = this.#sql("SELECT min(dueMs) AS due FROM recipient WHERE state = 'ready'").get()!['due'] as
      number | null
    const leased = this.#sql("SELECT min(dueMs) AS due FROM recipient WHERE state = 'leased'").get()!['due'] as
      number | null
    if (ready === null) return leased ?? undefined
    return leased === null ? ready : Math.min(ready, leased)
  }

  queuedContent(entry: number): MessageBytes | undefined {
    const row = this.#sql(
      'SELECT c.segment, c.position, c.file, c.size AS contentSize, q.prefix FROM queueEntry q JOIN content c ON c.id = q.content WHERE q.id = ?',
    ).get(entry)
    return row && new StoredBytes(this.#files, sourceOf(row), row['prefix'] as string)
  }

  ledger(arrivalId: string): readonly LedgerRow[] {
    return this.#sql(
      'SELECT arrivalId, recipient, acceptedMs AS acceptedAtMs, outcome, endedMs AS endedAtMs, detail FROM ledger WHERE arrivalId = ? ORDER BY n',
    ).all(arrivalId) as unknown as LedgerRow[]
  }

  counts(): StoreCounts {
    const one = (sql: string): number => this.#sql(sql).get()!['n'] as number
    return {
      accounts: one('SELECT count(*) AS n FROM account'),
      messages: one('SELECT coalesce(sum(messages), 0) AS n FROM mailbox'),
      contents: one('SELECT count(*) AS n FROM content'),
      queued: one('SELECT count(*) AS n FROM recipient'),
      segments: one('SELECT count(DISTINCT segment) AS n FROM content WHERE segment > 0'),
      walBytes: 0,
    }
  }
}

/** Addresses remembered, those that nobody has among them: the oldest go first, so that probing cannot fill the memory. */
const rememberedMax = 50_000

function remembered<Key, Value>(
  cache: Map<Key, Value | undefined>,
  key: Key,
  read: () => Value | undefined,
): Value | undefined {
  const known = cache.get(key)
  if (known !== undefined || cache.has(key)) return known
  const value = read()
  if (cache.size >= rememberedMax) cache.delete(cache.keys().next().value!)
  cache.set(key, value)
  return value
}

const queueSelect = `SELECT r.id, r.entry, e.arrivalId, e.reversePath, r.address, r.destination, r.state, r.attempts,
  e.acceptedMs AS acceptedAtMs, r.dueMs AS nextAttemptMs, e.expiresMs AS expiresAtMs, r.fence, r.leasedUntilMs, r.reply AS lastReply,
  r.parameters, e.size AS sizeBytes, length(e.prefix) AS prefixBytes FROM recipient r JOIN queueEntry e ON e.id = r.entry`

function toQueueRow(row: Row): QueueRow {
  return { ...(row as unknown as QueueRow), parameters: JSON.parse(row['parameters'] as string) as QueueParameters }
}

/** The columns that were asked for: an ENVELOPE that nobody wants is not copied out of the page. */
function rowColumns(need: RowNeed): string {
  const extra = [
    need.envelope ? ', c.envelope' : '',
    need.body ? ', c.body' : '',
    need.bodyStructure ? ', c.bodyStructure' : '',
    need.bytes ? ', c.segment, c.position, c.file, c.size AS contentSize, e.prefix' : '',
  ].join('')
  const content = extra === '' ? '' : ' JOIN content c ON c.id = e.content'
  return `SELECT m.uid, m.email, m.savedMs, m.uidl, e.dateMs, e.dateOffset, e.size, e.thread${extra} FROM message m JOIN email e ON e.id = m.email${content}`
}

export function sourceOf(row: Row): ContentSource {
  return {
    segment: row['segment'] as number,
    position: row['position'] as number,
    file: row['file'] as string | null,
    sizeBytes: row['contentSize'] as number,
  }
}

function toMessageRow(row: Row, bytes?: MessageBytes): MessageRow {
  return {
    uid: row['uid'] as number,
    internalDate: { epochMs: row['dateMs'] as number, offsetMinutes: row['dateOffset'] as number },
    sizeBytes: row['size'] as number,
    emailId: row['email'] as number,
    threadId: row['thread'] as number,
    saveDateMs: row['savedMs'] as number,
    uidl: row['uidl'] as string | null,
    envelope: row['envelope'] as string | undefined,
    body: row['body'] as string | undefined,
    bodyStructure: row['bodyStructure'] as string | undefined,
    bytes,
  }
}

/** The index of the first element that is not less than `value`. */
function lowerBound(values: Uint32Array, value: number): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (values[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}
