/** Evaluates SEARCH on a mailbox: cheap keys on rows first; bytes are read only of messages still undecided. Runs on the reading thread. */
import type { AccountId, ModSeq } from '../../mail/ids.ts'
import { systemFlags, wellKnownKeywords, flagWordBits } from '../../mail/flags.ts'
import { parseHeader, type Header } from '../../mail/header.ts'
import { parseStructure } from '../../mail/mime/structure.ts'
import type { Part } from '../../mail/mime/part.ts'
import type { SearchKey, UidRanges } from '../../mail/search-key.ts'
import { likelyCharset } from '../../mail/view/part-content.ts'
import { createTextMatcher, type TextMatcher } from '../../mail/search-text.ts'
import { never } from '../../base/assert.ts'
import { StoredBytes, type ContentFiles } from '../contents/reader.ts'
import { Statements, type Database, type Row } from './driver.ts'
import { sourceOf } from './reads.ts'

/** Rows held at a time. */
const pageRows = 512
/** Of larger messages only the beginning is searched: a search must not need twice a message's size in memory. */
export const searchedBytesMax = 64 * 1024 * 1024
/** Bytes read to find a header; of a longer header, as many as are accepted at receipt. */
const headerReadBytes = 16 * 1024
export const headerSearchedBytesMax = 1024 * 1024

/** A message to be tested; its text is read when a key first needs it. */
class Candidate {
  readonly row: Row
  readonly #files: ContentFiles
  #bytes: Uint8Array | undefined
  #root: Part | undefined
  #header: Header | undefined

  constructor(row: Row, files: ContentFiles) {
    this.row = row
    this.#files = files
  }

  #stored(): StoredBytes {
    return new StoredBytes(this.#files, sourceOf(this.row), this.row['prefix'] as string)
  }

  get wasRead(): boolean {
    return this.#bytes !== undefined || this.#header !== undefined
  }

