import { domainDestination } from '../../mail/destination.ts'
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message } from '../conformance/fixtures.ts'
import { contentInlineMaxBytes } from '../contents/sink.ts'
import { OwnedElsewhere } from '../owner.ts'
import { readManifest } from './backup-manifest.ts'
import { openStore, type SqliteStore } from './engine.ts'
import { restoreFolder } from './restore.ts'
import { verifyFolder } from './verify.ts'

const segmentBytes = 256 * 1024
const large = message('large', `${'x'.repeat(70)}\r\n`.repeat(contentInlineMaxBytes / 70))

interface Place {
  readonly folder: string
  readonly data: string
  readonly backup: string
  open(): Promise<SqliteStore>
}

function place(t: TestContext): Place {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-backup-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data')
  const open = (): Promise<SqliteStore> => openStore({ folder: data, clock: realClock, log: silentLog, segmentBytes })
  return { folder, data, backup: join(folder, 'backup'), open }
}

async function fill(store: SqliteStore, inbox: number, count: number, name: string): Promise<void> {
  for (let i = 0; i < count; i++) {
    await store.commit([await arrival(store, message(`${name}${i}`, 'y'.repeat(8000)), [inbox])])
  }
}

test('a backup under load is of one moment: what was answered before is in it, and nothing is half there', async (t) => {
  const { open, backup, folder } = place(t)
  const store = await open()
  const { inbox, trash, id } = await addAccount(store, 'bob@example.org')
  await fill(store, inbox, 40, 'before')
  await store.commit([await arrival(store, large, [inbox])])
  let goOn = true
  let sent = 0
  const queue = (n: number) => ({
    reversePath: 'bob@example.org',
    recipients: [
      {
        address: `a${n}@example.net`,
        destination: domainDestination('example.net'),
        parameters: { body: '7bit', smtpUtf8: false } as const,
      },
    ],
    prefix: '',
    firstAttemptMs: 0,
    expiresAtMs: 9e12,
  })
  // The steps that only rows know (mailboxes, leases) between records that depend on them: a replay on older rows would fail.
  const load = (async () => {
    for (; goOn; sent++) {
      await store.commit([{ kind: 'mailboxCreate', account: id, name: `m${sent}` }])
      const made = (await store.read.mailboxByName(id, `m${sent}`))!.id
      await store.commit([await arrival(store, message(`during${sent}`), [made, inbox], { queue: queue(sent) })])
      const [{ rows }] = await store.commit([{ kind: 'queueLease', nowMs: 1, leaseMs: 9e11, limit: 1 }])
      const lease = { recipient: rows[0]!.id, fence: rows[0]!.fence }
      const finish = { kind: 'queueFinish', lease, outcome: 'bounced', reply: 'no', nowMs: 2 } as const
      await store.commit([finish, await arrival(store, message(`notice${sent}`), [trash])])
    }
  })()
  while (sent < 5) await new Promise((resolve) => setImmediate(resolve))
  const { messages, bytes } = await store.backup(backup)
  const after = sent
  goOn = false
  await load
  await store.close()
  assert.ok(after > 5, 'the load went on meanwhile')
  assert.ok(messages >= 41 + 15)
  assert.ok(bytes > contentInlineMaxBytes)
  const restored = join(folder, 'restored')
  const report = await restoreFolder(backup, restored, { nowMs: Date.now() })
  assert.deepEqual(report.verified.faults, [])
  assert.equal(report.messages, messages)
  const again = await openStore({ folder: restored, clock: realClock, log: silentLog, segmentBytes })
  assert.equal(again.replayed, 0)
  assert.equal((await again.read.counts()).messages, messages)
  await again.commit([await arrival(again, message('goes on'), [inbox])])
  await again.close()
  assert.deepEqual(verifyFolder(restored).faults, [])
})

test('a later backup into the same folder copies what is new, and takes away what is gone', async (t) => {
  const { open, backup } = place(t)
  const store = await open()
  t.after(() => store.close())
  const { inbox } = await addAccount(store, 'bob@example.org')
  await fill(store, inbox, 100, 'a')
  await store.commit([await arrival(store, large, [inbox])])
  const first = await store.backup(backup)
  assert.equal(first.copiedBytes, first.bytes)
  await fill(store, inbox, 10, 'b')
  const second = await store.backup(backup)
  assert.equal(second.generation, 2)
  assert.ok(second.bytes > first.bytes)
  // The large body and the segments behind the log stay: 800 KB of 3 MB go.
  assert.ok(second.copiedBytes < second.bytes / 3, `${second.copiedBytes} of ${second.bytes}`)
  const manifest = (await readManifest(backup))!
  assert.ok(manifest.segments.some(({ file }) => file.endsWith('-1.seg')))
  assert.deepEqual(readdirSync(join(backup, 'segments')).sort(), manifest.segments.map(({ file }) => file).sort())
  assert.deepEqual(readdirSync(backup).sort(), ['large', 'manifest.json', 'rows-2.db', 'segments'])
  await store.commit([{ kind: 'expunge', mailbox: inbox, uids: [[101, 101]], force: true, nowMs: 1 }])
  // The rows alone: the sweep's second half waits for readers.
  await store.commit([{ kind: 'sweepRows', limit: 100, expungedBeforeMs: 0, ledgerBefore: '' } as never])
  await store.backup(backup)
  assert.deepEqual(
    readdirSync(join(backup, 'large')).flatMap((name) => readdirSync(join(backup, 'large', name))),
    [],
  )
})

