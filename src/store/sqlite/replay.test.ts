import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message } from '../conformance/fixtures.ts'
import type { Operation } from '../operations.ts'
import { openStore } from './engine.ts'
import { verifyFolder } from './verify.ts'

const segmentBytes = 4 * 1024 * 1024

test('arrivals of one id are replayed like any others, and the store goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-replay-'))
  const open = (): ReturnType<typeof openStore> => openStore({ folder, clock: realClock, log: silentLog, segmentBytes })
  let store = await open()
  const bob = await addAccount(store, 'bob@example.org')
  await store.close()
  const rows = join(folder, 'pennypost.db')
  cpSync(rows, `${rows}.before`)
  store = await open()
  const parameters = { body: '7bit', smtpUtf8: false } as const
  const queue = {
    reversePath: '',
    recipients: [{ address: 'x@far.test', destination: 'far.test', parameters }],
    prefix: '',
    firstAttemptMs: Date.now(),
    expiresAtMs: Date.now() + 1000,
  }
  const bounced = [{ recipient: 'full@example.org', reply: '452 full' }]
  const same = (): Promise<Operation> =>
    arrival(store, message('same'), [bob.inbox], { arrivalId: 'same', queue, bounced })
  await store.commit([await same(), await same()], { until: 'durable' })
  await Promise.all([store.commit([await same()]), store.commit([await same()])])
  const before = store.read.ledger('same')
  assert.equal(before.length, 12)
  await store.close()
  // As after a power cut: the log has the records, the rows are those of before.
  rmSync(`${rows}-wal`, { force: true })
  rmSync(`${rows}-shm`, { force: true })
  cpSync(`${rows}.before`, rows)
  store = await open()
  assert.ok(store.replayed >= 3)
  assert.deepEqual(store.read.ledger('same'), before)
  assert.equal(store.read.mailbox(bob.inbox)!.messages, 4)
  await store.commit([await same()])
  assert.equal(store.read.ledger('same').length, 15)
  assert.equal(store.read.counts().queued, 5)
  await store.close()
  assert.deepEqual(verifyFolder(folder).faults, [])
  rmSync(folder, { recursive: true })
})
