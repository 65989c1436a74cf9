/** Message tables that are kept for the next reader: never other than the rows. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import type { AccountId } from '../../mail/ids.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message, nowMs } from '../conformance/fixtures.ts'
import type { Operation } from '../operations.ts'
import type { Store } from '../store.ts'
import { openDatabase, Statements } from './driver.ts'
import { openStore } from './engine.ts'
import { messagePage } from './packed.ts'
import { readSnapshot } from './snapshot.ts'
import { verifyFolder } from './verify.ts'

const messages = 600

async function fill(store: Store, mailbox: number, count: number): Promise<void> {
  const arrivals = Array.from({ length: count }, async (_, n) =>
    store.commit([await arrival(store, message(`m${n}`), [mailbox])]),
  )
  await Promise.all(arrivals)
}

async function tableOf(store: Store, mailbox: number): Promise<string> {
  const table = await store.read.table(mailbox)
  const { count, uids, flagsLow, flagsHigh, modSeqs } = table.view()
  const columns = [uids, flagsLow, flagsHigh, modSeqs].map((column) => [...column.subarray(0, count)])
  const { uidNext, highestModSeq } = table
  table.release()
  return JSON.stringify({ columns, uidNext, highestModSeq })
}

test('a table that was kept at a close is read at once after the start, and never when it is old', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-snapshot-'))
  const open = (): Promise<Store> => openStore({ folder, clock: realClock, log: silentLog })
  const kept = (mailbox: number): number | undefined => {
    const db = openDatabase(join(folder, 'pennypost.db'), { readOnly: true })
    const found = readSnapshot(new Statements(db), mailbox)?.uids.length
    db.close()
    return found
  }
  const keptRows = (): unknown => {
    const db = openDatabase(join(folder, 'pennypost.db'), { readOnly: true })
    const { n } = db.prepare('SELECT count(*) AS n FROM snapshot').get()!
    db.close()
    return n
  }
  let store = await open()
  const bob = await addAccount(store, 'bob@example.org')
  await fill(store, bob.inbox, messages)
  await fill(store, bob.trash, 20)
  await store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[5, 50]], mode: 'add', flags: ['\\Seen', 'k1'] }])
  await store.commit([{ kind: 'expunge', mailbox: bob.inbox, uids: [[590, 600]], force: true, nowMs }])
  const told = await tableOf(store, bob.inbox)
  await tableOf(store, bob.trash)
  assert.equal(kept(bob.inbox), undefined)
  await store.close()
  assert.equal(kept(bob.inbox), messages - 11)
  assert.equal(kept(bob.trash), undefined, 'a small one is not worth it')

  store = await open()
  assert.equal(await tableOf(store, bob.inbox), told)
  // Messages that came since are behind it.
  await fill(store, bob.inbox, 3)
  await store.close()
  store = await open()
  const newer = await tableOf(store, bob.inbox)
  assert.equal(JSON.parse(newer).columns[0].length, messages - 8)
  await store.close()
  assert.equal(kept(bob.inbox), messages - 8)

  const changes: readonly Operation[] = [
    { kind: 'flags', mailbox: bob.inbox, uids: [[7, 7]], mode: 'remove', flags: ['\\Seen'] },
    { kind: 'expunge', mailbox: bob.inbox, uids: [[9, 9]], force: true, nowMs },
    { kind: 'move', mailbox: bob.inbox, uids: [[11, 12]], target: bob.trash, nowMs },
  ]
  for (const change of changes) {
    store = await open()
    await store.commit([change])
    await store.close()
    assert.equal(kept(bob.inbox), undefined, change.kind)
    store = await open()
    await store.sweep(nowMs)
    assert.equal(keptRows(), 0)
    await tableOf(store, bob.inbox)
    await store.close()
    assert.notEqual(kept(bob.inbox), undefined)
  }
  assert.deepEqual(verifyFolder(folder).faults, [])

  const db = openDatabase(join(folder, 'pennypost.db'))
  const { count } = messagePage(new Statements(db), bob.inbox, 1, 1000)
  assert.equal(kept(bob.inbox), count)
  db.exec('UPDATE message SET low = 1 WHERE uid = 30')
  db.close()
  const { faults } = verifyFolder(folder)
  assert.deepEqual(
    faults.filter(({ check }) => check === 'snapshot').map(({ text }) => text),
    [`The kept table of mailbox ${bob.inbox} is not what its rows say`],
  )

  store = await open()
  await store.commit([{ kind: 'mailboxRename', account: 1 as AccountId, from: 'INBOX', to: 'Old', nowMs }])
  await store.close()
  assert.equal(kept(bob.inbox), undefined)
  rmSync(folder, { recursive: true })
})
