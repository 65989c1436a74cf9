/** A disk without any room: the store still starts, is read, and lets mail be deleted. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { addAccount, arrival, message, rowsOf } from '../../src/store/conformance/fixtures.ts'
import { verifyFolder } from '../../src/store/sqlite/verify.ts'
import { FailurePlan } from './failing.ts'
import { openInPlace } from './in-place.ts'

async function filled(): Promise<{ folder: string; inbox: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-room-'))
  const { store, crash } = await openInPlace(folder)
  const { inbox } = await addAccount(store, 'bob@example.org')
  for (const subject of ['one', 'two']) await store.commit([await arrival(store, message(subject), [inbox])])
  crash()
  return { folder, inbox }
}

test('a start without room for its rows can be read, takes nothing, and goes on once there is room', async () => {
  const { folder, inbox } = await filled()
  const plan = new FailurePlan()
  plan.refuses = (sql) => sql === 'COMMIT'
  const { store, behind, damage, crash } = await openInPlace(folder, plan)
  assert.ok(behind())
  assert.match(damage[0]!.event, /disk full at start/)
  assert.ok(!existsSync(join(folder, 'reserve')), 'the reserve was given up for it')
  assert.equal((await rowsOf(store, inbox, true)).length, 2)
  await assert.rejects(store.commit([await arrival(store, message('three'), [inbox])]), { full: true })
  plan.refuses = () => false
  await store.commit([await arrival(store, message('four'), [inbox])])
  assert.ok(!behind())
  assert.equal((await rowsOf(store, inbox)).length, 3)
  crash()
  assert.deepEqual(verifyFolder(folder).faults, [])
  rmSync(folder, { recursive: true })
})

test('with the disk full a deletion takes the reserve, and is done', async () => {
  const { folder, inbox } = await filled()
  const plan = new FailurePlan()
  const { store, crash } = await openInPlace(folder, plan)
  assert.ok(existsSync(join(folder, 'reserve')))
  plan.refuses = () => existsSync(join(folder, 'reserve'))
  await store.commit([{ kind: 'expunge', mailbox: inbox, force: true, nowMs: 1 }])
  assert.equal((await store.read.mailbox(inbox))!.messages, 0)
  assert.ok(!existsSync(join(folder, 'reserve')))
  crash()
  rmSync(folder, { recursive: true })
})
