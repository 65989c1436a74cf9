import { domainDestination } from '../../mail/destination.ts'
import assert from 'node:assert/strict'
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  readFileSync,
  truncateSync,
  writeFileSync,
  openSync,
  writeSync,
  closeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import { addAccount, arrival, message } from '../conformance/fixtures.ts'
import { DiskContents } from '../contents/reader.ts'
import { contentInlineMaxBytes } from '../contents/sink.ts'
import { rowChecks } from './checks.ts'
import { openDatabase, type SqlValue } from './driver.ts'
import { openStore } from './engine.ts'
import { verifyFolder } from './verify.ts'

/** Small segments: each case copies the folder. */
const segmentBytes = 4 * 1024 * 1024

const parameters = { body: '7bit', smtpUtf8: false } as const

let sound: string
let folders: string

before(async () => {
  folders = mkdtempSync(join(tmpdir(), 'pennypost-verify-'))
  sound = join(folders, 'sound')
  const store = await openStore({ folder: sound, clock: realClock, log: silentLog, segmentBytes })
  const bob = await addAccount(store, 'bob@example.org')
  const nowMs = Date.now()
  for (let i = 0; i < 5; i++) await store.commit([await arrival(store, message(`m${i}`), [bob.inbox])])
  await store.commit([
    await arrival(store, message('large', `${'x'.repeat(70)}\r\n`.repeat(contentInlineMaxBytes / 70)), [
      bob.inbox,
      bob.trash,
    ]),
  ])
  const queue = {
    reversePath: 'bob@example.org',
    recipients: ['a@example.net', 'b@example.net', 'c@example.net'].map((address) => ({
      address,
      destination: domainDestination('example.net'),
      parameters,
    })),
    prefix: 'Received: here\r\n',
    firstAttemptMs: nowMs,
    expiresAtMs: nowMs + 1000,
  }
  await store.commit([
    await arrival(store, message('away'), [], { queue, discarded: [{ recipient: 'd@example.net', rule: 'r' }] }),
  ])
  const [{ rows }] = await store.commit([{ kind: 'queueLease', nowMs, leaseMs: 1000, limit: 1 }])
  await store.commit([
    {
      kind: 'queueFinish',
      lease: { recipient: rows[0]!.id, fence: rows[0]!.fence },
      outcome: 'relayed',
      reply: '250 fine',
      nowMs,
    },
  ])
  await store.commit([
    { kind: 'flags', mailbox: bob.inbox, uids: [[1, 2]], mode: 'add', flags: ['\\Seen'] },
    { kind: 'flags', mailbox: bob.inbox, uids: [[5, 5]], mode: 'add', flags: ['\\Deleted'] },
    { kind: 'expunge', mailbox: bob.inbox, uids: [[5, 5]], nowMs },
    { kind: 'flags', mailbox: bob.inbox, uids: [[4, 4]], mode: 'add', flags: ['\\Deleted'] },
    { kind: 'copy', mailbox: bob.inbox, uids: [[1, 2]], target: bob.trash, nowMs },
    { kind: 'move', mailbox: bob.inbox, uids: [[3, 3]], target: bob.trash, nowMs },
  ])
  await store.close()
})

after(() => rmSync(folders, { recursive: true }))

let copies = 0
function copy(): string {
  const folder = join(folders, `copy${++copies}`)
  cpSync(sound, folder, { recursive: true })
  return folder
}

test('a sound store has no faults, and everything was looked at', () => {
  const { faults, faultsInAll, checked } = verifyFolder(sound)
  assert.deepEqual(faults, [])
  assert.equal(faultsInAll, 0)
  const { bytes, ...counts } = checked
  assert.ok(bytes! > contentInlineMaxBytes)
  // An expunged message's email waits for the sweep.
  assert.deepEqual(counts, {
    accounts: 1,
    mailboxes: 2,
    messages: 8,
    emails: 7,
    contents: 7,
    'queued recipients': 2,
    'ledger rows': 11,
  })
})

test('a store that is in use is checked as well', async () => {
  const folder = copy()
  const store = await openStore({ folder, clock: realClock, log: silentLog, segmentBytes })
  const inbox = (await store.read.mailboxByName((await store.read.account('bob@example.org'))!.id, 'INBOX'))!
  await store.commit([await arrival(store, message('new'), [inbox.id])])
  assert.deepEqual(verifyFolder(folder).faults, [])
  await store.close()
})

