/** What single guards of the store promise, each seen to fail without its guard. */
import { domainDestination } from '../../src/mail/destination.ts'
import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Clock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { addAccount, arrival, message, nowMs, refused, stored } from '../../src/store/conformance/fixtures.ts'
import { contentInlineMaxBytes } from '../../src/store/contents/sink.ts'
import { DiskContents } from '../../src/store/contents/reader.ts'
import { timePrefix } from '../../src/store/arrival-id.ts'
import { backupTo } from '../../src/store/sqlite/backup.ts'
import type { Batcher } from '../../src/store/sqlite/batcher.ts'
import { openDatabase, type Database } from '../../src/store/sqlite/driver.ts'
import { openStore, type SqliteStore } from '../../src/store/sqlite/engine.ts'
import { restoreFolder } from '../../src/store/sqlite/restore.ts'
import { verifyFolder } from '../../src/store/sqlite/verify.ts'
import { FailurePlan } from './failing.ts'
import { openInPlace } from './in-place.ts'

const segmentBytes = 1024 * 1024
const parameters = { body: '7bit', smtpUtf8: false } as const

function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-promises-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const open = (folder: string, clock: Clock = realClock): Promise<SqliteStore> =>
  openStore({ folder, clock, log: silentLog, segmentBytes })

function queueTo(address: string, more: object = {}): NonNullable<Awaited<ReturnType<typeof arrival>>['queue']> {
  const recipients = [{ address, destination: domainDestination('far.test'), parameters }]
  return { reversePath: '', recipients, prefix: '', firstAttemptMs: 1, expiresAtMs: 9e12, ...more }
}

test('news of a commit that is refused half-way is told to no listener', async (t) => {
  const store = await open(join(place(t), 'data'))
  const { id } = await addAccount(store, 'bob@example.org')
  const told: string[] = []
  store.listen((changes) => void told.push(...changes.map(({ kind }) => kind)))
  const leased = queueTo('x@far.test', { leasedUntilMs: Date.now() + 600_000 })
  const gone = { kind: 'mailboxDelete', account: id, name: 'nosuch', nowMs: 0 } as const
  await refused(store.commit([await arrival(store, message('m'), [], { queue: leased }), gone]), 'noSuchMailbox')
  await store.commit([{ kind: 'settingSet', name: 'x', value: 'y' }])
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(told, [])
  assert.equal((await store.read.counts()).queued, 0)
  await store.close()
})

test('retry of a recipient that is being tried changes nothing: its report counts, and it is not tried again', async (t) => {
  const store = await open(join(place(t), 'data'))
  await store.commit([await arrival(store, message('m'), [], { queue: queueTo('x@far.test') })])
  const [{ rows }] = await store.commit([{ kind: 'queueLease', nowMs: 2, leaseMs: 9e11, limit: 1 }])
  const { id, fence } = rows[0]!
  await store.commit([{ kind: 'queueAct', recipient: id, act: 'retry', nowMs: 3 }])
  assert.equal((await store.read.queueRecipient(id))!.state, 'leased')
  const lease = { recipient: id, fence }
  await store.commit([{ kind: 'queueFinish', lease, outcome: 'relayed', reply: '250', nowMs: 4 }])
  assert.equal((await store.read.counts()).queued, 0)
  await store.close()
})

test('an imported UIDL goes along with MOVE, and not with COPY', async (t) => {
  const store = await open(join(place(t), 'data'))
  const { inbox, trash } = await addAccount(store, 'bob@example.org')
  const content = await stored(store, message('m'))
  const { facts } = await arrival(store, message('m'), [])
  const at = { epochMs: nowMs, offsetMinutes: 0 }
  await store.commit([
    { kind: 'append', mailbox: inbox, content, facts, internalDate: at, savedAtMs: nowMs, flags: [], uidl: 'old-1' },
  ])
  const uidls = async (mailbox: number): Promise<(string | null)[]> => {
    const found: (string | null)[] = []
    for await (const page of store.read.rows(mailbox, Uint32Array.of(1, 2, 3), {}))
      found.push(...page.map(({ uidl }) => uidl))
    return found
  }
  await store.commit([{ kind: 'copy', mailbox: inbox, uids: [[1, 1]], target: trash, nowMs }])
  assert.deepEqual(await uidls(trash), [null])
  await store.commit([{ kind: 'move', mailbox: inbox, uids: [[1, 1]], target: trash, nowMs }])
  assert.deepEqual(await uidls(trash), [null, 'old-1'])
  await store.close()
})