test('a backup that breaks off leaves the one before it whole', async (t) => {
  const { open, backup, folder } = place(t)
  const store = await open()
  const { inbox } = await addAccount(store, 'bob@example.org')
  await fill(store, inbox, 60, 'a')
  await store.backup(backup)
  await fill(store, inbox, 60, 'b')
  const steps: number[] = []
  const breaks = (at: number) => ({
    progress: (bytes: number) => {
      steps.push(bytes)
      if (steps.length === at) throw new Error('broken off')
    },
  })
  for (const at of [1, 2, 3]) {
    steps.length = 0
    await assert.rejects(store.backup(backup, breaks(at)), /broken off/)
    const target = join(folder, `restored${at}`)
    const report = await restoreFolder(backup, target, { nowMs: Date.now() })
    assert.equal(report.messages, 60)
  }
  assert.equal((await store.backup(backup)).messages, 120)
  await store.close()
})

test('no folder is taken that holds something else', async (t) => {
  const { open, backup, folder, data } = place(t)
  const store = await open()
  t.after(() => store.close())
  await assert.rejects(store.backup(join(data, 'backup')), /lies in the data folder/)
  await assert.rejects(store.backup(data), /lies in the data folder/)
  const full = join(folder, 'full')
  mkdirSync(full)
  writeFileSync(join(full, 'letter.txt'), 'Dear')
  await assert.rejects(store.backup(full), /holds something else \(letter\.txt\): name an empty or new folder/)
  await store.backup(backup)
  assert.equal(statSync(backup).mode & 0o777, 0o700)
  const other = await openStore({ folder: join(folder, 'other'), clock: realClock, log: silentLog })
  t.after(() => other.close())
  await assert.rejects(other.backup(backup), /holds the backup of another store/)
})

test('a restore gives no number twice that was given after the backup', async (t) => {
  const { open, backup, folder, data } = place(t)
  let store = await open()
  const { inbox, id } = await addAccount(store, 'bob@example.org')
  await fill(store, inbox, 3, 'a')
  await store.backup(backup)
  // What clients see after it.
  await fill(store, inbox, 2, 'lost')
  await store.commit([{ kind: 'mailboxCreate', account: id, name: 'Later' }])
  const before = (await store.read.mailboxByName(id, 'INBOX'))!
  const later = (await store.read.mailboxByName(id, 'Later'))!
  await store.close()
  await assert.rejects(restoreFolder(backup, data, { nowMs: Date.now() }), /take --force to move it aside/)
  const { movedTo } = await restoreFolder(backup, data, { nowMs: Date.now(), force: true })
  assert.ok(existsSync(join(movedTo!, 'pennypost.db')))
  assert.ok(movedTo!.startsWith(join(folder, 'data.before-restore-')))
  store = await open()
  const now = (await store.read.mailboxByName(id, 'INBOX'))!
  assert.equal(now.uidValidity, before.uidValidity, 'clients keep what they have')
  assert.equal(now.messages, 3)
  assert.ok(now.uidNext > before.uidNext + 100_000)
  assert.ok(now.highestModSeq > before.highestModSeq)
  // What was deleted since the backup is not known: no client is told of changes since then as if they were all.
  assert.equal(await store.read.emailChanges(id, { modSeq: before.highestModSeq }, 10), undefined)
  assert.deepEqual((await store.read.emailChanges(id, { modSeq: now.highestModSeq }, 10))!.emails, [])
  await store.commit([{ kind: 'mailboxCreate', account: id, name: 'Later' }])
  const again = (await store.read.mailboxByName(id, 'Later'))!
  assert.ok(again.uidValidity > later.uidValidity)
  assert.ok(again.id > later.id)
  const [{ filed }] = await store.commit([await arrival(store, message('new'), [inbox])])
  assert.equal(filed[0]!.uid, now.uidNext)
  await store.close()
  assert.deepEqual(verifyFolder(data).faults, [])
})

test('nothing is restored under a running server, nor from a damaged backup', async (t) => {
  const { open, backup, folder, data } = place(t)
  const store = await open()
  const { inbox } = await addAccount(store, 'bob@example.org')
  await fill(store, inbox, 3, 'a')
  await store.backup(backup)
  await assert.rejects(restoreFolder(backup, data, { nowMs: 1, force: true }), OwnedElsewhere)
  await store.close()
  const { segments } = (await readManifest(backup))!
  writeFileSync(join(backup, 'segments', segments[0]!.file), Buffer.alloc(segments[0]!.bytes))
  const target = join(folder, 'target')
  await assert.rejects(
    restoreFolder(backup, target, { nowMs: 1 }),
    /The backup has 3 faults \(Content \d+ .*nothing was changed/,
  )
  const { verified } = await restoreFolder(backup, target, { nowMs: 1, damaged: true })
  assert.equal(verified.faultsInAll, 3)
  await assert.rejects(restoreFolder(join(folder, 'nowhere'), target, { nowMs: 1 }), /There is no backup in/)
})
