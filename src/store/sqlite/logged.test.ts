/** What clients do to messages has a record in the log: from it alone the same rows come again. docs/architecture.md §1. */
import fc from 'fast-check'
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { localDestination } from '../../mail/destination.ts'
import { flaggedBit } from '../../mail/flags.ts'
import type { AccountId, ModSeq } from '../../mail/ids.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message, nowMs } from '../conformance/fixtures.ts'
import type { Operation } from '../operations.ts'
import { StoreRefusal, type Store } from '../store.ts'
import { SegmentMemory } from '../contents/log.ts'
import { QuarantineMemory } from '../contents/quarantine.ts'
import { openDatabase } from './driver.ts'
import { openStore } from './engine.ts'
import { migrate } from './schema.ts'
import { verifyFolder } from './verify.ts'
import { Writer } from './writer.ts'

const segmentBytes = 4 * 1024 * 1024

type Step = (store: Store, mailboxes: readonly number[]) => Promise<Operation>

const which = fc.integer({ min: 0, max: 1 })
const first = fc.integer({ min: 1, max: 8 })
const ranges = fc.tuple(first, fc.integer({ min: 0, max: 3 })).map(([from, more]) => [[from, from + more]] as const)
const flags = fc.constantFrom(['\\Seen'], ['\\Deleted'], ['k1', '\\Flagged'], ['K2'], [])

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: which.map(
      (n): Step =>
        async (store, at) =>
          arrival(store, message(`m${n}`), [at[n]!]),
    ),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ n: which, uids: ranges, flags, mode: fc.constantFrom('add', 'remove', 'replace'), since: first })
      .map(({ n, since, ...more }): Step => {
        const unchangedSince = since > 6 ? { unchangedSince: (since * 2) as ModSeq } : {}
        return async (_, at) => ({ kind: 'flags', mailbox: at[n]!, ...more, ...unchangedSince })
      }),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ n: which, uids: ranges, force: fc.boolean() })
      .map(({ n, ...more }): Step => async (_, at) => ({ kind: 'expunge', mailbox: at[n]!, ...more, nowMs })),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({ n: which, to: which, uids: ranges, kind: fc.constantFrom('copy', 'move') })
      .map(({ n, to, ...more }): Step => async (_, at) => ({ ...more, mailbox: at[n]!, target: at[to]!, nowMs })),
  },
)

/** Everything about the mail of an account. */
async function mailOf({ read }: Store, account: AccountId, mailboxes: readonly number[]): Promise<string> {
  const tables = []
  for (const mailbox of mailboxes) {
    const table = await read.table(mailbox)
    const { count, uids, flagsLow, flagsHigh, modSeqs } = table.view()
    tables.push(
      [uids, flagsLow, flagsHigh, modSeqs].map((column) => [...column.subarray(0, count)]),
      table.flagNames,
    )
    table.release()
  }
  const rows = await read.mailboxes(account)
  const emails = await read.emails(
    account,
    Array.from({ length: 60 }, (_, n) => n + 1),
  )
  const changes = await read.emailChanges(account, { modSeq: 3 as ModSeq }, 100)
  return JSON.stringify([tables, rows, emails, changes, await read.accountById(account)])
}

test('what clients did to messages comes again from the log alone, with the same UIDs and modSeqs', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 4, maxLength: 12 }),
      async (groups) => {
        const folder = mkdtempSync(join(tmpdir(), 'pennypost-logged-'))
        const open = (): ReturnType<typeof openStore> =>
          openStore({ folder, clock: realClock, log: silentLog, segmentBytes })
        let store = await open()
        const { id, inbox, trash } = await addAccount(store, 'bob@example.org')
        await store.close()
        const rows = join(folder, 'pennypost.db')
        cpSync(rows, `${rows}.before`)
        store = await open()
        for (const group of groups) {
          const operations = await Promise.all(group.map((make) => make(store, [inbox, trash])))
          // One group of commits.
          await Promise.all(
            operations.map((operation) =>
              store.commit([operation]).catch((error: unknown) => {
                if (!(error instanceof StoreRefusal)) throw error
              }),
            ),
          )
        }
        const before = await mailOf(store, id, [inbox, trash])
        await store.close()
        // As after a power cut: the log has the records, the rows are those of before.
        rmSync(`${rows}-wal`, { force: true })
        rmSync(`${rows}-shm`, { force: true })
        cpSync(`${rows}.before`, rows)
        store = await open()
        assert.ok(store.replayed > 0)
        assert.equal(await mailOf(store, id, [inbox, trash]), before)
        await store.close()
        assert.deepEqual(verifyFolder(folder).faults, [])
        rmSync(folder, { recursive: true })
      },
    ),
    { numRuns: 15 },
  )
})

