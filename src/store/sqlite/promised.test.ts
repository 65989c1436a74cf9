/** Reads of what was answered, where its rows cannot come. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import type { AccountId } from '../../mail/ids.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message, nowMs } from '../conformance/fixtures.ts'
import { queueOf } from '../conformance/late.ts'
import { Batcher, type WriterHost } from './batcher.ts'
import { openDatabase } from './driver.ts'
import { openStore } from './engine.ts'
import { Promised } from './promised.ts'
import { SqliteReads } from './reads.ts'
import { migrate } from './schema.ts'
import { VisibleReads } from './visible-reads.ts'

test('a writer that breaks lets go of those that wait for rows', async () => {
  let durable = (): void => {}
  const host: WriterHost = {
    group: (_buffer, _commits, answer) => (durable = () => answer([{ ok: true, results: [{ filed: [] }] }])),
  }
  const batcher = new Batcher(host, realClock, () => {})
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  const filed = batcher.commit([await arrival(store, message('one'), [7])], 'durable')
  await new Promise((resolve) => setImmediate(resolve))
  durable()
  await filed
  assert.deepEqual([...batcher.promised.mailboxes!], [7])
  const waiting = batcher.promised.visible()
  batcher.break(new Error('the disk is gone'))
  await waiting
  assert.equal(batcher.promised.mailboxes, undefined)
  await store.close()
})

test('where late rows cannot be written, reads of the queue and the totals tell what is there', async () => {
  let full = false
  const memoryFails = (): void => {
    if (full) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
  }
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog, memoryFails })
  await addAccount(store, 'bob@example.org')
  const queue = { ...queueOf('x@far.test'), leasedUntilMs: nowMs + 600_000 }
  await store.commit([await arrival(store, message('out'), [], { queue })])
  full = true
  assert.equal((await store.read.counts()).accounts, 1)
  assert.deepEqual(await store.read.queueWhere({}, 0, 10), { rows: [] })
  full = false
  assert.equal((await store.read.queueWhere({}, 0, 10)).rows.length, 1)
  await store.close()
})

test('what deliveries ask for is not waited for: the 250 of one is not behind the rows of another', async () => {
  const db = openDatabase(':memory:')
  migrate(db)
  db.exec("INSERT INTO account (id, name, quotaBytes, uidValidity) VALUES (1, 'bob@example.org', 0, 1)")
  db.exec("INSERT INTO mailbox (id, account, name, uidValidity) VALUES (7, 1, 'INBOX', 1)")
  const promised = new Promised()
  // Answered, and its rows do not come.
  promised.add([7])
  const reads = new SqliteReads(db, undefined as never, realClock)
  const rows = new VisibleReads({ reads, promised, allRows: () => undefined, search: () => Promise.reject() })
  assert.equal((await rows.user('bob@example.org'))!.inbox, 7)
  assert.equal((await rows.address('bob@example.org')).account!.id, 1)
  assert.equal(await rows.usedBytes(1 as AccountId), 0)
  let answered = false
  const account = rows.accountById(1 as AccountId).then(() => (answered = true))
  await new Promise((resolve) => setTimeout(resolve, 20))
  assert.equal(answered, false)
  promised.kept()
  assert.equal(await account, true)
  db.close()
})
