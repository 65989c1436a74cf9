/** Disks and databases that fail: at the n-th call, before or after it is done, in part, once or from then on. For tests of the store. */
import type { Place, RecordLog } from '../../src/store/contents/log.ts'
import type { Database, SqlValue, Statement } from '../../src/store/sqlite/driver.ts'

export interface Failure {
  /** Which call fails, counted from 1. */
  readonly at: number
  readonly how: 'before' | 'after' | 'short'
  readonly error: 'full' | 'io' | 'constraint'
  /** Every call from then on fails, until `heal`. */
  readonly forEver?: boolean
}

/** One count over all that it stands before. */
export class FailurePlan {
  readonly #failure: Failure | undefined
  calls = 0
  struck = 0
  /** What the failing call was: the statement, or the file's operation. */
  where = ''
  #healed = false
  /** Statements that find no room, beside the failure. */
  refuses: (sql: string) => boolean = () => false
  /** How the next appends to the log fail, beside the failure: for want of room, all or half of them written. */
  appendFails: 'after' | 'short' | undefined

  constructor(failure?: Failure) {
    this.#failure = failure
  }

  heal(): void {
    this.#healed = true
  }

  /** Does `work`, or fails in its place. `part`: what a short call does, `all`: one that fails after it was done. */
  do<T>(what: string, work: () => T, part: () => void = () => {}, all: () => unknown = work): T {
    this.calls++
    if (this.refuses(what)) throw errorOf('full', what)
    const failure = this.#failure
    const strikes = failure && !this.#healed && (failure.forEver ? this.calls >= failure.at : this.calls === failure.at)
    if (!strikes) return work()
    this.struck++
    this.where ||= what
    if (failure.how === 'after') all()
    if (failure.how === 'short') part()
    throw errorOf(failure.error, what)
  }

  database(db: Database): Database {
    return {
      exec: (sql) =>
        sql.startsWith('ROLLBACK') || sql.startsWith('PRAGMA') ? db.exec(sql) : this.do(sql, () => db.exec(sql)),
      prepare: (sql) => this.#statement(sql, db.prepare(sql)),
      close: () => db.close(),
    }
  }

  #statement(sql: string, statement: Statement): Statement {
    return {
      run: (...values: SqlValue[]) => this.do(sql, () => statement.run(...values)),
      get: (...values: SqlValue[]) => this.do(sql, () => statement.get(...values)),
      all: (...values: SqlValue[]) => this.do(sql, () => statement.all(...values)),
    }
  }

  /** Appends alone: what is read at a start is another matter. */
  log(log: RecordLog): RecordLog {
    const append = (place: Place, bytes: Uint8Array): void => {
      // An append that fails has not moved the log on.
      const partly = (end: number): void => {
        log.append(place, bytes.subarray(0, end))
        log.seek(place)
      }
      const half = (): void => partly(bytes.length >> 1)
      if (this.appendFails) {
        if (this.appendFails === 'after') partly(bytes.length)
        else half()
        throw errorOf('full', 'append to the log')
      }
      this.do(
        'append to the log',
        () => log.append(place, bytes),
        half,
        () => partly(bytes.length),
      )
    }
    return new Proxy(log, {
      get(target, name) {
        if (name === 'append') return append
        const value = Reflect.get(target, name, target) as unknown
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }
}

function errorOf(kind: Failure['error'], what: string): Error {
  const isFile = what.startsWith('append')
  if (kind === 'constraint') return Object.assign(new Error(`constraint failed at: ${what}`), { errcode: 19 })
  if (isFile) return Object.assign(new Error(`failed: ${what}`), { code: kind === 'full' ? 'ENOSPC' : 'EIO' })
  if (kind === 'full') return Object.assign(new Error('database or disk is full'), { errcode: 13 })
  return Object.assign(new Error('disk I/O error'), { errcode: 10 })
}
