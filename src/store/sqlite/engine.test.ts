import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import { conformance } from '../conformance/conformance.ts'
import { addAccount, arrival, message } from '../conformance/fixtures.ts'
import { lateRowChecks } from '../conformance/late.ts'
import { openStore } from './engine.ts'
import { verifyFolder } from './verify.ts'

const options = { clock: realClock, log: silentLog }

conformance(
  'memory',
  async () => {
    const store = await openStore({ folder: ':memory:', ...options })
    return { store, done: () => store.close() }
  },
  lateRowChecks,
)

conformance(
  'sqlite',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pennypost-store-'))
    let store = await openStore({ folder, ...options })
    return {
      store,
      async done() {
        await store.close()
        // Whatever a store has been through, its rows agree with each other and with the bytes.
        const { faults } = verifyFolder(folder)
        rmSync(folder, { recursive: true })
        assert.deepEqual(faults, [])
      },
      async reopen() {
        await store.close()
        store = await openStore({ folder, ...options })
        return store
      },
    }
  },
  lateRowChecks,
)

/** Names, sizes and times of all that is below a folder. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const { size, mtimeMs } = statSync(join(folder, name))
      return `${name} ${size} ${mtimeMs}`
    })
    .sort()
}

test('a store that is closed writes nothing more into its folder, whatever it was about', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-store-'))
  t.after(() => rmSync(folder, { recursive: true }))
  // A second is a millisecond: the next segment is prepared behind the first commit.
  const clock = { ...realClock, monotonic: () => realClock.monotonic() * 1000 }
  const store = await openStore({ folder, ...options, clock })
  await store.commit([{ kind: 'domainAdd', name: 'a.example' }])
  await sleep(10)
  await store.commit([{ kind: 'domainAdd', name: 'b.example' }])
  await store.close()
  const files = filesBelow(folder)
  assert.deepEqual(
    files.filter((name) => name.includes('prepar')),
    [],
  )
  await sleep(300)
  assert.deepEqual(filesBelow(folder), files)
})

test('a close ends the sweep that is under way, and waits for its end', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-store-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const store = await openStore({ folder, ...options })
  const bob = await addAccount(store, 'bob@example.org')
  await store.commit([await arrival(store, message('large', 'x'.repeat(4_000_000)), [bob.inbox])])
  const large = join(folder, 'large')
  const bodies = (): string[] =>
    readdirSync(large, { recursive: true, encoding: 'utf8' }).filter((n) => n.endsWith('.eml'))
  assert.equal(bodies().length, 1)
  const nowMs = Date.now()
  await store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[1, 1]], mode: 'add', flags: ['\\Deleted'] }])
  await store.commit([{ kind: 'expunge', mailbox: bob.inbox, nowMs }])
  const ended: string[] = []
  // It waits half a minute for those who may still read.
  const sweep = store.sweep(nowMs).then(({ contentsFreed }) => void ended.push(`swept ${contentsFreed}`))
  await sleep(100)
  await store.close().then(() => void ended.push('closed'))
  await sweep
  assert.deepEqual([ended, bodies()], [['swept 1', 'closed'], []])
})