test('a reader that began before the sweep reads to its end', async (t) => {
  const folder = join(place(t), 'data')
  const waits: { ms: number; run: () => void }[] = []
  const clock: Clock = {
    ...realClock,
    after: (ms, run) => (ms < 30_000 ? realClock.after(ms, run) : (waits.push({ ms, run }), { cancel() {} })),
  }
  const store = await open(folder, clock)
  const { inbox } = await addAccount(store, 'bob@example.org')
  const body = 'x'.repeat(contentInlineMaxBytes + 1)
  await store.commit([await arrival(store, message('large', body), [inbox])])
  const [page] = [await store.read.rows(inbox, Uint32Array.of(1), { bytes: true })[Symbol.asyncIterator]().next()]
  const { bytes } = page.value![0]!
  await store.commit([{ kind: 'expunge', mailbox: inbox, force: true, nowMs }])
  const sweeping = store.sweep(Date.now())
  while (waits.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(
    waits.map(({ ms }) => ms),
    [30_000],
  )
  assert.match(
    Buffer.from(await bytes!.read(0, 400)).toString(),
    /Subject: large/,
    'the file is there until the grace is over',
  )
  waits[0]!.run()
  await sweeping
  assert.equal(
    readdirSync(join(folder, 'large'), { recursive: true }).filter((name) => String(name).endsWith('.eml')).length,
    0,
  )
  await store.close()
})

test('verify and restore see damage in the last of 501 contents', async (t) => {
  const base = place(t)
  const folder = join(base, 'data')
  const store = await open(folder)
  const { inbox } = await addAccount(store, 'bob@example.org')
  for (let n = 0; n < 501; n += 3) {
    const some = [n, n + 1, n + 2].map((k) => arrival(store, message(`m${k}`), [inbox]))
    await Promise.all(some.map(async (one) => store.commit([await one])))
  }
  await store.backup(join(base, 'backup'))
  await store.close()
  assert.deepEqual(verifyFolder(folder).faults, [])
  const db = openDatabase(join(folder, 'pennypost.db'), { readOnly: true })
  const last = db.prepare('SELECT segment, position FROM content ORDER BY id DESC LIMIT 1').get()!
  db.close()
  const path = join(folder, 'segments', `${String(last['segment']).padStart(8, '0')}.seg`)
  const bytes = readFileSync(path)
  bytes.write('!', (last['position'] as number) + 3)
  writeFileSync(path, bytes)
  assert.match(verifyFolder(folder).faults[0]!.text, /is not what arrived/)
})

test('restored with holdQueue every recipient is held, and the count is told', async (t) => {
  const base = place(t)
  const store = await open(join(base, 'data'))
  for (const name of ['a', 'b']) {
    await store.commit([await arrival(store, message(name), [], { queue: queueTo(`${name}@far.test`) })])
  }
  await store.commit([{ kind: 'queueLease', nowMs: 2, leaseMs: 9e11, limit: 1 }])
  await store.backup(join(base, 'backup'))
  await store.close()
  const report = await restoreFolder(join(base, 'backup'), join(base, 'held'), { nowMs: Date.now(), holdQueue: true })
  assert.deepEqual([report.queued, report.held], [2, 2])
  const held = await open(join(base, 'held'))
  assert.deepEqual(
    (await held.read.queue(0, 10)).map(({ state }) => state),
    ['held', 'held'],
  )
  const [{ rows }] = await held.commit([{ kind: 'queueLease', nowMs: Date.now(), leaseMs: 1000, limit: 10 }])
  assert.equal(rows.length, 0)
  await held.close()
  const plain = await restoreFolder(join(base, 'backup'), join(base, 'plain'), { nowMs: Date.now() })
  assert.deepEqual([plain.queued, plain.held], [2, 0])
})

test('a later backup copies a segment again that is another one of that number and size', async (t) => {
  const base = place(t)
  const folder = join(base, 'data')
  const backup = join(base, 'backup')
  let store = await open(folder)
  const { inbox } = await addAccount(store, 'bob@example.org')
  const body = 'x'.repeat(400_000)
  for (let n = 0; n < 4; n++) await store.commit([await arrival(store, message(`m${n}`, body), [inbox])])
  await store.backup(backup)
  await store.close()
  // Another segment of that number and size, as after a restore: its time alone tells.
  const path = join(folder, 'segments', '00000001.seg')
  const bytes = readFileSync(path)
  bytes.write('!', bytes.length - 10)
  writeFileSync(path, bytes)
  const later = new Date(Date.now() + 5000)
  utimesSync(path, later, later)
  store = await open(folder)
  await store.backup(backup)
  await store.close()
  const copies = ['00000001-1.seg', '00000001-2.seg']
    .map((name) => join(backup, 'segments', name))
    .filter((one) => existsSync(one))
  assert.equal(copies.length, 1)
  assert.ok(readFileSync(copies[0]!).equals(bytes))
})

test('a held recipient older than the ledger keeps its open row', async (t) => {
  const store = await open(join(place(t), 'data'))
  const day = 86_400_000
  const old = Date.now() - 800 * day
  const id = `${timePrefix(old)}old`
  const ended = `${timePrefix(old)}ended`
  const bounced = [{ recipient: 'gone@example.org', reply: '550' }]
  const at = { epochMs: old, offsetMinutes: 0 }
  await store.commit([
    await arrival(store, message('m'), [], { arrivalId: id, at, queue: queueTo('x@far.test', { held: true }) }),
  ])
  await store.commit([await arrival(store, message('m'), [], { arrivalId: ended, at, bounced })])
  await store.sweep(Date.now())
  assert.equal((await store.read.ledger(id)).length, 1)
  assert.equal((await store.read.ledger(ended)).length, 0)
  await store.close()
})

test('a file that is pushed out of the cache, or forgotten, stays open until its readers are done', async (t) => {
  const folder = place(t)
  mkdirSync(join(folder, 'segments'))
  const files = new DiskContents(folder)
  const sources = Array.from({ length: 70 }, (_, n) => {
    const segment = n + 1
    const path = join(folder, 'segments', `${String(segment).padStart(8, '0')}.seg`)
    writeFileSync(path, `segment ${segment} `.padEnd(100_000, String(n % 10)))
    return { segment, position: 0, file: null, sizeBytes: 100_000 }
  })
  const reads = sources.map((source) => files.read(source, 0, source.sizeBytes))
  for (const { segment } of sources) files.forget(segment)
  for (const [n, bytes] of (await Promise.all(reads)).entries()) {
    assert.ok(
      Buffer.from(bytes)
        .toString()
        .startsWith(`segment ${n + 1} `),
      `${n}`,
    )
  }
  files.close()
})

test('a record whose write failed is not replayed after a crash, nor behind a shorter one that came after it', async (t) => {
  const folder = join(place(t), 'data')
  const plan = new FailurePlan()
  const first = await openInPlace(folder, plan)
  const { inbox } = await addAccount(first.store, 'bob@example.org')
  plan.appendFails = 'after'
  const long = ['r1', 'r2', 'r3'].map((subject) => arrival(first.store, message(subject, 'x'.repeat(5000)), [inbox]))
  for (const one of await Promise.allSettled(long.map(async (one) => first.store.commit([await one]))))
    assert.equal(one.status, 'rejected')
  first.crash()
  const second = await openInPlace(folder, plan)
  assert.equal((await second.store.read.mailbox(inbox))!.messages, 0, 'it was refused')
  plan.appendFails = 'after'
  const again = ['r4', 'r5', 'r6'].map((subject) => arrival(second.store, message(subject, 'x'.repeat(5000)), [inbox]))
  await Promise.allSettled(again.map(async (one) => second.store.commit([await one])))
  plan.appendFails = undefined
  // As long as the first of those that were refused: the second of them lies right behind it.
  await second.store.commit([await arrival(second.store, message('r7', 'x'.repeat(5000)), [inbox])])
  second.crash()
  const third = await openInPlace(folder)
  assert.equal((await third.store.read.mailbox(inbox))!.messages, 1)
  assert.equal(await third.store.quarantine.count(), 0)
  third.crash()
})

test('a backup passes a commit behind all that were answered before it copies the rows', async (t) => {
  const base = place(t)
  const steps: string[] = []
  const tools = {
    dataFolder: join(base, 'data'),
    reads: { prepare: () => ({ get: () => undefined }) } as unknown as Database,
    batcher: { commit: async () => void steps.push('commit') } as unknown as Batcher,
    copyRows: async () => {
      steps.push('copy')
      throw new Error('enough')
    },
    stopped: () => false,
    nowMs,
  }
  await assert.rejects(backupTo(tools, join(base, 'backup')), /enough/)
  assert.deepEqual(steps, ['commit', 'copy'])
})

test('a segment that cannot be prepared is tried again behind each group, and told once', async (t) => {
  const folder = join(place(t), 'data')
  mkdirSync(join(folder, 'segments'), { recursive: true })
  // In the way of the file.
  mkdirSync(join(folder, 'segments', 'preparing.seg', 'x'), { recursive: true })
  const warned: string[] = []
  const log = { ...silentLog, warn: (event: string) => void warned.push(event) }
  // The first segment is as old as it has to be for the next to be made.
  const clock = { ...realClock, monotonic: () => realClock.monotonic() * 1000 }
  const store = await openStore({ folder, clock, log, segmentBytes })
  for (let i = 0; i < 20; i++) {
    await store.commit([{ kind: 'settingSet', name: 'n', value: String(i) }])
    await new Promise((later) => setTimeout(later, 20))
  }
  assert.deepEqual(
    warned.filter((event) => /segment/.test(event)),
    ['next segment could not be prepared'],
  )
  await store.close()
})
