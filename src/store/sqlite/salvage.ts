/**
 * Every message of a damaged data folder that can still be read, as Maildir: with its folder and flags where rows are left, else by what its
 * record says, else in a folder of what has no name. The source is only read: rows are copied first.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesOf } from '../../base/bytes.ts'
import { flagWordBits, systemFlags, wellKnownKeywords } from '../../mail/flags.ts'
import { claimedSize, headerBytes, readRecord, recordMagic, type RecordView } from '../record.ts'
import { MaildirWriter } from '../maildir.ts'
import type { Operation } from '../operations.ts'
import { openDatabase, type Database, type Row } from './driver.ts'
import type { WireContent } from './group.ts'
import { DiskContents } from '../contents/reader.ts'

export interface SalvageReport {
  /** With their account, mailbox and flags. */
  readonly named: number
  /** By what their record says: recipients, or nothing. */
  readonly byRecord: number
  /** On their way to other hosts. */
  readonly queued: number
  /** Rows whose bytes could not be read. */
  readonly unreadable: number
  /** What could not be read, a sentence each, 100 at most. */
  readonly faults: readonly string[]
}

export interface SalvageOptions {
  readonly progress?: (messages: number) => void
}

/** Rows in memory at a time. */
const pageRows = 500
const faultsMax = 100

export async function salvageFolder(
  dataFolder: string,
  out: string,
  options: SalvageOptions = {},
): Promise<SalvageReport> {
  const salvage = new Salvage(dataFolder, out, options)
  return salvage.run()
}

class Salvage {
  readonly #folder: string
  readonly #out: string
  readonly #options: SalvageOptions
  readonly #files: DiskContents
  readonly #writers = new Map<string, MaildirWriter>()
  /** Digests of contents that are in the result. */
  readonly #written = new Set<string>()
  readonly #mailboxes = new Map<number, { account: string; name: string }>()
  readonly #faults: string[] = []
  #named = 0
  #byRecord = 0
  #queued = 0
  #unreadable = 0

  constructor(folder: string, out: string, options: SalvageOptions) {
    this.#folder = folder
    this.#out = out
    this.#options = options
    this.#files = new DiskContents(folder)
  }

  run(): SalvageReport {
    const copy = mkdtempSync(join(tmpdir(), 'pennypost-salvage-'))
    try {
      this.#rows(copy)
      for (const folder of ['segments', join('lost', 'segments')]) this.#segments(join(this.#folder, folder))
      this.#quarantine()
      for (const folder of ['large', join('lost', 'large')]) this.#large(join(this.#folder, folder))
    } finally {
      this.#files.close()
      rmSync(copy, { recursive: true, force: true })
    }
    return {
      named: this.#named,
      byRecord: this.#byRecord,
      queued: this.#queued,
      unreadable: this.#unreadable,
      faults: this.#faults,
    }
  }

  #fault(what: string, error: unknown): void {
    if (this.#faults.length < faultsMax) this.#faults.push(`${what}: ${(error as Error).message}`)
  }

  #write(account: string, mailbox: string, bytes: Uint8Array, flags: readonly string[], atMs: number): void {
    let writer = this.#writers.get(account)
    if (!writer) {
      writer = new MaildirWriter(join(this.#out, account.replace(/[/\u0000-\u001f]/g, '_')))
      this.#writers.set(account, writer)
    }
    writer.write(mailbox, bytes, flags, atMs)
    const count = this.#named + this.#byRecord + this.#queued
    if (count % 100 === 0) this.#options.progress?.(count)
  }

  /** A copy, so that neither the WAL nor anything else of the source changes. */
  #rows(copy: string): void {
    let db: Database
    try {
      for (const end of ['', '-wal']) {
        const path = join(this.#folder, `pennypost.db${end}`)
        if (existsSync(path)) copyFileSync(path, join(copy, `rows.db${end}`))
      }
      if (!existsSync(join(copy, 'rows.db'))) throw new Error('there is none')
      db = openDatabase(join(copy, 'rows.db'))
    } catch (error) {
      return this.#fault('The database', error)
    }
    try {
      this.#readMailboxes(db)
      for (const [id, { account, name }] of this.#mailboxes) this.#mailbox(db, id, account, name)
      this.#queue(db)
    } catch (error) {
      this.#fault('The database', error)
    } finally {
      db.close()
    }
  }

  #readMailboxes(db: Database): void {
    const sql =
      'SELECT b.id, b.name, a.name AS account FROM mailbox b LEFT JOIN account a ON a.id = b.account WHERE b.id > ? ORDER BY b.id LIMIT 1'
    this.#each(
      'mailboxes',
      (after) => db.prepare(sql).all(after),
      'id',
      (row) => {
        const account = (row['account'] as string | null) ?? `account of mailbox ${String(row['id'])}`
        this.#mailboxes.set(row['id'] as number, { account, name: row['name'] as string })
      },
    )
  }

