/**
 * Computes what the rows keep of a content (ENVELOPE, BODYSTRUCTURE, the day it was sent, its thread's keys) anew from its bytes, and
 * mends what differs. Page by page while everything goes on; a second run finds nothing to do.
 */
import type { AccountId } from '../../mail/ids.ts'
import { turn, type Clock } from '../../base/clock.ts'
import { StructureParser } from '../../mail/mime/structure.ts'
import { readRuns, StoredBytes, type ContentFiles } from '../contents/reader.ts'
import { contentFacts, factsHead } from '../facts.ts'
import type { ContentFacts, MendedContent, MendedThread } from '../operations.ts'
import type { ReindexOptions, ReindexReport } from '../store.ts'
import type { Batcher } from './batcher.ts'
import { Statements, type Database, type Row } from './driver.ts'
import { sourceOf } from './reads.ts'

/** Rows in memory at a time: some 100 KB with their facts. */
const pageRows = 64
/** Bytes of a message that are read and parsed in one piece. */
const sliceBytes = 1024 * 1024

/** What stands in the rows beside the place of the bytes. */
export const factsColumns = `c.id AS content, c.segment, c.position, c.file, c.size AS contentSize,
  c.envelope, c.body, c.bodyStructure, c.sentDay`

export interface ReindexTools {
  readonly reads: Database
  readonly files: ContentFiles
  readonly batcher: Batcher
  readonly clock: Clock
}

export async function reindex(tools: ReindexTools, options: ReindexOptions = {}): Promise<ReindexReport> {
  const run = new Reindex(tools, options)
  if (options.account === undefined) await run.all()
  else await run.account(options.account)
  return run.report
}

class Reindex {
  readonly #tools: ReindexTools
  readonly #statements: Statements
  readonly #options: ReindexOptions
  #messages = 0
  #contents = 0
  #threadKeys = 0
  /** One arrival's copies lie side by side, and share their content. */
  #last = 0

  constructor(tools: ReindexTools, options: ReindexOptions) {
    this.#tools = tools
    this.#statements = new Statements(tools.reads)
    this.#options = options
  }

  get report(): ReindexReport {
    return { messages: this.#messages, contentsMended: this.#contents, threadKeysMended: this.#threadKeys }
  }

  async all(): Promise<void> {
    const sql = `SELECT e.id AS at, e.account, e.thread, e.prefix, ${factsColumns}
      FROM email e JOIN content c ON c.id = e.content WHERE e.id > ? ORDER BY e.id LIMIT ${pageRows}`
    await this.#pages(sql, [])
  }

  async account(account: AccountId): Promise<void> {
    const sql = `SELECT m.uid AS at, e.account, e.thread, e.prefix, ${factsColumns}
      FROM message m JOIN email e ON e.id = m.email JOIN content c ON c.id = e.content
      WHERE m.mailbox = ? AND m.uid > ? ORDER BY m.uid LIMIT ${pageRows}`
    for (const { id } of this.#statements.sql('SELECT id FROM mailbox WHERE account = ?').all(account)) {
      await this.#pages(sql, [id as number])
    }
  }

  async #pages(sql: string, before: readonly number[]): Promise<void> {
    for (let after = 0; ;) {
      const rows = this.#statements.sql(sql).all(...before, after)
      if (rows.length > 0) await this.#page(rows)
      if (rows.length < pageRows) return
      after = rows[rows.length - 1]!['at'] as number
      await turn(this.#tools.clock)
    }
  }

  async #page(rows: readonly Row[]): Promise<void> {
    const held = await readRuns(this.#tools.files, rows.map(sourceOf))
    const contents: MendedContent[] = []
    const threads: MendedThread[] = []
    for (const [i, row] of rows.entries()) {
      const prefix = factsHead(row['prefix'] as string)
      const isNew = row['content'] !== this.#last
      this.#last = row['content'] as number
      const run = held[i]
      // What cannot be read has no facts to be mended; "pennypost verify" tells of it.
      const facts =
        run === 'unreadable'
          ? undefined
          : await readContentFacts(new StoredBytes(this.#tools.files, sourceOf(row), prefix, run)).catch(
              () => undefined,
            )
      this.#messages++
      if (!facts) continue
      if (isNew && !sameFacts(row, facts)) {
        const { threadKeys: _, ...rest } = facts
        contents.push({ content: row['content'] as number, ...rest })
      }
      const keys = this.#missing(row['account'] as AccountId, facts.threadKeys)
      if (keys.length > 0) threads.push({ account: row['account'] as AccountId, thread: row['thread'] as number, keys })
    }
    this.#options.progress?.(this.#messages)
    if (contents.length === 0 && threads.length === 0) return
    await this.#tools.batcher.commit([{ kind: 'reindex', contents, threads }], 'visible')
    this.#contents += contents.length
    this.#threadKeys += threads.reduce((sum, { keys }) => sum + keys.length, 0)
  }

  #missing(account: AccountId, keys: readonly number[]): number[] {
    const known = this.#statements.sql('SELECT 1 FROM threadKey WHERE account = ? AND key = ?')
    return keys.filter((key) => known.get(account, key) === undefined)
  }
}

async function readContentFacts(bytes: StoredBytes): Promise<ContentFacts> {
  const parser = new StructureParser()
  for (let at = 0; at < bytes.sizeBytes; at += sliceBytes) parser.push(await bytes.read(at, at + sliceBytes))
  return contentFacts(parser.end())
}

/** The same for a reader that must not wait. */
export function factsOfSync(bytes: StoredBytes): ContentFacts {
  const parser = new StructureParser()
  for (let at = 0; at < bytes.sizeBytes; at += sliceBytes) parser.push(bytes.readSync(at, at + sliceBytes))
  return contentFacts(parser.end())
}

export function sameFacts(row: Row, facts: ContentFacts): boolean {
  return (
    row['envelope'] === facts.envelope &&
    row['body'] === facts.body &&
    row['bodyStructure'] === facts.bodyStructure &&
    row['sentDay'] === facts.sentDay
  )
}
