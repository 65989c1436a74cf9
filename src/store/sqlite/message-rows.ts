/** What FETCH asks of messages, read in pages of packed text: one string a page instead of a thousand values. */
import type { Uid } from '../../mail/ids.ts'
import type { CheckedContents, Loaded } from '../contents/checked.ts'
import { runMaxBytes, StoredBytes, type ContentFiles, type ContentSource } from '../contents/reader.ts'
import type { MessagePages, MessageRow, RowNeed } from '../store.ts'
import type { Statements } from './driver.ts'

/** Rows of a page; with their bytes a page also ends at `pageBytes`. */
const pageRows = 256
const pageBytes = 2 * runMaxBytes
/** A UID range with more gaps than this is read message by message. */
const sparseFactor = 4

interface PageRow {
  readonly row: MessageRow
  readonly content: number
  readonly source: ContentSource | undefined
  readonly prefix: string
}

/** The columns that a need asks for: numbers first, then texts, each with its length before it. */
interface Shape {
  readonly numbers: readonly string[]
  readonly texts: readonly string[]
  readonly from: string
}

function shapeOf(need: RowNeed): Shape {
  const facts = need.facts === false ? [] : ['e.dateMs', 'e.dateOffset', 'e.size', 'm.email', 'e.thread', 'm.savedMs']
  const place = need.bytes ? ['c.id', 'c.segment', 'c.position', 'c.size'] : []
  const texts = [
    ...(need.facts === false ? [] : ["coalesce(m.uidl, '')"]),
    ...(need.envelope ? ['c.envelope'] : []),
    ...(need.body ? ['c.body'] : []),
    ...(need.bodyStructure ? ['c.bodyStructure'] : []),
    ...(need.bytes ? ["coalesce(c.file, '')", 'e.prefix'] : []),
  ]
  const content =
    need.envelope || need.body || need.bodyStructure || need.bytes ? ' JOIN content c ON c.id = e.content' : ''
  return { numbers: ['m.uid', ...facts, ...place], texts, from: `message m JOIN email e ON e.id = m.email${content}` }
}

/** By what is needed: few forms exist, and making the text anew costs more than a look-up. */
const sqlTexts = new Map<number, string>()

function sqlOf(need: RowNeed, where: Where): string {
  const { facts, envelope, body, bodyStructure, bytes } = need
  const key =
    (facts === false ? 0 : 1) |
    (envelope ? 2 : 0) |
    (body ? 4 : 0) |
    (bodyStructure ? 8 : 0) |
    (bytes ? 16 : 0) |
    (where === oneUid ? 32 : 0)
  let text = sqlTexts.get(key)
  if (text === undefined) sqlTexts.set(key, (text = packedSql(shapeOf(need), where)))
  return text
}

const oneUid = 'm.uid = ?'
const uidRange = 'm.uid BETWEEN ? AND ?'
type Where = typeof oneUid | typeof uidRange

/** One text for all rows of a page. */
function packedSql({ numbers, texts, from }: Shape, where: Where): string {
  const row = [...numbers, ...texts.map((text) => `length(${text})`)].map((value) => `${value} || ' '`).join(' || ')
  const body = texts.length > 0 ? ` || ${texts.join(' || ')}` : ''
  return `SELECT group_concat(row, '') AS packed, count(*) AS n FROM
    (SELECT ${row}${body} AS row FROM ${from} WHERE m.mailbox = ? AND ${where} ORDER BY m.uid)`
}

/** Reads what `packedSql` wrote. */
class PackedReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get ended(): boolean {
    return this.#at >= this.#text.length
  }

  number(): number {
    const text = this.#text
    let at = this.#at
    const negative = text.charCodeAt(at) === 45
    if (negative) at++
    let value = 0
    for (; ; at++) {
      const digit = text.charCodeAt(at) - 48
      if (!(digit >= 0 && digit <= 9)) break
      value = value * 10 + digit
    }
    this.#at = at + 1
    return negative ? -value : value
  }

  text(length: number): string {
    const start = this.#at
    this.#at += length
    return this.#text.slice(start, this.#at)
  }
}

