import { domainDestination } from '../../mail/destination.ts'
import type { AccountId } from '../../mail/ids.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message, stored } from '../conformance/fixtures.ts'
import { factsOfBytes } from '../facts.ts'
import { openDatabase } from './driver.ts'
import { openStore } from './engine.ts'
import { factsHead } from '../facts.ts'
import { verifyFolder } from './verify.ts'

const sql = {
  facts:
    'SELECT id, envelope, body, bodyStructure, sentDay FROM content WHERE id IN (SELECT content FROM email) ORDER BY id',
  keys: 'SELECT account, key, thread FROM threadKey ORDER BY account, key',
}

function rows(folder: string, text: string): unknown[] {
  const db = openDatabase(join(folder, 'pennypost.db'), { readOnly: true })
  const all = db.prepare(text).all()
  db.close()
  return all
}

/** A store of two accounts, one message for both, one submitted without a date, and one that waits. */
async function filled(t: TestContext): Promise<{ folder: string; alice: AccountId }> {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-reindex-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const store = await openStore({ folder, clock: realClock, log: silentLog })
  const alice = await addAccount(store, 'alice@example.org')
  const bob = await addAccount(store, 'bob@example.org')
  for (let i = 0; i < 150; i++) {
    const boxes = i % 3 === 0 ? [alice.inbox, bob.inbox] : [i % 2 === 0 ? alice.inbox : bob.inbox]
    const answers = i === 0 ? '' : `References: <m${i - 1}@example.org>\r\n`
    await store.commit([await arrival(store, message(`m${i}`, 'Hello.\r\n', answers), boxes)])
  }
  const bare = Buffer.from('From: alice@example.org\r\nSubject: bare\r\n\r\nHello.\r\n')
  const fixes = 'Date: Fri, 2 Jan 2026 03:04:05 +0000\r\nMessage-ID: <made@example.org>\r\n'
  const prefix = `Return-Path: <>\r\nReceived: from here\r\n\tby there\r\n${fixes}`
  const { facts } = factsOfBytes(Buffer.concat([Buffer.from(fixes), bare]))
  await store.commit([
    {
      ...(await arrival(store, bare, [])),
      facts,
      filings: [{ mailbox: bob.inbox, prefix, flags: [], recipients: ['b'] }],
    },
  ])
  const waiting = message('waiting')
  await store.commit([
    await arrival(store, waiting, [], {
      content: await stored(store, waiting),
      queue: {
        reversePath: '',
        recipients: [
          {
            address: 'x@example.net',
            destination: domainDestination('example.net'),
            parameters: { body: '7bit', smtpUtf8: false },
          },
        ],
        prefix: 'Received: here\r\n',
        firstAttemptMs: 1,
        expiresAtMs: 2,
      },
    }),
  ])
  await store.close()
  return { folder, alice: alice.id }
}

function corrupt(folder: string): void {
  const db = openDatabase(join(folder, 'pennypost.db'))
  db.exec("UPDATE content SET envelope = '(wrong)', body = 'x', bodyStructure = '', sentDay = 7 WHERE id % 2 = 0")
  db.exec('UPDATE content SET sentDay = NULL WHERE id % 2 = 1')
  db.exec('DELETE FROM threadKey WHERE key % 3 <> 0')
  db.close()
}

test('what was damaged in the rows is computed again from the bytes, exactly as it was', async (t) => {
  const { folder } = await filled(t)
  const before = { facts: rows(folder, sql.facts), keys: rows(folder, sql.keys) }
  assert.deepEqual(verifyFolder(folder, undefined, { deep: true }).faults, [])
  corrupt(folder)
  const { faults, faultsInAll } = verifyFolder(folder, undefined, { deep: true })
  assert.equal(faultsInAll, 151, 'all but the one that only the queue holds')
  assert.equal(faults[0]!.check, 'content.facts')
  assert.deepEqual(verifyFolder(folder).faults, [], 'only --deep looks')
  const store = await openStore({ folder, clock: realClock, log: silentLog })
  const seen: number[] = []
  const report = await store.reindex({ progress: (count) => void seen.push(count) })
  assert.equal(report.messages, 201)
  assert.equal(report.contentsMended, 151)
  assert.ok(report.threadKeysMended > 100)
  assert.equal(seen.at(-1), 201)
  assert.deepEqual(await store.reindex(), { messages: 201, contentsMended: 0, threadKeysMended: 0 })
  await store.close()
  assert.deepEqual({ facts: rows(folder, sql.facts), keys: rows(folder, sql.keys) }, before)
  assert.deepEqual(verifyFolder(folder, undefined, { deep: true }).faults, [])
})

test('one account alone is mended while mail arrives', async (t) => {
  const { folder, alice } = await filled(t)
  corrupt(folder)
  const store = await openStore({ folder, clock: realClock, log: silentLog })
  t.after(() => store.close())
  const inbox = (await store.read.mailboxByName(alice, 'INBOX'))!.id
  const [report] = await Promise.all([
    store.reindex({ account: alice }),
    (async () => {
      for (let i = 0; i < 20; i++) await store.commit([await arrival(store, message(`n${i}`), [inbox])])
    })(),
  ])
  assert.ok(report.messages >= 100 && report.contentsMended === 100, JSON.stringify(report))
  for await (const page of store.read.rows(
    inbox,
    Uint32Array.from({ length: 100 }, (_, i) => i + 1),
    { envelope: true },
  )) {
    for (const { envelope } of page) assert.match(envelope!, /"m\d+"/)
  }
})

test('only what submission added is put before a content', () => {
  assert.equal(factsHead('Return-Path: <>\r\nReceived: x\r\n\tDate: no\r\n'), '')
  assert.equal(factsHead('Received: x;\r\n\tid 7\r\nDate: d\r\nMessage-ID: m\r\n'), 'Date: d\r\nMessage-ID: m\r\n')
  assert.equal(factsHead('Received: x\r\nMessage-ID: m\r\n'), 'Message-ID: m\r\n')
})
