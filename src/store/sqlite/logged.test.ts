/** What clients do to messages has a record in the log: from it alone the same rows come again. docs/architecture.md §1. */
import fc from 'fast-check'
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
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
import { openStore } from './engine.ts'
import { verifyFolder } from './verify.ts'

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

test('a group whose rows fail answers with what came of it in the end', async () => {
  let fails = false
  const memoryFails = (what: 'record' | 'rows'): void => {
    if (what !== 'rows' || !fails) return
    fails = false
    throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
  }
  const store = await openStore({ folder: ':memory:', clock: realClock, log: silentLog, memoryFails })
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
  fails = true
  const { entry } = queued!
  // Without a record, and yet it gives a UID: it is done again behind the records.
  const filing: Operation = { kind: 'queueFile', entry, mailbox: bob.trash, prefix: '', flags: [], threadKeys: [] }
  const [[filed], [copied], [flagged]] = await Promise.all([
    store.commit([filing]),
    store.commit([{ kind: 'copy', mailbox: bob.inbox, uids: [[1, 1]], target: bob.trash, nowMs }]),
    store.commit([{ kind: 'flags', mailbox: bob.inbox, uids: [[1, 1]], mode: 'add', flags: ['\\Flagged'] }]),
  ])
  assert.equal(fails, false)
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
