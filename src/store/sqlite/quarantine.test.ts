import { domainDestination } from '../../mail/destination.ts'
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import type { Clock } from '../../base/clock.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message, refused, rowsOf } from '../conformance/fixtures.ts'
import type { Operation } from '../operations.ts'
import type { Store } from '../store.ts'
import { openDatabase } from './driver.ts'
import { openStore } from './engine.ts'
import { verifyFolder } from './verify.ts'

const segmentBytes = 1024 * 1024
const parameters = { body: '7bit', smtpUtf8: false } as const

/** The sweep's grace for readers passes at once. */
const clock: Clock = { ...realClock, after: (ms, run) => realClock.after(Math.min(ms, 10), run) }

interface Told {
  readonly events: string[]
  readonly store: Store
}

async function open(folder: string): Promise<Told> {
  const events: string[] = []
  const log = { ...silentLog, error: (event: string) => void events.push(event) }
  return { events, store: await openStore({ folder, clock, log, segmentBytes }) }
}

/** A store with the rows of an earlier moment: as after a power cut, its log has more than its rows. `write` is what came since. */
async function withTail(
  write: (store: Store, inbox: number) => Promise<void>,
): Promise<{ folder: string; inbox: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-quarantine-'))
  let { store } = await open(folder)
  const { inbox } = await addAccount(store, 'bob@example.org')
  await store.commit([await arrival(store, message('first'), [inbox])])
  await store.close()
  const rows = join(folder, 'pennypost.db')
  cpSync(rows, `${rows}.before`)
  const db = openDatabase(`${rows}.before`)
  db.exec('UPDATE log SET clean = 0')
  db.close()
  ;({ store } = await open(folder))
  await write(store, inbox)
  await store.close()
  for (const end of ['-wal', '-shm']) rmSync(rows + end, { force: true })
  cpSync(`${rows}.before`, rows)
  return { folder, inbox }
}

async function subjects(store: Store, mailbox: number): Promise<string[]> {
  return (await rowsOf(store, mailbox, true)).map(({ text }) => /^Subject: (.*)\r$/m.exec(text!)![1]!)
}

/** Another message has the UID that the record's message was given. */
function takeUid(folder: string, uid: number): void {
  const db = openDatabase(join(folder, 'pennypost.db'))
  db.exec(`INSERT INTO message SELECT mailbox, ${uid}, modSeq, email, low, high, savedMs, uidl FROM message LIMIT 1`)
  db.close()
}

const queue = {
  reversePath: '',
  recipients: [{ address: 'x@far.test', destination: domainDestination('far.test'), parameters }],
  prefix: '',
  firstAttemptMs: 1,
  expiresAtMs: Date.now() + 1e9,
}

test('a record that cannot be applied is set aside, told of, and done once more; the others have their rows', async () => {
  const { folder, inbox } = await withTail(async (store, inbox) => {
    for (const subject of ['second', 'third'])
      await store.commit([await arrival(store, message(subject), [inbox], { arrivalId: subject, queue })])
  })
  takeUid(folder, 2)
  const { store, events } = await open(folder)
  assert.match(events.join('\n'), /record quarantined/)
  assert.deepEqual(await subjects(store, inbox), ['first', 'first', 'third'])
  const [aside, ...more] = await store.quarantine.list(10)
  assert.equal(more.length, 0)
  assert.deepEqual(aside!.recipients, ['bob@example.org', 'x@far.test'])
  assert.match(aside!.reason, /UNIQUE constraint failed: message/)
  assert.deepEqual(
    (await store.read.ledger('second')).map(({ outcome, endedAtMs }) => [outcome, endedAtMs]),
    [
      ['quarantined', null],
      ['quarantined', null],
    ],
  )
  assert.equal(readdirSync(join(folder, 'quarantine')).length, 1)
  const [bytes] = await store.quarantine.messages(aside!.place)
  assert.match(Buffer.from(bytes!).toString(), /^Return-Path: <>\r\n[^]*Subject: second/)
  const checks = verifyFolder(folder).faults.map(({ check }) => check)
  assert.ok(checks.includes('quarantine'), checks.join())

  await store.quarantine.retry(aside!.place)
  assert.deepEqual(await subjects(store, inbox), ['first', 'first', 'third', 'second'])
  assert.equal((await store.read.counts()).queued, 2)
  assert.equal(await store.quarantine.count(), 0)
  assert.deepEqual(
    (await store.read.ledger('second')).map(({ outcome }) => outcome),
    ['filed', 'queued'],
  )
  assert.deepEqual(readdirSync(join(folder, 'quarantine')), [])
  await store.close()
  rmSync(folder, { recursive: true })
})

