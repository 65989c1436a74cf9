/** What is asked often is told by a row: no table is counted for it, however much there is. */
import type { AccountId, Uid } from '../../mail/ids.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase, type Database } from './driver.ts'
import { SqliteReads } from './reads.ts'
import { migrate } from './schema.ts'

/** Steps of the plans of all that a read asks. */
function plansOf(read: (reads: SqliteReads) => unknown): string[] {
  const db = openDatabase(':memory:')
  migrate(db)
  const asked: string[] = []
  const heard: Database = {
    exec: (sql) => db.exec(sql),
    prepare(sql) {
      asked.push(sql)
      return db.prepare(sql)
    },
    close: () => db.close(),
  }
  read(new SqliteReads(heard, undefined as never, undefined as never))
  const steps = asked.flatMap((sql) =>
    db
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map(({ detail }) => String(detail)),
  )
  db.close()
  return steps
}

test('the figures of /metrics are one row of one table', () => {
  assert.deepEqual(
    plansOf((reads) => reads.counts()),
    ['SCAN log'],
  )
})

test('a mailbox is found by an index, and its newest messages are counted in their part of one', () => {
  const steps = plansOf((reads) => {
    reads.mailboxByName(1 as AccountId, 'INBOX')
    reads.messagesFrom(1, 5 as Uid)
  })
  assert.ok(steps.length >= 3)
  for (const step of steps) assert.match(step, /^SEARCH (?:mailbox|message) USING .*(?:INDEX|PRIMARY KEY)/)
})