/** What is broken, the statement that breaks it, and what is said about it. */
const breaks: readonly (readonly [check: string, sql: string, text: RegExp])[] = [
  ['message.mailbox', "DELETE FROM mailbox WHERE name = 'Trash'", /messages are in mailbox \d+, which does not exist$/],
  ['message.email', 'DELETE FROM email WHERE id = 1', /^Message 1 of mailbox \d+ is email 1, which does not exist$/],
  ['email.content', 'DELETE FROM content WHERE id = 1', /^Email 1 has content 1, which does not exist$/],
  ['email.refs', 'UPDATE email SET refs = 5 WHERE id = 1', /^Email 1 counts 5 messages, and has 2$/],
  [
    'email.size',
    'UPDATE email SET size = size + 1 WHERE id = 1',
    /^Email 1 says \d+ bytes, and prefix and content have \d+$/,
  ],
  ['content.refs', 'UPDATE content SET refs = 0 WHERE id = 1', /^Content 1 counts 0 holders, and has 1$/],
  ['segmentUse', 'UPDATE segmentUse SET liveBytes = 3', /^Segment 1 says 3 bytes in use, and holds \d+$/],
  [
    'quarantine',
    `INSERT INTO quarantine VALUES (1, 8, 100, 'It cannot be read', '["a"]', '["bob@example.org"]', '[]')`,
    /^The record at 1:8 was set aside \(It cannot be read\), for bob@example.org/,
  ],
  ['segmentUse', 'DELETE FROM segmentUse', /^Segment 1 says 0 bytes in use/],
  [
    'mailbox.account',
    "UPDATE mailbox SET account = 99 WHERE name = 'Trash'",
    /^Mailbox \d+ \(Trash\) belongs to account 99/,
  ],
  [
    'mailbox.messages',
    'UPDATE mailbox SET messages = messages + 1',
    /^Mailbox INBOX of bob@example.org says 5 messages, and has 4$/,
  ],
  ['mailbox.unseen', 'UPDATE mailbox SET unseen = 0', /says 0 unseen messages, and has 2$/],
  ['mailbox.deleted', 'UPDATE mailbox SET deleted = 7', /says 7 messages marked as deleted, and has 1$/],
  ['mailbox.sizeBytes', 'UPDATE mailbox SET sizeBytes = 1', /says 1 bytes, and has \d+$/],
  ['mailbox.uidNext', 'UPDATE mailbox SET uidNext = 2', /would give UID 2 next, and UID 6 was given already$/],
  [
    'mailbox.uidNext',
    "UPDATE mailbox SET uidNext = 7 WHERE name = 'INBOX'; UPDATE expunged SET last = 7 WHERE first = 5",
    /next, and UID 7 was given already$/,
  ],
  [
    'message.uid',
    'UPDATE message SET uid = 5 WHERE uid = 4',
    /^UID 5 of mailbox \d+ was expunged, and is a message again$/,
  ],
  [
    'mailbox.highestModSeq',
    'UPDATE mailbox SET highestModSeq = 1',
    /says 1 is its highest modSeq, and a message has \d+$/,
  ],
  ['account.modSeq', 'UPDATE account SET modSeq = 1', /^Account bob@example.org is at modSeq 1/],
  [
    'email.createdModSeq',
    'UPDATE email SET createdModSeq = 1000 WHERE id = 1',
    /^Email 1 was created at modSeq 1000, and is message 1 of mailbox \d+ with \d+$/,
  ],
  [
    'account.forgottenModSeq',
    'UPDATE account SET forgottenModSeq = 1000',
    /^Account bob@example.org is at modSeq \d+, and its changes speak of 1000$/,
  ],
  [
    'account.forgottenModSeq',
    'INSERT INTO removal SELECT id, 999, 1, 1, 1, 1 FROM account',
    /^Account bob@example.org is at modSeq \d+, and its changes speak of 999$/,
  ],
  [
    'removal.account',
    'INSERT INTO mailboxGone VALUES (99, 1, 1, 1, 1)',
    /^1 removals are of account 99, which does not exist$/,
  ],
  [
    'account.used',
    'UPDATE account SET usedBytes = 0',
    /^Account bob@example.org says 8 messages of 0 bytes, and has 8 of \d+$/,
  ],
  ['account.used', 'UPDATE account SET usedMessages = 3', /says 3 messages of \d+ bytes, and has 8 of/],
  ['log.accounts', 'UPDATE log SET accounts = 7', /^The row of the log says 7 accounts in all, and there are 1$/],
  ['log.messages', 'UPDATE log SET messages = 0', /says 0 messages in all, and there are 8$/],
  ['log.contents', 'UPDATE log SET contents = 9', /says 9 contents in all, and there are 7$/],
  ['log.recipients', 'UPDATE log SET recipients = 9', /says 9 recipients in all, and there are 2$/],
  ['queueEntry.recipients', 'UPDATE queueEntry SET recipients = 3', /^Queue entry 1 counts 3 recipients, and has 2$/],
  ['queueEntry.content', 'UPDATE queueEntry SET content = 99', /^Queue entry 1 has content 99, which does not exist$/],
  [
    'recipient.ledger',
    "DELETE FROM ledger WHERE recipient = 'b@example.net'",
    /b@example.net\) waits in the queue, and no row of the ledger knows it$/,
  ],
  [
    'recipient.ledger',
    "UPDATE ledger SET outcome = 'relayed', endedMs = 1 WHERE recipient = 'b@example.net'",
    /and the ledger says it was relayed$/,
  ],
  [
    'ledger.queued',
    "DELETE FROM recipient WHERE address = 'b@example.net'",
    /to b@example.net is queued, says the ledger, and it does not wait in the queue: it is lost$/,
  ],
  ['ledger.outcome', "UPDATE ledger SET outcome = 'vanished' WHERE recipient = 'd@example.net'", /ended as "vanished"/],
  [
    'ledger.outcome',
    "UPDATE ledger SET endedMs = NULL WHERE recipient = 'd@example.net'",
    /ended as "discarded" at no time/,
  ],
  [
    'content.digest',
    "UPDATE content SET digest = x'00' WHERE id = 2",
    /^Content 2 in segment 1 at \d+ is not what arrived: its SHA-256 differs$/,
  ],
  ['content.digest', 'UPDATE content SET segment = 9 WHERE id = 2', /^Content 2 in segment 9 at \d+ cannot be read: /],
]