/** A store in memory. `next.fails`: the next COMMIT of rows does. */
async function withFailingRows(): Promise<{ readonly store: Store; readonly next: { fails: boolean } }> {
  const next = { fails: false }
  const memoryFails = (what: 'record' | 'rows'): void => {
    if (what !== 'rows' || !next.fails) return
    next.fails = false
    throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
  }
  return { store: await openStore({ folder: ':memory:', clock: realClock, log: silentLog, memoryFails }), next }
}

test('a group whose rows fail answers with what came of it in the end', async () => {
  const { store, next } = await withFailingRows()
  const bob = await addAccount(store, 'bob@example.org')
  const queue = {
    reversePath: '',
    recipients: [
      {
        address: 'bob@example.org',
        destination: localDestination,
        parameters: { body: '7bit', smtpUtf8: false } as const,
      },
    ],
    prefix: '',
    firstAttemptMs: nowMs,
    expiresAtMs: nowMs + 1000,
  }
  await store.commit([await arrival(store, message('seen'), [bob.inbox])])
  const [{ queued }] = await store.commit([await arrival(store, message('waits'), [], { queue })])
  next.fails = true
  const { entry } = queued!
  // Without a record, and yet it gives a UID: it is done again behind the records.
  const filing: Operation = { kind: 'queueFile', entry, mailbox: bob.trash, prefix: '', flags: [], threadKeys: [] }
  const [[filed], [copied], [flagged]] = await Promise.all([
    store.commit([filing]),
    store.commit([{ kind: 'copy', mailbox: bob.inbox, uids: [[1, 1]], target: bob.trash, nowMs }]),
    store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[1, 1]], mode: 'add', flags: ['\\Flagged'] }]),
  ])
  assert.equal(next.fails, false)
  const { read } = store
  const subjects = new Map<number, string>()
  for await (const page of read.rows(bob.trash, Uint32Array.of(1, 2), { envelope: true }))
    for (const { uid, envelope } of page) subjects.set(uid, /"(seen|waits)"/.exec(envelope!)![1]!)
  assert.equal(subjects.get((filed as { uid: number }).uid), 'waits')
  assert.equal(subjects.get(copied.firstUid), 'seen')
  const table = await read.table(bob.inbox)
  assert.equal(table.view().modSeqs[0], flagged.modSeq)
  assert.ok(table.view().flagsLow[0]! & flaggedBit)
  table.release()
  await store.close()
})

