import { domainDestination, localDestination } from '../../mail/destination.ts'
import type { AccountId } from '../../mail/ids.ts'
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message, rowsOf } from '../conformance/fixtures.ts'
import { queueOf } from '../conformance/late.ts'
import type { QueueRow } from '../entities.ts'
import type { Operation } from '../operations.ts'
import { openDatabase } from './driver.ts'
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
    recipients: [{ address: 'x@far.test', destination: domainDestination('far.test'), parameters }],
    prefix: '',
    firstAttemptMs: Date.now(),
    expiresAtMs: Date.now() + 1000,
  }
  const bounced = [{ recipient: 'full@example.org', reply: '452 full' }]
  const same = (): Promise<Operation> =>
    arrival(store, message('same'), [bob.inbox], { arrivalId: 'same', queue, bounced })
  await store.commit([await same(), await same()], { until: 'durable' })
  await Promise.all([store.commit([await same()]), store.commit([await same()])])
  const before = await store.read.ledger('same')
  assert.equal(before.length, 12)
  await store.close()
  // As after a power cut: the log has the records, the rows are those of before.
  rmSync(`${rows}-wal`, { force: true })
  rmSync(`${rows}-shm`, { force: true })
  cpSync(`${rows}.before`, rows)
  store = await open()
  assert.ok(store.replayed >= 3)
  assert.deepEqual(await store.read.ledger('same'), before)
  assert.equal((await store.read.mailbox(bob.inbox))!.messages, 4)
  await store.commit([await same()])
  assert.equal((await store.read.ledger('same')).length, 15)
  assert.equal((await store.read.counts()).queued, 5)
  await store.close()
  assert.deepEqual(verifyFolder(folder).faults, [])
  rmSync(folder, { recursive: true })
})

test('a filing out of the queue is replayed with its DSN: the same UIDs, and the content is still one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-replay-'))
  const open = (): ReturnType<typeof openStore> => openStore({ folder, clock: realClock, log: silentLog, segmentBytes })
  let store = await open()
  const bob = await addAccount(store, 'bob@example.org')
  const alice = await addAccount(store, 'alice@example.org')
  const nowMs = Date.now()
  const parameters = { body: '7bit', smtpUtf8: false } as const
  const queue = {
    reversePath: 'alice@example.org',
    recipients: [{ address: 'bob@example.org', destination: localDestination, parameters }],
    prefix: 'X-Held: 1\r\n',
    firstAttemptMs: nowMs,
    expiresAtMs: nowMs + 1000,
  }
  await store.commit([await arrival(store, message('held'), [], { queue })])
  const [{ rows: leased }] = await store.commit([{ kind: 'queueLease', nowMs, leaseMs: 60_000, limit: 10 }])
  await store.close()
  const rows = join(folder, 'pennypost.db')
  cpSync(rows, `${rows}.before`)
  store = await open()
  const [{ id, entry, fence }] = leased as [QueueRow]
  const dsn = await arrival(store, message('delivered'), [alice.inbox])
  await store.commit([
    { kind: 'queueFile', entry, mailbox: bob.inbox, prefix: 'X-Own: 1\r\n', flags: [], threadKeys: [] },
    { kind: 'queueFinish', lease: { recipient: id, fence }, outcome: 'filed', reply: 'INBOX', nowMs },
    dsn,
  ])
  await store.commit([await arrival(store, message('next'), [bob.inbox])])
  const seen = async () => [
    await store.read.mailboxes(bob.id),
    await store.read.mailboxes(alice.id),
    await store.read.counts(),
    (await rowsOf(store, bob.inbox, true)).map(({ uid, emailId, text }) => [uid, emailId, text!.split('\r\n')[0]]),
  ]
  const before = await seen()
  await store.close()
  rmSync(`${rows}-wal`, { force: true })
  rmSync(`${rows}-shm`, { force: true })
  cpSync(`${rows}.before`, rows)
  store = await open()
  assert.ok(store.replayed >= 2)
  assert.deepEqual(await seen(), before)
  await store.close()
  assert.deepEqual(verifyFolder(folder).faults, [])
  // As if the record of the queued message had been set aside: its report has nothing to file and to end, and the DSN is filed.
  for (const ending of ['-wal', '-shm']) rmSync(`${rows}${ending}`, { force: true })
  cpSync(`${rows}.before`, rows)
  const db = openDatabase(rows)
  db.exec('DELETE FROM recipient; DELETE FROM queueEntry; DELETE FROM content')
  db.close()
  store = await open()
  assert.equal(await store.quarantine.count(), 0)
  const messages = async (id: AccountId): Promise<number> => (await store.read.mailboxes(id))[0]!.messages
  assert.deepEqual([await messages(alice.id), await messages(bob.id)], [1, 1])
  await store.close()
  rmSync(folder, { recursive: true })
})