  header(): Header {
    if (this.#header) return this.#header
    const { sizeBytes } = this.#stored()
    let bytes = this.#bytes ?? this.#read(headerReadBytes)
    if (!this.#bytes && bytes.length < sizeBytes && !hasHeaderEnd(bytes)) bytes = this.#read(headerSearchedBytesMax)
    return (this.#header = parseHeader(bytes))
  }

  bytes(): Uint8Array {
    return (this.#bytes ??= this.#read(searchedBytesMax))
  }

  /** An unreadable message counts as empty: it must not end the search of the others. FETCH and verify report it. */
  #read(most: number): Uint8Array {
    try {
      return this.#stored().readSync(0, most)
    } catch {
      return new Uint8Array(0)
    }
  }

  root(): Part {
    return (this.#root ??= parseStructure(this.bytes()))
  }
}

function hasHeaderEnd(bytes: Uint8Array): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  return view.includes('\r\n\r\n') || view.includes('\n\n')
}

type Test = (candidate: Candidate) => boolean

interface Compiled {
  readonly test: Test
  /** 0: the row is enough; 1: the header must be read; 2: the whole message. */
  readonly cost: 0 | 1 | 2
}

/** Without pauses: for `:memory:` stores and tests. */
export function searchMailbox(
  db: Database,
  files: ContentFiles,
  mailbox: number,
  key: SearchKey,
  within: UidRanges,
): Uint32Array {
  const steps = searchSteps(db, () => files, mailbox, key, within)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/** The same with a yield after each message that was read and each page of rows, where the caller can run other searches. */
export function* searchSteps(
  db: Database,
  filesForPage: () => ContentFiles,
  mailbox: number,
  key: SearchKey,
  within: UidRanges,
): Generator<void, Uint32Array> {
  const statements = new Statements(db)
  const account = statements.sql('SELECT account FROM mailbox WHERE id = ?').get(mailbox)?.['account'] as
    AccountId | undefined
  if (account === undefined) return new Uint32Array(0)
  const { test } = compile(key, flagBit(statements, account))
  const found: number[] = []
  const page = statements.sql(
    `SELECT m.uid, m.modSeq, m.low, m.high, e.size, e.dateMs, e.dateOffset, e.prefix, c.sentDay, c.segment, c.position, c.file, c.size AS contentSize
     FROM message m JOIN email e ON e.id = m.email JOIN content c ON c.id = e.content
     WHERE m.mailbox = ? AND m.uid BETWEEN ? AND ? ORDER BY m.uid LIMIT ${pageRows}`,
  )
  for (const [first, last] of within) {
    let from = first
    while (from <= last) {
      const rows = page.all(mailbox, from, last)
      // New for each page: the places read ahead for the last page may have been overwritten since.
      const files = filesForPage()
      for (const row of rows) {
        const candidate = new Candidate(row, files)
        if (test(candidate)) found.push(row['uid'] as number)
        if (candidate.wasRead) yield
      }
      yield
      if (rows.length < pageRows) break
      from = (rows[rows.length - 1]!['uid'] as number) + 1
    }
  }
  return Uint32Array.from(found)
}

/** The bit of a flag or keyword in an account, -1 where it has none. */
function flagBit(statements: Statements, account: AccountId): (name: string) => number {
  const bits = new Map<string, number>()
  ;[...systemFlags, ...wellKnownKeywords].forEach((name, bit) => bits.set(name.toLowerCase(), bit))
  for (const row of statements.sql('SELECT bit, name FROM keyword WHERE account = ?').all(account)) {
    bits.set((row['name'] as string).toLowerCase(), row['bit'] as number)
  }
  return (name) => bits.get(name.toLowerCase()) ?? -1
}

function byRow(test: (row: Row) => boolean): Compiled {
  return { test: ({ row }) => test(row), cost: 0 }
}

function compile(key: SearchKey, bitOf: (name: string) => number): Compiled {
  switch (key.kind) {
    case 'all':
      return byRow(() => true)
    case 'and': {
      // Cheap keys first: most messages are out before a byte is read.
      const keys = key.keys.map((part) => compile(part, bitOf)).sort((a, b) => a.cost - b.cost)
      return { test: (candidate) => keys.every((part) => part.test(candidate)), cost: keys.at(-1)?.cost ?? 0 }
    }
    case 'or': {
      const [left, right] = [compile(key.left, bitOf), compile(key.right, bitOf)].sort((a, b) => a.cost - b.cost) as [
        Compiled,
        Compiled,
      ]
      return { test: (candidate) => left.test(candidate) || right.test(candidate), cost: right.cost }
    }
    case 'not': {
      const { test, cost } = compile(key.key, bitOf)
      return { test: (candidate) => !test(candidate), cost }
    }
    case 'uid':
      return byRow((row) =>
        key.ranges.some(([first, last]) => (row['uid'] as number) >= first && (row['uid'] as number) <= last),
      )
    case 'flag': {
      const bit = bitOf(key.flag)
      if (bit < 0) return byRow(() => false)
      const mask = 1 << (bit % flagWordBits)
      const word = bit < flagWordBits ? 'low' : 'high'
      return byRow((row) => ((row[word] as number) & mask) !== 0)
    }
    case 'larger':
      return byRow((row) => (row['size'] as number) > key.sizeBytes)
    case 'smaller':
      return byRow((row) => (row['size'] as number) < key.sizeBytes)
    case 'internalDay':
      return byRow((row) => {
        const day = Math.floor(((row['dateMs'] as number) + (row['dateOffset'] as number) * 60_000) / 86_400_000)
        return day >= key.first && day < key.end
      })
    case 'sentDay':
      return byRow((row) => {
        const day = row['sentDay'] as number | null
        return day !== null && day >= key.first && day < key.end
      })
    case 'modSeq':
      return byRow((row) => (row['modSeq'] as ModSeq) >= key.least)
    case 'header': {
      const matcher: TextMatcher = createTextMatcher(key.needle)
      return {
        test: (candidate) => matcher.header(candidate.header(), key.name, () => likelyCharset(candidate.root())),
        cost: 1,
      }
    }
    case 'body': {
      const matcher = createTextMatcher(key.needle)
      return { test: (candidate) => matcher.body(candidate.bytes(), candidate.root()), cost: 2 }
    }
    case 'text': {
      const matcher = createTextMatcher(key.needle)
      return { test: (candidate) => matcher.text(candidate.bytes(), candidate.root()), cost: 2 }
    }
    default:
      return never(key)
  }
}
