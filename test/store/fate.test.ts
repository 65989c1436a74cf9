import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { addAccount, arrival, message, refused, rowsOf, stored } from '../../src/store/conformance/fixtures.ts'
import { FailurePlan } from './failing.ts'
import { openInPlace } from './in-place.ts'
import { StoreSink, type SinkRoom } from '../../src/store/contents/sink.ts'

const large = message('large', 'x'.repeat(3_000_000))

function filesOf(folder: string): string[] {
  return readdirSync(join(folder, 'large'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.eml'))
}

test('a large body whose commit failed after its record was synced is kept, however often it is given up', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-fate-'))
  const first = await openInPlace(folder)
  const bob = await addAccount(first.store, 'bob@example.org')
  first.crash()
  const plan = new FailurePlan()
  const failing = await openInPlace(folder, plan)
  plan.refuses = (sql) => sql === 'COMMIT'
  const operation = await arrival(failing.store, large, [bob.inbox])
  await assert.rejects(failing.store.commit([operation]))
  operation.content.abort()
  operation.content.abort()
  assert.equal(filesOf(folder).length, 1)
  failing.crash()
  const { store, crash } = await openInPlace(folder)
  const [row] = await rowsOf(store, bob.inbox, true)
  assert.match(row!.text!, /Subject: large/)
  crash()
  rmSync(folder, { recursive: true })
})

test('a large body whose commit was refused goes when it is given up; one that a commit has named stays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-fate-'))
  const { store, crash } = await openInPlace(folder)
  const bob = await addAccount(store, 'bob@example.org')
  const refusedOne = await arrival(store, large, [4711])
  await refused(store.commit([refusedOne]), 'noSuchMailbox')
  assert.equal(filesOf(folder).length, 1)
  refusedOne.content.abort()
  assert.equal(filesOf(folder).length, 0)
  const named = await arrival(store, large, [bob.inbox])
  await store.commit([named])
  named.content.abort()
  assert.equal(filesOf(folder).length, 1)
  const never = await stored(store, large)
  assert.equal(filesOf(folder).length, 2)
  never.abort()
  assert.equal(filesOf(folder).length, 1)
  crash()
  rmSync(folder, { recursive: true })
})

/** Nothing is read back here. */
const unread = undefined as never

test('memory of a body is given back once, by whatever gives it up first', async () => {
  const room: SinkRoom = { folder: undefined, newName: () => '', inlineBytes: 0 }
  const sink = new StoreSink(room, unread)
  sink.write(Buffer.alloc(1000))
  const content = await sink.finish()
  assert.equal(room.inlineBytes, 1000)
  for (let i = 0; i < 3; i++) content.abort()
  sink.abort()
  assert.equal(room.inlineBytes, 0)
})

test('a sink that is given up while its file opens leaves neither file nor descriptor', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-fate-'))
  const open = (): number => readdirSync('/proc/self/fd').length
  const before = open()
  const room: SinkRoom = { folder, newName: () => `ab${Math.random().toString(36).slice(2)}`, inlineBytes: 0 }
  for (let i = 0; i < 50; i++) {
    const sink = new StoreSink(room, unread)
    sink.write(Buffer.alloc(3 * 1024 * 1024))
    sink.abort()
  }
  for (let turns = 0; turns < 1000 && readdirSync(folder).length > 0; turns++) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  assert.deepEqual(readdirSync(folder), [])
  assert.ok(open() <= before + 2, `${open() - before} more are open`)
  rmSync(folder, { recursive: true })
})
