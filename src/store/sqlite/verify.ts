/** Whether a store is sound: every row against the others, every content against its digest. Reads only, also beside a running server. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { view } from '../../base/bytes.ts'
import { lostFiles } from '../contents/lost.ts'
import { DiskContents, StoredBytes, type ContentFiles, type ContentSource } from '../contents/reader.ts'
import { claimedSize, headerBytes, readRecord } from '../record.ts'
import { rowChecks } from './checks.ts'
import { openDatabase, Statements, type Database, type Row } from './driver.ts'
import { decodePlaces } from './late-rows.ts'
import { falseSnapshots } from './snapshot.ts'
import { sourceOf as contentSource } from './reads.ts'
import { factsHead } from '../facts.ts'
import { factsColumns, factsOfSync, sameFacts } from './reindex.ts'

export interface VerifyFault {
  /** `mailbox.unseen`, `content.digest`. */
  readonly check: string
  /** A sentence without its full stop. */
  readonly text: string
}

export interface VerifyReport {
  /** The first of each check; `faultsInAll` counts the others too. */
  readonly faults: readonly VerifyFault[]
  readonly faultsInAll: number
  /** How much was looked at, by kind. */
  readonly checked: Readonly<Record<string, number>>
}

/** Faults of one check that are told in words: beyond them the number says enough. */
const toldMax = 100
/** Contents whose rows are in memory at a time. */
const pageRows = 500
/** So far the search for rows that can be read goes on behind some that cannot. */
const idStepMax = 2 ** 40
/** Bytes of a content in memory at a time. */
const sliceBytes = 1024 * 1024

export interface VerifyOptions {
  /** The file of the rows; a backup has its own. */
  readonly rows?: string
  /** Also whether what is kept of each message (ENVELOPE, BODYSTRUCTURE) is what its bytes say. */
  readonly deep?: boolean
}

/** @param folder a data folder that holds a store. @param files what reads its contents; closed when it is done. */
export function verifyFolder(
  folder: string,
  files: ContentFiles = new DiskContents(folder),
  options: VerifyOptions = {},
): VerifyReport {
  const db = openDatabase(options.rows ?? join(folder, 'pennypost.db'), { readOnly: true })
  try {
    return new Verifier(db, files, folder).report(options.deep ?? false, options.rows === undefined)
  } finally {
    files.close()
    db.close()
  }
}

class Verifier {
  readonly #db: Database
  readonly #statements: Statements
  readonly #files: ContentFiles
  readonly #folder: string
  readonly #faults: VerifyFault[] = []
  #faultsInAll = 0

  constructor(db: Database, files: ContentFiles, folder: string) {
    this.#folder = folder
    this.#db = db
    this.#statements = new Statements(db)
    this.#files = files
  }

  report(deep: boolean, live: boolean): VerifyReport {
    const checked: Record<string, number> = {}
    // One snapshot for what is compared: nothing that a running server commits comes between.
    this.#tried('the database', () => this.#db.exec('BEGIN'))
    for (const [table, words] of Object.entries(counted)) {
      this.#tried(`table ${table}`, () => (checked[words] = this.#count(table)))
    }
    this.#tried('the database', () => this.#database())
    for (const { name, sql, tell } of rowChecks) this.#tried(`the check ${name}`, () => this.#check(name, sql, tell))
    this.#tried('the kept tables', () => {
      for (const text of falseSnapshots(this.#statements)) this.#fault('snapshot', text)
    })
    this.#tried('the database', () => this.#db.exec('ROLLBACK'))
    // A backup's rows name records that came while it was made, and it has none of those.
    if (live) this.#tried('the row of the log', () => this.#late())
    // Not inside it: reading every byte takes long, and the server's WAL could not be emptied meanwhile.
    checked['bytes'] = this.#contents()
    const lost = live ? lostFiles(this.#folder).length : 0
    if (lost > 0) checked['files in lost/ that no row names'] = lost
    if (deep) this.#tried('the facts of messages', () => (checked['facts'] = this.#facts()))
    return { faults: this.#faults, faultsInAll: this.#faultsInAll, checked }
  }

  /** A page that cannot be read ends what needs it, and nothing else. */
  #tried(what: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#fault('database', `In the database, ${what} cannot be read to the end: ${(error as Error).message}`)
    }
  }