test('what has no rows yet has them after a crash; a damaged one is set aside, and the others have theirs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-late-'))
  const copy = `${folder}-copy`
  const open = (of: string): ReturnType<typeof openStore> =>
    openStore({ folder: of, clock: realClock, log: silentLog, segmentBytes })
  const store = await open(folder)
  const nowMs = Date.now()
  const queue = {
    ...queueOf('x@far.test'),
    firstAttemptMs: nowMs,
    expiresAtMs: nowMs + 1000,
    leasedUntilMs: nowMs + 600_000,
  }
  await store.commit([await arrival(store, message('one'), [], { queue })])
  const [{ queued }] = await store.commit([await arrival(store, message('two'), [], { queue })])
  await store.commit([await arrival(store, message('three'), [], { queue })])
  const lease = { recipient: queued!.recipients[0]!, fence: 1 }
  await store.commit([{ kind: 'queueFinish', lease, outcome: 'relayed', reply: '250 ok', nowMs }])
  assert.equal(await store.read.queueDue(), undefined, 'none has rows')
  cpSync(folder, copy, { recursive: true })
  await store.close()
  // A close leaves nothing for later: who reads the rows of a folder at rest sees all that waits.
  const atRest = openDatabase(join(folder, 'pennypost.db'), { readOnly: true })
  assert.equal(atRest.prepare('SELECT count(*) AS n FROM recipient').get()!['n'], 2)
  assert.equal(atRest.prepare('SELECT length(late) AS n FROM log').get()!['n'], 0)
  atRest.close()

  assert.deepEqual(verifyFolder(copy).faults, [], 'what has no rows yet can be read')
  let again = await open(copy)
  assert.equal(again.replayed, 0, 'they stand before the place that the rows have followed the log to')
  const rows = await again.read.queue(0, 10)
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['leased', 'leased'],
  )
  const bytes = (await again.read.queuedContent(rows[1]!.entry))!
  assert.match(Buffer.from(await bytes.read(0, bytes.sizeBytes)).toString(), /Subject: three/)
  await again.close()
  assert.deepEqual(verifyFolder(copy).faults, [])
  again = await open(copy)
  assert.equal((await again.read.counts()).queued, 2)
  await again.close()
  rmSync(copy, { recursive: true })

  // The same once more, with a byte of the first that is wrong.
  const damaged = await open(folder)
  await damaged.commit([await arrival(damaged, message('torn'), [], { queue })])
  await damaged.commit([await arrival(damaged, message('whole'), [], { queue })])
  cpSync(folder, copy, { recursive: true })
  await damaged.close()
  const segment = join(copy, 'segments', '00000001.seg')
  const contents = readFileSync(segment)
  contents[contents.lastIndexOf('Subject: torn')] = 0x58
  writeFileSync(segment, contents)
  assert.match(
    verifyFolder(copy)
      .faults.map(({ check, text }) => `${check}: ${text}`)
      .join('\n'),
    /^log\.late: A message on its way is lost: its record at 1:\d+ cannot be read$/m,
  )
  const faults: string[] = []
  const log = {
    ...silentLog,
    error: (event: string, facts?: object) => void faults.push(`${event} ${JSON.stringify(facts)}`),
  }
  const torn = await openStore({ folder: copy, clock: realClock, log, segmentBytes })
  assert.match(faults.join('\n'), /^record quarantined.*"segment":1,"position":\d+/)
  const left = await torn.read.queue(0, 10)
  assert.equal(left.length, 3)
  const whole = (await torn.read.queuedContent(left[2]!.entry))!
  assert.match(Buffer.from(await whole.read(0, whole.sizeBytes)).toString(), /Subject: whole/)
  assert.equal(await torn.quarantine.count(), 1)
  await torn.close()
  assert.deepEqual(
    verifyFolder(copy).faults.map(({ check }) => check),
    ['quarantine'],
  )
  rmSync(copy, { recursive: true })
  rmSync(folder, { recursive: true })
})
