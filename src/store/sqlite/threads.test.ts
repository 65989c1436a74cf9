/** The store's threads: that all have ended when it is closed, and what becomes of it when the writer's ends by itself. */
import type { AccountId } from '../../mail/ids.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message, refused, rowsOf } from '../conformance/fixtures.ts'
import { openStore } from './engine.ts'
import { verifyFolder } from './verify.ts'

/** Threads that this process begins from now on. */
function watched(t: TestContext): readonly Worker[] {
  const threads: Worker[] = []
  const seen = (worker: Worker): void => void threads.push(worker)
  process.on('worker', seen)
  t.after(() => process.off('worker', seen))
  return threads
}

test('a store that is closed has no threads any more, also those that searched', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-threads-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const threads = watched(t)
  const store = await openStore({ folder, clock: realClock, log: silentLog })
  const { inbox } = await addAccount(store, 'bob@example.org')
  await store.commit([await arrival(store, message('first'), [inbox])])
  const found = await store.read.search(inbox, { kind: 'header', name: 'subject', needle: 'first' }, [[1, 1]])
  assert.equal(found.length, 1)
  assert.ok(threads.length > 1, 'it has one that writes and one that searches')
  await store.close()
  // A thread that has ended has no number.
  assert.deepEqual(
    threads.map(({ threadId }) => threadId),
    threads.map(() => -1),
  )
})

test("a writer's thread that ends, as for want of memory, ends the store: commits fail, it is told once, and a close comes to an end", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-broken-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const threads = watched(t)
  const told: string[] = []
  const log = { ...silentLog, error: (event: string) => void told.push(event) }
  const broken = (error: Error): void => void told.push(error.message)
  const store = await openStore({ folder, clock: realClock, log, broken })
  const { inbox } = await addAccount(store, 'bob@example.org')
  await store.commit([await arrival(store, message('first'), [inbox])])
  const next = await arrival(store, message('second'), [inbox])
  const [writer] = threads
  await writer!.terminate()
  await assert.rejects(store.commit([next]), /^StoreFault: The store has stopped/)
  await assert.rejects(
    store.commit([{ kind: 'domainAdd', name: 'a.example' }]),
    /The store has stopped: .*thread ended/,
  )
  assert.deepEqual(told, ['store stopped', "the writer's thread ended"])
  // What was answered can be read, and is there when it is opened again.
  assert.equal((await rowsOf(store, inbox)).length, 1)
  await store.close()
  assert.equal(told.length, 2)
  const again = await openStore({ folder, clock: realClock, log: silentLog })
  assert.equal((await rowsOf(again, inbox)).length, 1)
  await refused(
    again.commit([{ kind: 'mailboxDelete', account: 999 as AccountId, name: 'x', nowMs: 0 }]),
    'noSuchMailbox',
  )
  await again.close()
  assert.deepEqual(verifyFolder(folder).faults, [])
})