  #mailbox(db: Database, id: number, account: string, name: string): void {
    const sql = `SELECT m.uid, m.low, m.high, e.account, e.dateMs, e.prefix, c.digest, c.segment, c.position, c.file, c.size
      FROM message m JOIN email e ON e.id = m.email JOIN content c ON c.id = e.content
      WHERE m.mailbox = ? AND m.uid > ? ORDER BY m.uid LIMIT ${pageRows}`
    const names = this.#flagNames(db, id)
    const page = (after: number): Row[] => db.prepare(sql).all(id, after)
    this.#each(`messages of ${name} of ${account}`, page, 'uid', (row) => {
      const bytes = this.#content(row)
      if (!bytes) return
      const flags = flagsOf(row['low'] as number, row['high'] as number, names)
      this.#named++
      this.#write(
        account,
        name,
        Buffer.concat([bytesOf(row['prefix'] as string), bytes]),
        flags,
        row['dateMs'] as number,
      )
    })
  }

  #flagNames(db: Database, mailbox: number): readonly (string | undefined)[] {
    const names: (string | undefined)[] = [...systemFlags, ...wellKnownKeywords]
    try {
      const rows = db.prepare(
        'SELECT bit, name FROM keyword WHERE account = (SELECT account FROM mailbox WHERE id = ?)',
      )
      for (const row of rows.all(mailbox)) names[row['bit'] as number] = row['name'] as string
    } catch (error) {
      this.#fault('Keywords', error)
    }
    return names
  }

  #queue(db: Database): void {
    const sql = `SELECT q.id, q.prefix, q.acceptedMs, c.digest, c.segment, c.position, c.file, c.size
      FROM queueEntry q JOIN content c ON c.id = q.content WHERE q.id > ? ORDER BY q.id LIMIT ${pageRows}`
    this.#each(
      'the queue',
      (after) => db.prepare(sql).all(after),
      'id',
      (row) => {
        const bytes = this.#content(row)
        if (!bytes) return
        this.#queued++
        const whole = Buffer.concat([bytesOf(row['prefix'] as string), bytes])
        this.#write('queue', 'INBOX', whole, [], row['acceptedMs'] as number)
      },
    )
  }

  /** Page after page by key; behind rows that cannot be read it goes on, in growing steps. */
  #each(what: string, page: (after: number) => Row[], key: string, take: (row: Row) => void): void {
    for (let after = 0, step = 0; ;) {
      let rows: Row[]
      try {
        rows = page(after + step)
      } catch (error) {
        if (step === 0) this.#fault(`Rows of ${what} behind ${after}`, error)
        step = step === 0 ? 1 : step * 2
        if (step > 2 ** 32) return
        continue
      }
      if (rows.length === 0) return
      for (const row of rows) {
        try {
          take(row)
        } catch (error) {
          this.#unreadable++
          this.#fault(`A row of ${what}`, error)
        }
      }
      after = rows[rows.length - 1]![key] as number
      step = 0
    }
  }

  /** The bytes of a content, if they are what arrived. */
  #content(row: Row): Uint8Array | undefined {
    const digest = Buffer.from(row['digest'] as Uint8Array).toString('hex')
    const source = {
      segment: row['segment'] as number,
      position: row['position'] as number,
      file: row['file'] as string | null,
      sizeBytes: row['size'] as number,
    }
    try {
      const bytes = this.#files.readSync(source, 0, source.sizeBytes)
      if (sha256(bytes) !== digest) throw new Error('its SHA-256 differs')
      this.#written.add(digest)
      return bytes
    } catch (error) {
      this.#unreadable++
      this.#fault(`A message in ${source.file ?? `segment ${source.segment} at ${source.position}`}`, error)
      return undefined
    }
  }

  #segments(folder: string): void {
    for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
      if (!/^\d{8}\.seg/.test(name)) continue
      try {
        for (const record of recordsIn(readFileSync(join(folder, name)))) this.#record(record)
      } catch (error) {
        this.#fault(name, error)
      }
    }
  }

  #quarantine(): void {
    const folder = join(this.#folder, 'quarantine')
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      try {
        for (const record of recordsIn(readFileSync(join(folder, name)))) this.#record(record)
      } catch (error) {
        this.#fault(name, error)
      }
    }
  }

  /** Messages of a record that no row has named. */
  #record(record: RecordView): void {
    if (record.kind === 2) return
    const operations = JSON.parse(Buffer.from(record.operations).toString()) as Operation[]
    for (const operation of operations) {
      if (operation.kind !== 'arrive' && operation.kind !== 'append') continue
      const { at, sizeBytes, file } = operation.content as unknown as WireContent
      if (file !== undefined || at === undefined) continue
      const bytes = record.contents.subarray(at, at + sizeBytes)
      const digest = sha256(bytes)
      if (this.#written.has(digest)) continue
      this.#written.add(digest)
      this.#place(operation, bytes)
    }
  }

  #place(operation: Extract<Operation, { kind: 'arrive' | 'append' }>, bytes: Uint8Array): void {
    if (operation.kind === 'append') {
      const known = this.#mailboxes.get(operation.mailbox)
      this.#byRecord++
      const { epochMs } = operation.internalDate
      return this.#write(known?.account ?? withoutName, known?.name ?? 'INBOX', bytes, operation.flags, epochMs)
    }
    for (const { mailbox, prefix, flags, recipients } of operation.filings) {
      const known = this.#mailboxes.get(mailbox)
      this.#byRecord++
      const account = known?.account ?? recipients[0] ?? withoutName
      const whole = Buffer.concat([bytesOf(prefix), bytes])
      this.#write(account, known?.name ?? 'INBOX', whole, flags, operation.at.epochMs)
    }
    if (!operation.queue || operation.filings.length > 0) return
    this.#queued++
    this.#write('queue', 'INBOX', Buffer.concat([bytesOf(operation.queue.prefix), bytes]), [], operation.at.epochMs)
  }

  /** Large files that neither a row nor a record has placed. */
  #large(folder: string): void {
    if (!existsSync(folder)) return
    for (const name of readdirSync(folder, { recursive: true }).map(String)) {
      const path = join(folder, name)
      if (!/\.eml(?:\.\d+)?$/.test(name) || !statSync(path).isFile()) continue
      try {
        const bytes = readFileSync(path)
        const digest = sha256(bytes)
        if (this.#written.has(digest)) continue
        this.#written.add(digest)
        this.#byRecord++
        this.#write(withoutName, 'INBOX', bytes, [], statSync(path).mtimeMs)
      } catch (error) {
        this.#fault(name, error)
      }
    }
  }
}

/** The folder of messages that nothing says whose they are. */
const withoutName = 'without-account'

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function flagsOf(low: number, high: number, names: readonly (string | undefined)[]): string[] {
  return names.flatMap((name, bit) => {
    const isSet = bit < flagWordBits ? low & (1 << bit) : high & (1 << (bit - flagWordBits))
    return name !== undefined && isSet ? [name] : []
  })
}

/** Every whole record of a file, wherever it lies: damage between them is passed over. */
export function* recordsIn(bytes: Buffer): Generator<RecordView> {
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(recordMagic)
  for (let at = bytes.indexOf(magic); at >= 0 && at + headerBytes <= bytes.length;) {
    const size = claimedSize(bytes.subarray(at, at + headerBytes))
    const record = at % 8 === 0 && size > 0 ? readRecord(bytes.subarray(at, at + size)) : 'none'
    if (typeof record === 'object') yield record
    at = bytes.indexOf(magic, typeof record === 'object' ? at + size : at + 1)
  }
}
