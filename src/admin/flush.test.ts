/** ETRN over a long queue: page by page, with a turn of the event loop after each, and a commit for pages with matches. */
import { domainDestination } from '../mail/destination.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realClock } from '../platform/real/clock.ts'
import { silentLog } from '../base/log.ts'
import { arrival, message, nowMs } from '../store/conformance/fixtures.ts'
import { openStore } from '../store/sqlite/engine.ts'
import { flushWaiting } from './flush.ts'

test('one page is read in a turn of the event loop, and its recipients are retried in one commit', async (t) => {
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  t.after(() => store.close())
  const parameters = { body: '7bit', smtpUtf8: false } as const
  for (const domain of ['other.test', 'far.test']) {
    const recipients = Array.from({ length: 6000 }, (_, i) => ({
      address: `u${i}@${domain}`,
      destination: domainDestination(domain),
      parameters,
    }))
    const queue = { reversePath: '', recipients, prefix: '', firstAttemptMs: 9e12, expiresAtMs: 9e12 }
    await store.commit([await arrival(store, message('out'), [], { queue })])
  }
  let turns = 0
  const clock = { ...realClock, soon: (run: () => void) => (turns++, realClock.soon(run)), now: () => nowMs }
  const looked: number[] = []
  let commits = 0
  const read = Object.assign(Object.create(store.read) as typeof store.read, {
    async queueWhere(...args: Parameters<typeof store.read.queueWhere>) {
      looked.push(turns)
      return await store.read.queueWhere(...args)
    },
  })
  const counted = {
    ...store,
    read,
    commit: ((...args: Parameters<typeof store.commit>) => (commits++, store.commit(...args))) as typeof store.commit,
  }
  const flush = (name: string) => flushWaiting({ store: counted, clock }, { kind: 'below', name })
  assert.equal(await flush('nosuch.example'), 0)
  assert.ok(looked.length >= 3)
  assert.deepEqual(
    looked,
    looked.map((_, i) => i),
  )
  assert.equal(commits, 0)
  assert.equal(await flush('far.test'), 6000)
  assert.equal(new Set(looked).size, looked.length)
  assert.ok(commits >= 12 && commits <= 13, `${commits} commits`)
})

test('a recipient that ended meanwhile does not keep others from being tried', async (t) => {
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog })
  t.after(() => store.close())
  const recipients = ['a', 'b', 'c'].map((name) => ({
    address: `${name}@far.test`,
    destination: domainDestination('far.test'),
    parameters: { body: '7bit', smtpUtf8: false } as const,
  }))
  const queue = { reversePath: '', recipients, prefix: '', firstAttemptMs: 9e12, expiresAtMs: 9e12 }
  await store.commit([await arrival(store, message('out'), [], { queue })])
  const rows = await store.read.queue(0, 9)
  await store.commit([{ kind: 'queueAct', recipient: rows[1]!.id, act: 'drop', nowMs }])
  const read = Object.assign(Object.create(store.read) as typeof store.read, { queueWhere: () => ({ rows }) })
  const tried = await flushWaiting(
    { store: { ...store, read }, clock: realClock },
    { kind: 'domain', name: 'far.test' },
  )
  assert.equal(tried, 2)
  assert.deepEqual(
    (await store.read.queue(0, 9)).map(({ state }) => state),
    ['ready', 'ready'],
  )
})