  #count(table: string): number {
    return this.#db.prepare(`SELECT count(*) AS n FROM ${table}`).get()!['n'] as number
  }

  #database(): void {
    for (const row of this.#db.prepare(`PRAGMA integrity_check(${toldMax})`).all()) {
      const found = String(row['integrity_check'])
      if (found !== 'ok') this.#fault('database', `The database file is damaged: ${found}`)
    }
  }

  #check(name: string, sql: string, tell: (row: Row) => string): void {
    const rows = this.#db.prepare(`SELECT * FROM (${sql}) LIMIT ${toldMax}`).all()
    for (const row of rows) this.#fault(name, tell(row))
    if (rows.length === toldMax) this.#faultsInAll += this.#count(`(${sql})`) - toldMax
  }

  /** Records whose rows are left for later: they are all that there is of a message. */
  #late(): void {
    const state = this.#db.prepare('SELECT late FROM log').get()
    for (const { segment, position } of decodePlaces(state!['late'] as Uint8Array)) {
      const read = (sizeBytes: number): Buffer => {
        const source = { segment, position, file: null, sizeBytes }
        return view(this.#files.readSync(source, 0, sizeBytes))
      }
      try {
        if (typeof readRecord(read(claimedSize(read(headerBytes)))) !== 'string') continue
      } catch {
        // Beyond the end of its file, or without one.
      }
      this.#fault('log.late', `A message on its way is lost: its record at ${segment}:${position} cannot be read`)
    }
  }

  #fault(check: string, text: string): void {
    this.#faultsInAll++
    this.#faults.push({ check, text })
  }

  /** Every byte of every content; answers how many there were. */
  #contents(): number {
    let bytes = 0
    let told = 0
    for (let after = 0; ;) {
      const rows = this.#page(after)
      for (const row of rows) {
        bytes += row['size'] as number
        const problem = this.#problem(row) && this.#problemNow(row)
        if (!problem) continue
        if (told++ < toldMax) this.#fault('content.digest', `Content ${row['id']} in ${placeText(row)} ${problem}`)
        else this.#faultsInAll++
      }
      if (rows.length < pageRows) return bytes
      after = rows[rows.length - 1]!['id'] as number
    }
  }

  /** The next contents; where rows cannot be read, those behind them. */
  #page(after: number): Row[] {
    for (let step = 0; ; step = step === 0 ? 1 : step * 2) {
      try {
        return this.#statements
          .sql(`SELECT ${placeColumns} FROM content WHERE id > ? ORDER BY id LIMIT ${pageRows}`)
          .all(after + step)
      } catch (error) {
        if (step === 0) this.#fault('database', `Contents behind ${after} cannot be read: ${(error as Error).message}`)
        if (step > idStepMax) return []
      }
    }
  }

  /** What the rows say of each content against what its bytes say; answers how many were parsed. */
  #facts(): number {
    let parsed = 0
    let told = 0
    for (let after = 0, last = 0; ;) {
      const rows = this.#statements.sql(deepSql).all(after)
      for (const row of rows) {
        if (row['content'] === last) continue
        last = row['content'] as number
        parsed++
        const head = factsHead(row['prefix'] as string)
        try {
          if (sameFacts(row, factsOfSync(new StoredBytes(this.#files, contentSource(row), head)))) continue
        } catch {
          // Bytes that cannot be read were told of above; a running server may also have freed them by now.
          continue
        }
        if (told++ >= toldMax) this.#faultsInAll++
        else {
          const text = `What is kept of content ${last} is not what its bytes say: "pennypost reindex" mends it`
          this.#fault('content.facts', text)
        }
      }
      if (rows.length < deepRows) return parsed
      after = rows[rows.length - 1]!['at'] as number
    }
  }

  /** @returns what is wrong with the bytes of a content, as the end of a sentence. */
  #problem(row: Row): string | undefined {
    const source = sourceOf(row)
    const hash = createHash('sha256')
    try {
      for (let at = 0; at < source.sizeBytes; at += sliceBytes) {
        hash.update(this.#files.readSync(source, at, Math.min(source.sizeBytes, at + sliceBytes)))
      }
    } catch (error) {
      return `cannot be read: ${(error as Error).message}`
    }
    return hash.digest().equals(row['digest'] as Uint8Array) ? undefined : 'is not what arrived: its SHA-256 differs'
  }

  /** A running server may have moved the content since its row was read, or freed it: only what it says now counts. */
  #problemNow(row: Row): string | undefined {
    const now = this.#statements.sql(`SELECT ${placeColumns} FROM content WHERE id = ?`).get(row['id']!)
    return now && this.#problem(now)
  }
}

const counted = {
  account: 'accounts',
  mailbox: 'mailboxes',
  message: 'messages',
  email: 'emails',
  content: 'contents',
  recipient: 'queued recipients',
  ledger: 'ledger rows',
}

const deepRows = 64
const deepSql = `SELECT e.id AS at, e.prefix, ${factsColumns} FROM email e JOIN content c ON c.id = e.content
  WHERE e.id > ? ORDER BY e.id LIMIT ${deepRows}`

const placeColumns = 'id, digest, size, segment, position, file'

function sourceOf(row: Row): ContentSource {
  return {
    segment: row['segment'] as number,
    position: row['position'] as number,
    file: row['file'] as string | null,
    sizeBytes: row['size'] as number,
  }
}

function placeText(row: Row): string {
  return row['file'] === null ? `segment ${row['segment']} at ${row['position']}` : `the large file ${row['file']}`
}