for (const [check, sql, text] of breaks) {
  test(`${check} is seen: ${sql}`, () => {
    const folder = copy()
    change(folder, sql)
    const found = verifyFolder(folder).faults.filter((fault) => fault.check === check)
    assert.ok(found.length > 0, `nothing said about ${check}`)
    assert.match(found[0]!.text, text)
  })
}

function change(folder: string, sql: string, ...values: SqlValue[]): void {
  const db = openDatabase(join(folder, 'pennypost.db'))
  if (values.length > 0) db.prepare(sql).run(...values)
  else db.exec(`PRAGMA foreign_keys = OFF; ${sql}`)
  db.close()
}

test('every check has been seen to fail', () => {
  const seen = new Set(breaks.map(([check]) => check))
  assert.deepEqual(
    rowChecks.map(({ name }) => name).filter((name) => !seen.has(name)),
    [],
  )
})

function contentPlace(folder: string, id: number): { segment: number; position: number; size: number } {
  const db = openDatabase(join(folder, 'pennypost.db'), { readOnly: true })
  const row = db.prepare('SELECT segment, position, size FROM content WHERE id = ?').get(id)
  db.close()
  return row as never
}

test('one changed byte in a segment is seen', () => {
  const folder = copy()
  const { position, size } = contentPlace(folder, 3)
  const fd = openSync(join(folder, 'segments', '00000001.seg'), 'r+')
  writeSync(fd, Buffer.from('!'), 0, 1, position + size - 3)
  closeSync(fd)
  const { faults } = verifyFolder(folder)
  assert.deepEqual(
    faults.map(({ text }) => text),
    [`Content 3 in segment 1 at ${position} is not what arrived: its SHA-256 differs`],
  )
})