function readRow(reader: PackedReader, need: RowNeed): PageRow {
  const facts = need.facts !== false
  const uid = reader.number()
  const epochMs = facts ? reader.number() : 0
  const offsetMinutes = facts ? reader.number() : 0
  const sizeBytes = facts ? reader.number() : 0
  const emailId = facts ? reader.number() : 0
  const threadId = facts ? reader.number() : 0
  const saveDateMs = facts ? reader.number() : 0
  const content = need.bytes ? reader.number() : 0
  const segment = need.bytes ? reader.number() : 0
  const position = need.bytes ? reader.number() : 0
  const contentBytes = need.bytes ? reader.number() : 0
  const uidlLength = facts ? reader.number() : 0
  const envelopeLength = need.envelope ? reader.number() : 0
  const bodyLength = need.body ? reader.number() : 0
  const structureLength = need.bodyStructure ? reader.number() : 0
  const fileLength = need.bytes ? reader.number() : 0
  const prefixLength = need.bytes ? reader.number() : 0
  const uidl = reader.text(uidlLength)
  const row: MessageRow = {
    uid: uid as Uid,
    internalDate: { epochMs, offsetMinutes },
    sizeBytes,
    emailId,
    threadId,
    saveDateMs,
    uidl: uidl === '' ? null : uidl,
    envelope: need.envelope ? reader.text(envelopeLength) : undefined,
    body: need.body ? reader.text(bodyLength) : undefined,
    bodyStructure: need.bodyStructure ? reader.text(structureLength) : undefined,
  }
  if (!need.bytes) return { row, content, source: undefined, prefix: '' }
  const file = reader.text(fileLength)
  const source = { segment, position, file: file === '' ? null : file, sizeBytes: contentBytes }
  return { row, content, source, prefix: reader.text(prefixLength) }
}

function read(statements: Statements, need: RowNeed, where: Where, values: readonly number[]): PageRow[] {
  const { packed, n } = statements.sql(sqlOf(need, where)).get(...values)!
  if (n === 0) return []
  const reader = new PackedReader(packed as string)
  const rows: PageRow[] = []
  while (!reader.ended) rows.push(readRow(reader, need))
  return rows
}

/** The rows of `uids[at…]` that exist, up to a page; `next` is where the following page begins. */
function readPage(
  statements: Statements,
  mailbox: number,
  uids: Uint32Array,
  at: number,
  need: RowNeed,
): { rows: PageRow[]; next: number } {
  const end = Math.min(uids.length, at + pageRows)
  const first = uids[at]!
  const last = uids[end - 1]!
  let rows: PageRow[]
  if (last - first < (end - at) * sparseFactor) {
    rows = read(statements, need, uidRange, [mailbox, first, last])
    if (last - first + 1 !== end - at) {
      const wanted = new Set(uids.subarray(at, end))
      rows = rows.filter(({ row }) => wanted.has(row.uid))
    }
  } else rows = Array.from(uids.subarray(at, end)).flatMap((uid) => read(statements, need, oneUid, [mailbox, uid]))
  if (!need.bytes) return { rows, next: end }
  let bytes = 0
  for (let i = 0; i < rows.length; i++) {
    bytes += Math.min(rows[i]!.source!.sizeBytes, runMaxBytes)
    if (bytes <= pageBytes || i === 0) continue
    const next = uids.indexOf(rows[i]!.row.uid, at)
    return { rows: rows.slice(0, i), next }
  }
  return { rows, next: end }
}

function withBytes(
  files: ContentFiles,
  checked: CheckedContents,
  rows: readonly PageRow[],
): Promise<readonly MessageRow[]> | readonly MessageRow[] {
  const loaded = checked.load(rows.map(({ content, source }) => ({ id: content, source: source! })))
  const joined = (all: readonly Loaded[]): MessageRow[] =>
    rows.map(({ row, source, prefix }, i) => {
      const { held, problem } = all[i]!
      return { ...row, problem, bytes: new StoredBytes(files, source!, prefix, held, problem) }
    })
  return 'then' in loaded ? loaded.then(joined) : joined(loaded)
}

/**
 * Rows in UID order, page by page. While one page is used the bytes of the next are already being read. What is asked of one message is
 * read at once where its content is small: a FETCH by number waits for nothing.
 */
export function messageRows(
  statements: Statements,
  files: ContentFiles,
  checked: CheckedContents,
  mailbox: number,
  uids: Uint32Array,
  need: RowNeed,
): MessagePages {
  const load = (at: number): Loading | undefined => {
    if (at >= uids.length) return undefined
    const { rows, next } = readPage(statements, mailbox, uids, at, need)
    return { rows: need.bytes ? withBytes(files, checked, rows) : rows.map(({ row }) => row), next }
  }
  if (uids.length !== 1) return pagesOf(load, need)
  const first = load(0)!
  if (!('then' in first.rows)) return { whole: first.rows, [Symbol.asyncIterator]: () => pagesOf(load, need, first) }
  first.rows.catch(() => {})
  return pagesOf(load, need, first)
}

interface Loading {
  readonly rows: Promise<readonly MessageRow[]> | readonly MessageRow[]
  /** Where the following page begins. */
  readonly next: number
}

async function* pagesOf(
  load: (at: number) => Loading | undefined,
  need: RowNeed,
  first?: Loading,
): AsyncGenerator<readonly MessageRow[], void, void> {
  let ahead = first ?? load(0)
  while (ahead) {
    const rows = await ahead.rows
    const { next } = ahead
    ahead = need.bytes ? load(next) : undefined
    // If the caller stops reading, a failed read must not end the process.
    if (ahead && 'then' in ahead.rows) ahead.rows.catch(() => {})
    if (rows.length > 0) yield rows
    if (!need.bytes) ahead = load(next)
  }
}
