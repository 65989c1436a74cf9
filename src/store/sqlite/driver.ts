/** The one place that knows which SQLite binding runs: Node's own where it has one, else the same API from a package. */
import { createRequire } from 'node:module'

export type SqlValue = string | number | bigint | Uint8Array | null
export type Row = Record<string, SqlValue>

export interface Statement {
  run(...values: SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint }
  get(...values: SqlValue[]): Row | undefined
  all(...values: SqlValue[]): Row[]
}

export interface Database {
  exec(sql: string): void
  prepare(sql: string): Statement
  close(): void
}

type DatabaseClass = new (path: string, options?: { readOnly?: boolean; timeout?: number }) => Database

/** node:sqlite needs no flag from 22.13 on; an older Node takes the same API from a package. */
function hasOwn(): boolean {
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number]
  return major > 22 || (major === 22 && minor >= 13)
}

const packageName = '@photostructure/sqlite'

function load(): DatabaseClass {
  const require = createRequire(import.meta.url)
  if (hasOwn()) return withoutWarning(() => (require('node:sqlite') as { DatabaseSync: DatabaseClass }).DatabaseSync)
  try {
    return (require(packageName) as { DatabaseSync: DatabaseClass }).DatabaseSync
  } catch (error) {
    if ((error as { code?: string }).code !== 'MODULE_NOT_FOUND') throw error
    throw new Error(
      `Node ${process.versions.node} has no SQLite of its own: take Node 22.13 or newer, or install the package ${packageName} beside Pennypost`,
      { cause: error },
    )
  }
}

/** Node 22 calls its SQLite experimental on standard error, at each command: cron would mail that. Other warnings still come. */
function withoutWarning<T>(work: () => T): T {
  const emit = process.emitWarning
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (/SQLite is an experimental/.test(String(warning))) return
    ;(emit as (...all: unknown[]) => void).call(process, warning, ...rest)
  }
  try {
    return work()
  } finally {
    process.emitWarning = emit
  }
}

/** Binds the values of one statement. */
type Bind = (values: SqlValue[]) => SqlValue[]

/** One that every binding takes for an empty blob. */
const emptyBlob = new Uint8Array(0)

/** Faults that a binding may have, each found by asking it, and how values are handed over where it has it. */
const bindingFaults: readonly {
  readonly has: (db: Database) => boolean
  readonly concerns: (sql: string) => boolean
  readonly bind: Bind
}[] = [
  {
    // Node 22 binds an empty view as NULL where its buffer was never allocated: every empty blob is replaced.
    has: (db) => typeOf(db, 'SELECT typeof(?) AS type', new Uint8Array(new Uint32Array(0).buffer)) !== 'blob',
    concerns: (sql) => sql.includes('?'),
    bind: (values) => values.map((one) => (one instanceof Uint8Array && one.length === 0 ? emptyBlob : one)),
  },
  {
    // Node 22.13 finds no place for the values of numbered parameters, unless they come by name.
    has: (db) => typeOf(db, 'SELECT typeof(?1) AS type', 1) !== 'integer',
    concerns: (sql) => /\?\d/.test(sql),
    bind: (values) => [Object.fromEntries(values.map((one, i) => [`?${i + 1}`, one])) as never],
  },
]

function typeOf(db: Database, sql: string, value: SqlValue): SqlValue | undefined {
  try {
    return db.prepare(sql).get(value)!['type']
  } catch {
    return undefined
  }
}

/** Where the binding has faults, every statement that they concern is mended; elsewhere nothing stands between. */
function mended(db: Database, faults: typeof bindingFaults): Database {
  const prepare = (sql: string): Statement => {
    const statement = db.prepare(sql)
    const binds = faults.filter(({ concerns }) => concerns(sql)).map(({ bind }) => bind)
    if (binds.length === 0) return statement
    const bound: Bind = (values) => binds.reduce((before, bind) => bind(before), values)
    return {
      run: (...values) => statement.run(...bound(values)),
      get: (...values) => statement.get(...bound(values)),
      all: (...values) => statement.all(...bound(values)),
    }
  }
  return { exec: (sql) => db.exec(sql), prepare, close: () => db.close() }
}

/** Asked of a database of its own: a statement that is not collected yet would hold another one's lock after it was closed. */
function faultsOf(binding: DatabaseClass): typeof bindingFaults {
  const db = new binding(':memory:')
  const found = bindingFaults.filter(({ has }) => has(db))
  db.close()
  return found
}

let loaded: DatabaseClass | undefined
let faults: typeof bindingFaults | undefined

/** How long one connection waits for another's lock before it gives up; ours hold locks for milliseconds. */
export const busyTimeoutMs = 10_000

export function openDatabase(path: string, options: { readonly readOnly?: boolean } = {}): Database {
  loaded ??= load()
  const db = new loaded(path, { readOnly: options.readOnly ?? false, timeout: busyTimeoutMs })
  db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
  faults ??= faultsOf(loaded)
  return faults.length === 0 ? db : mended(db, faults)
}

/** Statements by their text: prepared once a connection. */
export class Statements {
  readonly db: Database
  readonly #prepared = new Map<string, Statement>()

  constructor(db: Database) {
    this.db = db
  }

  sql(text: string): Statement {
    let statement = this.#prepared.get(text)
    if (!statement) this.#prepared.set(text, (statement = this.db.prepare(text)))
    return statement
  }
}