test('a record that is set aside stays where it is through the sweep, and ends when it is dropped', async () => {
  const { folder } = await withTail(async (store, inbox) => {
    await store.commit([await arrival(store, message('second', 'x'.repeat(600_000)), [inbox], { arrivalId: 'second' })])
    await store.commit([await arrival(store, message('third', 'x'.repeat(600_000)), [inbox], { arrivalId: 'third' })])
  })
  takeUid(folder, 2)
  const { store } = await open(folder)
  await store.sweep(Date.now())
  assert.ok(existsSync(join(folder, 'segments', '00000001.seg')))
  await store.quarantine.drop((await store.quarantine.list(1))[0]!.place)
  const [row] = await store.read.ledger('second')
  assert.equal(row!.outcome, 'discarded')
  assert.match(row!.detail!, /quarantine/)
  assert.ok(row!.endedAtMs! > 0)
  assert.equal(await store.quarantine.count(), 0)
  await store.close()
  rmSync(folder, { recursive: true })
})

test('a record whose mailbox is gone is set aside, and filed in the INBOX when it is done once more', async () => {
  const { folder, inbox } = await withTail(async (store) => {
    const account = (await store.read.account('bob@example.org'))!.id
    const [{ id }] = await store.commit([{ kind: 'mailboxCreate', account, name: 'New' }])
    await store.commit([await arrival(store, message('lost place'), [id])])
  })
  const { store } = await open(folder)
  assert.equal(await store.quarantine.count(), 1)
  await store.quarantine.retry((await store.quarantine.list(1))[0]!.place)
  assert.deepEqual(await subjects(store, inbox), ['first', 'lost place'])
  await store.close()
  assert.deepEqual(verifyFolder(folder).faults, [])
  rmSync(folder, { recursive: true })
})

test('a message that a client put into a mailbox is set aside like one that arrived: it has no recipients, and is filed when it is done once more', async () => {
  const { folder, inbox } = await withTail(async (store, inbox) => {
    const { content, facts } = await arrival(store, message('put here'), [inbox])
    const at = { epochMs: Date.UTC(2026, 0, 2), offsetMinutes: 60 }
    await store.commit([
      { kind: 'append', mailbox: inbox, content, facts, internalDate: at, savedAtMs: at.epochMs, flags: ['\\Seen'] },
    ])
    await store.commit([await arrival(store, message('third'), [inbox])])
  })
  takeUid(folder, 2)
  const { store, events } = await open(folder)
  assert.match(events.join('\n'), /record quarantined/)
  const [aside] = await store.quarantine.list(10)
  assert.deepEqual(aside!.recipients, [])
  const [bytes] = await store.quarantine.messages(aside!.place)
  assert.match(Buffer.from(bytes!).toString(), /Subject: put here/)
  await store.quarantine.retry(aside!.place)
  assert.deepEqual(await subjects(store, inbox), ['first', 'first', 'third', 'put here'])
  assert.equal(await store.quarantine.count(), 0)
  await store.close()
  rmSync(folder, { recursive: true })
})