test('a large file that is cut short, or gone, is seen', () => {
  const folder = copy()
  const [below] = readdirSync(join(folder, 'large'))
  const [name] = readdirSync(join(folder, 'large', below!))
  const path = join(folder, 'large', below!, name!)
  truncateSync(path, contentInlineMaxBytes)
  assert.match(
    verifyFolder(folder).faults[0]!.text,
    /^Content \d+ in the large file [\w-]+ cannot be read: content ends early/,
  )
  rmSync(path)
  assert.match(verifyFolder(folder).faults[0]!.text, /^Content \d+ in the large file [\w-]+ cannot be read: ENOENT/)
})

test('damage of the database file is seen', () => {
  const folder = copy()
  const path = join(folder, 'pennypost.db')
  const db = openDatabase(path)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const { rootpage } = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_account_1'").get()!
  const pageBytes = db.prepare('PRAGMA page_size').get()!['page_size'] as number
  db.close()
  // The index no longer knows what its table holds.
  const bytes = readFileSync(path)
  const at = bytes.indexOf('bob@example.org', ((rootpage as number) - 1) * pageBytes)
  bytes[at] = 'z'.charCodeAt(0)
  writeFileSync(path, bytes)
  assert.match(verifyFolder(folder).faults[0]!.text, /^The database file is damaged: .*sqlite_autoindex_account_1/)
})

test('of many faults of a kind, some are told and all are counted', () => {
  const folder = copy()
  change(
    folder,
    `WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 250)
     INSERT INTO ledger (arrivalId, n, recipient, acceptedMs, outcome) SELECT 'x' || i, 0, 'x@example.net', 1, 'queued' FROM n`,
  )
  const { faults, faultsInAll } = verifyFolder(folder)
  assert.deepEqual([faults.length, faultsInAll], [100, 250])
})

/** A server at work: what `meanwhile` says is committed when content 3 is read first, and the place that the snapshot knows is empty. */
function verifyWhile(folder: string, meanwhile: string): readonly string[] {
  const files = new DiskContents(folder)
  const { position } = contentPlace(folder, 3)
  let done = false
  const { faults } = verifyFolder(folder, {
    read: (source, start, end) => files.read(source, start, end),
    fileBytes: (source) => files.fileBytes(source),
    forget: (segment) => files.forget(segment),
    close: () => files.close(),
    readSync(source, start, end) {
      if (source.position === position && source.segment === 1) {
        if (!done) change(folder, meanwhile)
        done = true
        throw new Error('gone')
      }
      return files.readSync(source, start, end)
    },
  })
  assert.ok(done)
  return faults.map(({ text }) => text)
}

test('what the sweep moves or frees while we read is no fault', () => {
  const moved = copy()
  cpSync(join(moved, 'segments', '00000001.seg'), join(moved, 'segments', '00000007.seg'))
  assert.deepEqual(verifyWhile(moved, 'UPDATE content SET segment = 7 WHERE id = 3'), [])
  assert.deepEqual(verifyWhile(copy(), 'DELETE FROM content WHERE id = 3'), [])
  assert.match(
    verifyWhile(copy(), 'UPDATE account SET modSeq = modSeq + 1')[0]!,
    /^Content 3 in segment 1 at \d+ cannot be read: gone$/,
  )
})

test('verify goes on behind a page that cannot be read, and says how far it came', () => {
  const folder = copy()
  const path = join(folder, 'pennypost.db')
  const db = openDatabase(path)
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const { rootpage } = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'recipient'").get()!
  const pageBytes = db.prepare('PRAGMA page_size').get()!['page_size'] as number
  db.close()
  const bytes = readFileSync(path)
  bytes.fill(0xff, ((rootpage as number) - 1) * pageBytes, (rootpage as number) * pageBytes)
  writeFileSync(path, bytes)
  const { position } = contentPlace(folder, 2)
  const segment = join(folder, 'segments', '00000001.seg')
  const contents = readFileSync(segment)
  contents[position] = 0x58
  writeFileSync(segment, contents)
  const { faults, checked } = verifyFolder(folder)
  const texts = faults.map(({ text }) => text).join('\n')
  assert.match(texts, /In the database, table recipient cannot be read to the end: database disk image is malformed/)
  assert.match(texts, /Content 2 in segment 1 at \d+ is not what arrived/)
  assert.ok(checked['bytes']! > 0)
})
