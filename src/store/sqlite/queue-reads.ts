/** Reads of the queue and the ledger for operators: filtered, summed up, and bounded however much there is. */
import { destinationKey, parseDestination } from '../../mail/destination.ts'
import {
  queueAgesMinutes,
  type LedgerRow,
  type QueueFilter,
  type QueueParameters,
  type QueueRow,
  type QueueShapeRow,
} from '../entities.ts'
import type { LedgerPage, QueuePage, QueueShape } from '../store.ts'
import type { Row, SqlValue, Statements } from './driver.ts'

/** Rows that one call looks at: some ten milliseconds. */
const lookedMax = 5000
/** A message's recipients were given their ids one after the other, and a message has no more of them. */
const siblingsSpan = 10_000

export const queueSelect = `SELECT r.id, r.entry, e.arrivalId, e.reversePath, e.submitter, r.address, r.destination, r.state, r.attempts,
  e.acceptedMs AS acceptedAtMs, r.dueMs AS nextAttemptMs, r.turnMs, e.expiresMs AS expiresAtMs, r.fence, r.leasedUntilMs, r.reply AS lastReply,
  r.parameters, e.size AS sizeBytes, length(e.prefix) AS prefixBytes FROM recipient r JOIN queueEntry e ON e.id = r.entry`

export function toQueueRow(row: Row): QueueRow {
  return {
    ...(row as unknown as QueueRow),
    destination: parseDestination(row['destination'] as string),
    parameters: JSON.parse(row['parameters'] as string) as QueueParameters,
  }
}

/** An address in a column, or everything of a domain. */
function addressTest(column: string, wanted: string): { sql: string; value: string } {
  return wanted.startsWith('@')
    ? { sql: `lower(substr(${column}, -length(?1))) = lower(?1)`, value: wanted }
    : { sql: `lower(${column}) = lower(?1)`, value: wanted }
}

function conditions(filter: QueueFilter): { sql: string; values: SqlValue[] } {
  const parts: string[] = []
  const values: SqlValue[] = []
  const add = (sql: string, value: SqlValue): void => {
    values.push(value)
    parts.push(sql.replaceAll('?1', `?${values.length + 2}`))
  }
  for (const [column, wanted] of [
    ['e.reversePath', filter.sender],
    ['r.address', filter.recipient],
  ] as const) {
    if (wanted === undefined) continue
    const { sql, value } = addressTest(column, wanted)
    add(sql, value)
  }
  if (filter.destination !== undefined) add('r.destination = ?1', destinationKey(filter.destination))
  if (filter.submitter !== undefined) add('e.submitter = ?1', filter.submitter)
  if (filter.state !== undefined) add('r.state = ?1', filter.state)
  if (filter.acceptedBeforeMs !== undefined) add('e.acceptedMs < ?1', filter.acceptedBeforeMs)
  return { sql: parts.map((part) => ` AND ${part}`).join(''), values }
}

/** Where the ids end that one call looks at; undefined: it sees the last of them. */
function endOf(statements: Statements, after: number): number | undefined {
  return statements
    .sql(`SELECT id FROM recipient WHERE id > ? ORDER BY id LIMIT 1 OFFSET ${lookedMax - 1}`)
    .get(after)?.['id'] as number | undefined
}

export function queueWhere(statements: Statements, filter: QueueFilter, after: number, limit: number): QueuePage {
  const end = endOf(statements, after)
  const { sql, values } = conditions(filter)
  const rows = statements
    .sql(`${queueSelect} WHERE r.id > ?1 AND r.id <= ?2${sql} ORDER BY r.id LIMIT ${limit}`)
    .all(after, end ?? Number.MAX_SAFE_INTEGER, ...values)
    .map(toQueueRow)
  const next = rows.length === limit ? rows[rows.length - 1]!.id : end
  return next === undefined ? { rows } : { rows, next }
}

export function queueSiblings(statements: Statements, row: QueueRow, limit: number): QueueRow[] {
  return statements
    .sql(`${queueSelect} WHERE r.id BETWEEN ? AND ? AND r.entry = ? ORDER BY r.id LIMIT ?`)
    .all(row.id - siblingsSpan, row.id + siblingsSpan, row.entry, limit)
    .map(toQueueRow)
}

export function queueShape(statements: Statements, after: number, nowMs: number): QueueShape {
  const end = endOf(statements, after)
  const minutes = '(?3 - e.acceptedMs) / 60000.0'
  const bounds = [Number.MIN_SAFE_INTEGER, ...queueAgesMinutes, Number.MAX_SAFE_INTEGER]
  const ages = bounds.slice(1).map((bound, i) => `sum(${minutes} >= ${bounds[i]} AND ${minutes} < ${bound}) AS a${i}`)
  const rows = statements
    .sql(
      `SELECT r.destination, count(*) AS recipients, sum(r.state = 'held') AS held, sum(r.state = 'deferred') AS deferred, min(e.acceptedMs) AS oldestMs, ${ages.join(', ')}
       FROM recipient r JOIN queueEntry e ON e.id = r.entry WHERE r.id > ?1 AND r.id <= ?2 GROUP BY r.destination`,
    )
    .all(after, end ?? Number.MAX_SAFE_INTEGER, nowMs)
    .map((row): QueueShapeRow => {
      const { destination, recipients, held, deferred, oldestMs } = row as unknown as QueueShapeRow
      return { destination, recipients, held, deferred, oldestMs, ages: ages.map((_, i) => row[`a${i}`] as number) }
    })
  return end === undefined ? { rows } : { rows, next: end }
}

export const ledgerColumns = 'arrivalId, recipient, acceptedMs AS acceptedAtMs, outcome, endedMs AS endedAtMs, detail'

export function ledgerWhere(
  statements: Statements,
  after: string,
  before: string,
  recipient: string | undefined,
  limit: number,
): LedgerPage {
  const end = statements
    .sql(
      `SELECT arrivalId FROM ledger WHERE arrivalId > ? AND arrivalId < ? ORDER BY arrivalId LIMIT 1 OFFSET ${lookedMax - 1}`,
    )
    .get(after, before)?.['arrivalId'] as string | undefined
  const test =
    recipient === undefined ? { sql: '', value: [] } : { sql: ' AND lower(recipient) = lower(?3)', value: [recipient] }
  const rows = statements
    .sql(
      `SELECT ${ledgerColumns} FROM ledger WHERE arrivalId > ?1 AND arrivalId ${end === undefined ? '<' : '<='} ?2${test.sql}
       ORDER BY arrivalId, n LIMIT ${limit}`,
    )
    .all(after, end ?? before, ...test.value) as unknown as LedgerRow[]
  // A message with more recipients than a page is cut there; its other rows are found by its id.
  const next = rows.length === limit ? rows[rows.length - 1]!.arrivalId : end
  return next === undefined ? { rows } : { rows, next }
}