test('behind a record that is lost no UID and no modSeq is given a second time', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-logged-'))
  const open = (): ReturnType<typeof openStore> => openStore({ folder, clock: realClock, log: silentLog, segmentBytes })
  let store = await open()
  const { inbox, trash } = await addAccount(store, 'bob@example.org')
  for (const subject of ['one', 'two']) await store.commit([await arrival(store, message(subject), [inbox])])
  await store.close()
  const rows = join(folder, 'pennypost.db')
  cpSync(rows, `${rows}.before`)
  store = await open()
  for (const uid of [1, 2])
    await store.commit([{ kind: 'copy', mailbox: inbox, uids: [[uid, uid]], target: trash, nowMs }])
  const flag: Operation = { kind: 'flags', mailbox: trash, uids: [[2, 2]], mode: 'add', flags: ['\\Flagged'] }
  const [told] = await store.commit([flag])
  await store.commit([await arrival(store, message('three'), [trash])])
  await store.close()
  // As after a power cut, with a byte of the first copy's record gone.
  rmSync(`${rows}-wal`, { force: true })
  rmSync(`${rows}-shm`, { force: true })
  cpSync(`${rows}.before`, rows)
  const db = openDatabase(rows)
  db.exec('UPDATE log SET clean = 0')
  db.close()
  const segment = join(folder, 'segments', readdirSync(join(folder, 'segments'))[0]!)
  const bytes = readFileSync(segment)
  bytes[bytes.indexOf('"kind":"copy"') + 9] = 0x58
  writeFileSync(segment, bytes)
  store = await open()
  assert.equal(await store.quarantine.count(), 1)
  const table = await store.read.table(trash)
  const { uids, count, modSeqs } = table.view()
  // The copy of "two" was told as UID 2: it must not be there under the other's.
  assert.ok(count === 2 && uids[0]! > 2 && uids[1]! > uids[0]!, String(uids[0]))
  assert.ok(modSeqs[1]! > modSeqs[0]!)
  assert.ok(
    table.highestModSeq > (told as { modSeq: number }).modSeq && modSeqs[0]! > (told as { modSeq: number }).modSeq,
  )
  table.release()
  await store.close()
  rmSync(folder, { recursive: true })
})

test('a segment that holds only what clients did is freed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-logged-'))
  const store = await openStore({ folder, clock: realClock, log: silentLog, segmentBytes: 256 * 1024 })
  const { inbox } = await addAccount(store, 'bob@example.org')
  const uids = Array.from({ length: 4000 }, (_, n) => [n * 2 + 1, n * 2 + 1] as const)
  await store.commit([await arrival(store, message('a'), [inbox])])
  for (let n = 0; n < 24; n++)
    await store.commit([{ kind: 'flags', mailbox: inbox, uids, mode: n % 2 ? 'remove' : 'add', flags: ['\\Flagged'] }])
  const segments = (): number => readdirSync(join(folder, 'segments')).length
  const before = segments()
  assert.ok(before > 4, String(before))
  const db = openDatabase(join(folder, 'pennypost.db'), { readOnly: true })
  const { n } = db.prepare('SELECT count(*) AS n FROM segmentUse').get()!
  db.close()
  assert.ok((n as number) >= before - 2, `${String(n)} of ${before} are known to the sweep`)
  await store.close()
  assert.deepEqual(verifyFolder(folder).faults, [])
  rmSync(folder, { recursive: true })
})

test('a COPY whose quota came in the same group stands, though its rows fail once', async () => {
  const { store, next } = await withFailingRows()
  const { inbox, trash } = await addAccount(store, 'bob@example.org')
  await store.commit([await arrival(store, message('m'), [inbox])])
  const quota = (quotaBytes: number): Operation => ({ kind: 'accountSet', name: 'bob@example.org', quotaBytes })
  await store.commit([quota(10)])
  next.fails = true
  const [, [copied]] = await Promise.all([
    store.commit([quota(100_000)]),
    store.commit([{ kind: 'copy', mailbox: inbox, uids: [[1, 1]], target: trash, nowMs }]),
  ])
  assert.equal(copied.firstUid, 1)
  assert.equal(await store.quarantine.count(), 0)
  await store.close()
})

test('a kept table never takes the room that is left for deleting', () => {
  const db = openDatabase(':memory:')
  migrate(db)
  let isReserved = true
  const writer = new Writer(db, new SegmentMemory(), {
    freeBytes: () => 0,
    spareBytes: 1024,
    memory: true,
    quarantine: new QuarantineMemory(),
    giveUpReserve() {
      const wasReserved = isReserved
      isReserved = false
      return wasReserved
    },
  })
  writer.recover()
  const snapshot = {
    kind: 'snapshot',
    mailbox: 1,
    highestModSeq: 5 as ModSeq,
    messages: new Uint8Array(400_000),
  } as const
  const { outcomes } = writer.group(null, [{ operations: [snapshot] }], () => {})
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.ok ? 'kept' : outcome.code)),
    ['full'],
  )
  assert.ok(isReserved)
  db.close()
})