test('a record in the middle of the log that is damaged is told of, and those behind it have their rows', async () => {
  const { folder, inbox } = await withTail(async (store, inbox) => {
    for (const subject of ['second', 'third', 'fourth'])
      await store.commit([await arrival(store, message(subject), [inbox])])
  })
  const segment = join(folder, 'segments', '00000001.seg')
  const bytes = readFileSync(segment)
  bytes[bytes.indexOf('Subject: third')] = 0x58
  writeFileSync(segment, bytes)
  const { store, events } = await open(folder)
  assert.match(events.join('\n'), /record quarantined/)
  assert.deepEqual(await subjects(store, inbox), ['first', 'second', 'fourth'])
  const [aside] = await store.quarantine.list(10)
  assert.match(aside!.reason, /cannot be read/)
  assert.match(Buffer.from((await store.quarantine.bytes(aside!.place))!).toString('latin1'), /Xubject: third/)
  await refused(store.quarantine.retry(aside!.place), 'notReadable')
  await store.close()
  rmSync(folder, { recursive: true })
})

test('a torn end of the log is no damage: nothing is set aside, and the log goes on there', async () => {
  const { folder, inbox } = await withTail(async (store, inbox) => {
    // One group: its second record is whole, its first is torn, as a power cut may leave them.
    await Promise.all(
      ['second', 'third'].map(async (subject) => store.commit([await arrival(store, message(subject), [inbox])])),
    )
  })
  const segment = join(folder, 'segments', '00000001.seg')
  const bytes = readFileSync(segment)
  bytes[bytes.indexOf('Subject: second')] = 0x58
  writeFileSync(segment, bytes)
  const { store, events } = await open(folder)
  assert.deepEqual(events, [])
  assert.deepEqual(await subjects(store, inbox), ['first'])
  await store.commit([await arrival(store, message('next'), [inbox])])
  await store.close()
  const again = await open(folder)
  assert.deepEqual(await subjects(again.store, inbox), ['first', 'next'])
  await again.store.close()
  assert.deepEqual(verifyFolder(folder).faults, [])
  rmSync(folder, { recursive: true })
})

test('one commit that throws costs the others of its group nothing', async () => {
  const { store } = await open(':memory:')
  const { inbox, id } = await addAccount(store, 'bob@example.org')
  const broken = { kind: 'settingSet', name: 'x', value: {} as string } satisfies Operation
  const all = await Promise.allSettled([
    store.commit([await arrival(store, message('one'), [inbox])], { until: 'durable' }),
    store.commit([broken]),
    store.commit([{ kind: 'mailboxCreate', account: id, name: 'New' }]),
    store.commit([await arrival(store, message('two'), [inbox])]),
  ])
  assert.deepEqual(
    all.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  )
  assert.deepEqual(await subjects(store, inbox), ['one', 'two'])
  assert.ok(await store.read.mailboxByName(id, 'New'))
  await store.close()
})

test('counters of a mailbox survive a commit that takes it away and is refused: no UID is given twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-undo-'))
  let { store } = await open(folder)
  const { id } = await addAccount(store, 'bob@example.org')
  const [{ id: mailbox }] = await store.commit([{ kind: 'mailboxCreate', account: id, name: 'X' }])
  const gone = (name: string): Operation => ({ kind: 'mailboxDelete', account: id, name, nowMs: 0 })
  const first = arrival(store, message('one'), [mailbox])
  const [one, two] = await Promise.allSettled([store.commit([await first]), store.commit([gone('X'), gone('nosuch')])])
  assert.deepEqual([one.status, two.status], ['fulfilled', 'rejected'])
  assert.equal((await store.read.mailbox(mailbox))!.uidNext, 2)
  await store.close()
  ;({ store } = await open(folder))
  const [{ filed }] = await store.commit([await arrival(store, message('two'), [mailbox])])
  assert.equal(filed[0]!.uid, 2)
  await store.close()
  assert.deepEqual(verifyFolder(folder).faults, [])
  rmSync(folder, { recursive: true })
})
