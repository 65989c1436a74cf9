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

function load(): DatabaseClass {
  const require = createRequire(import.meta.url)
  // node:sqlite needs no flag from 22.13 on.
  const [major, minor] = process.versions.node.split('.').map(Number) as [number, number]
  if (major > 22 || (major === 22 && minor >= 13))
    return (require('node:sqlite') as { DatabaseSync: DatabaseClass }).DatabaseSync
  return (require('@photostructure/sqlite') as { DatabaseSync: DatabaseClass }).DatabaseSync
}

let loaded: DatabaseClass | undefined

/** How long one connection waits for another's lock before it gives up; ours hold locks for milliseconds. */
export const busyTimeoutMs = 10_000

export function openDatabase(path: string, options: { readonly readOnly?: boolean } = {}): Database {
  loaded ??= load()
  const db = new loaded(path, { readOnly: options.readOnly ?? false, timeout: busyTimeoutMs })
  db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}`)
  return db
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
