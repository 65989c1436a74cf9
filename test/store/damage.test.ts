/** The damage matrix: what happens to a data folder, and what is said and kept. */
import assert from 'node:assert/strict'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import type { Clock } from '../../src/base/clock.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import type { SunkContent } from '../../src/store/contents/sunk.ts'
import { addAccount, arrival, message, rowsOf, stored } from '../../src/store/conformance/fixtures.ts'
import { openDatabase } from '../../src/store/sqlite/driver.ts'
import { openStore, type SqliteStore } from '../../src/store/sqlite/engine.ts'
import { salvageFolder } from '../../src/store/sqlite/salvage.ts'
import { verifyFolder } from '../../src/store/sqlite/verify.ts'

const segmentBytes = 1024 * 1024
/** The sweep's grace for readers passes at once. */
const clock: Clock = { ...realClock, after: (ms, run) => realClock.after(Math.min(ms, 10), run) }
let folders: string
let sound: string
/** A copy of an earlier day: six messages are missing in it, one of them large. */
let early: string
let inbox: number

interface Opened {
  readonly store: SqliteStore
  readonly said: string[]
}

async function open(folder: string): Promise<Opened> {
  const said: string[] = []
  const note = (event: string, facts?: object): void => void said.push(`${event} ${JSON.stringify(facts)}`)
  const log = { ...silentLog, error: note, warn: note }
  return { store: await openStore({ folder, clock, log, segmentBytes }), said }
}

const body = 'x'.repeat(300_000)
const large = (subject: string): Buffer => message(subject, 'y'.repeat(3_000_000))

before(async () => {
  folders = mkdtempSync(join(tmpdir(), 'pennypost-damage-'))
  sound = join(folders, 'sound')
  early = join(folders, 'early')
  let { store } = await open(sound)
  ;({ inbox } = await addAccount(store, 'bob@example.org'))
  for (let n = 0; n < 6; n++) await store.commit([await arrival(store, message(`m${n}`, body), [inbox])])
  await store.commit([await arrival(store, large('L0'), [inbox])])
  const [first] = await rowsOf(store, inbox)
  await store.commit([
    { kind: 'flags', mailbox: inbox, uids: [[first!.uid, first!.uid]], mode: 'add', flags: ['\\Seen', 'Work'] },
  ])
  await store.close()
  cpSync(sound, early, { recursive: true })
  ;({ store } = await open(sound))
  for (let n = 6; n < 11; n++) await store.commit([await arrival(store, message(`m${n}`, body), [inbox])])
  await store.commit([await arrival(store, large('L1'), [inbox])])
  await store.close()
})
after(() => rmSync(folders, { recursive: true, force: true }))

let copies = 0
function copy(of = sound): string {
  const folder = join(folders, `copy${copies++}`)
  cpSync(of, folder, { recursive: true })
  return folder
}

const db = (folder: string): string => join(folder, 'pennypost.db')

function takeRows(folder: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(db(folder) + end, { force: true })
}

const all = [...Array.from({ length: 11 }, (_, n) => `m${n}`), 'L0', 'L1'].sort()

async function subjects(store: SqliteStore): Promise<string[]> {
  const table = await store.read.table(inbox)
  const { uids, count } = table.view()
  const found: string[] = []
  for await (const page of store.read.rows(inbox, uids.slice(0, count), { bytes: true })) {
    for (const { bytes } of page) {
      try {
        const text = Buffer.from(await bytes!.read(0, Math.min(bytes!.sizeBytes, 2000))).toString('latin1')
        found.push(/^Subject: (.*)\r$/m.exec(text)?.[1] ?? 'none')
      } catch (error) {
        found.push(`unreadable: ${(error as Error).name}`)
      }
    }
  }
  table.release()
  return found.sort()
}

function emlOf(folder: string): string[] {
  return existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .map(String)
        .filter((name) => name.endsWith('.eml'))
    : []
}

for (const [what, damage] of [
  ['is missing', takeRows],
  ['is empty', (folder: string) => (takeRows(folder), writeFileSync(db(folder), ''))],
  [
    'has lost its tables',
    (folder: string) => (takeRows(folder), openDatabase(db(folder)).exec('PRAGMA journal_mode = WAL')),
  ],
] as const) {
  test(`a database that ${what} is never begun anew over mail; nothing of it changes`, async () => {
    const folder = copy()
    damage(folder)
    const files = emlOf(join(folder, 'large'))
    await assert.rejects(open(folder), /There is mail \(.*00000001\.seg\).* missing or empty.*salvage/)
    await assert.rejects(open(folder), /Nothing was changed/)
    assert.deepEqual(emlOf(join(folder, 'large')), files)
  })
}

test('large files alone are mail as well', async () => {
  const folder = copy()
  takeRows(folder)
  rmSync(join(folder, 'segments'), { recursive: true })
  await assert.rejects(open(folder), /There is mail \(.*\.eml\)/)
})

test('zeros of a first start that broke off are no mail', async () => {
  const folder = mkdtempSync(join(folders, 'first-'))
  cpSync(join(sound, 'segments'), join(folder, 'segments'), { recursive: true })
  for (const name of readdirSync(join(folder, 'segments')))
    writeFileSync(join(folder, 'segments', name), Buffer.alloc(8192))
  const { store } = await open(folder)
  await store.close()
})

test('a database that is none is named, with what can be done', async () => {
  const folder = copy()
  takeRows(folder)
  writeFileSync(db(folder), 'no database at all'.repeat(1000))
  await assert.rejects(open(folder), /pennypost\.db is damaged .*"pennypost restore".*"pennypost salvage"/)
})

test('a database of an earlier day takes the later mail out of the log', async () => {
  const folder = copy()
  takeRows(folder)
  cpSync(db(early), db(folder))
  const { store } = await open(folder)
  assert.deepEqual(await subjects(store), all)
  await store.close()
})

test('a database of an earlier day whose log is gone: what it does not know is moved aside, never removed, never written over', async () => {
  const folder = copy()
  takeRows(folder)
  cpSync(db(early), db(folder))
  const names = readdirSync(join(folder, 'segments'))
    .filter((name) => /^\d{8}\.seg$/.test(name))
    .sort()
  const last = names[names.length - 1]!
  const kept = readFileSync(join(folder, 'segments', last))
  // The log cannot be followed into the last segment: its records are of an epoch that these rows have passed.
  const rows = openDatabase(db(folder))
  rows.exec('UPDATE log SET epoch = 1000')
  rows.close()
  const old = new Date(Date.now() - 48 * 3_600_000)
  for (const name of emlOf(join(folder, 'large'))) utimesSync(join(folder, 'large', name), old, old)
  const { store, said } = await open(folder)
  assert.match(said.join('\n'), /unknown segment moved to lost\//)
  assert.ok(readFileSync(join(folder, 'lost', 'segments', last)).equals(kept))
  const { movedToLost } = await store.sweep(Date.now())
  assert.equal(movedToLost, 1)
  assert.equal(emlOf(join(folder, 'lost', 'large')).length, 1)
  assert.equal(emlOf(join(folder, 'large')).length, 1)
  assert.match(said.join('\n'), /unknown large file moved to lost\//)
  assert.ok((await store.lost()).length >= 2)
  // Mail goes on, over none of it.
  for (let n = 0; n < 8; n++) await store.commit([await arrival(store, message(`new${n}`, body), [inbox])])
  await store.close()
  const { faults, checked } = verifyFolder(folder)
  assert.deepEqual(faults, [])
  assert.ok(checked['files in lost/ that no row names']! >= 2)
  const out = join(folders, `out${copies++}`)
  const { byRecord } = await salvageFolder(folder, out)
  assert.ok(byRecord >= 1)
  const again = await open(folder)
  assert.ok((await again.store.dropLost()) >= 2)
  assert.deepEqual(await again.store.lost(), [])
  await again.store.close()
})

test('what a healthy database leaves behind is swept as before, also after a start', async () => {
  const folder = copy()
  let { store } = await open(folder)
  const orphan = (await stored(store, large('orphan'))) as SunkContent
  await store.close()
  ;({ store } = await open(folder))
  const old = new Date(Date.now() - 48 * 3_600_000)
  for (const name of emlOf(join(folder, 'large'))) utimesSync(join(folder, 'large', name), old, old)
  const { movedToLost, contentsFreed } = await store.sweep(Date.now())
  assert.deepEqual([movedToLost, contentsFreed], [0, 1])
  assert.ok(!emlOf(join(folder, 'large')).some((name) => name.includes(orphan.file!)))
  await store.close()
})

test('a file of this database, made after all that it knows, is not its leftover', async () => {
  const folder = copy(early)
  // The rows are copied while a server runs, and brought back days later: its own opening made files that they do not know.
  let { store } = await open(folder)
  await store.commit([{ kind: 'settingSet', name: 'x', value: 'y' }])
  cpSync(folder, `${folder}-kept`, { recursive: true })
  for (let n = 0; n < 3; n++) await store.commit([await arrival(store, message(`later${n}`), [inbox])])
  await store.commit([await arrival(store, large('later'), [inbox])])
  await store.close()
  takeRows(folder)
  for (const end of ['', '-wal', '-shm'])
    if (existsSync(db(`${folder}-kept`) + end)) cpSync(db(`${folder}-kept`) + end, db(folder) + end)
  const rows = openDatabase(db(folder))
  rows.exec('UPDATE log SET epoch = 1000')
  rows.close()
  const old = new Date(Date.now() - 48 * 3_600_000)
  for (const name of emlOf(join(folder, 'large'))) utimesSync(join(folder, 'large', name), old, old)
  ;({ store } = await open(folder))
  const { movedToLost, contentsFreed } = await store.sweep(Date.now())
  assert.deepEqual([movedToLost, contentsFreed], [1, 0])
  await store.close()
})

test('a segment that is gone is told of at start; its messages alone cannot be read', async () => {
  const folder = copy()
  rmSync(join(folder, 'segments', '00000001.seg'))
  const { store, said } = await open(folder)
  assert.match(said.join('\n'), /segment missing .*00000001\.seg.*"contents":3/)
  const found = await subjects(store)
  assert.equal(found.filter((text) => text.startsWith('unreadable')).length, 3)
  assert.equal(found.length, all.length)
  await store.close()
  assert.equal(verifyFolder(folder).faults.filter(({ check }) => check === 'content.digest').length, 3)
})

test('the segment that was being written is gone: the log goes on in another, and no zeros are taken for mail', async () => {
  const folder = copy()
  const names = readdirSync(join(folder, 'segments'))
    .filter((name) => /^\d{8}\.seg$/.test(name))
    .sort()
  const last = names[names.length - 1]!
  rmSync(join(folder, 'segments', last))
  const { store, said } = await open(folder)
  assert.match(said.join('\n'), /segment missing/)
  await store.commit([await arrival(store, message('after'), [inbox])])
  assert.ok(!existsSync(join(folder, 'segments', last)), 'it is not made anew over what is missing')
  const found = await subjects(store)
  assert.ok(found.includes('after') && !found.includes('none'))
  await store.close()
})

test('a segment that is too short is told of', async () => {
  const folder = copy()
  truncateSync(join(folder, 'segments', '00000001.seg'), 400_000)
  const { store, said } = await open(folder)
  assert.match(said.join('\n'), /segment too short .*"sizeBytes":400000/)
  assert.equal((await subjects(store)).filter((text: string) => text.startsWith('unreadable')).length, 2)
  await store.close()
})

test('a flipped byte is told of at the first read, and answers for its message alone', async () => {
  const folder = copy()
  const path = join(folder, 'segments', '00000001.seg')
  const bytes = readFileSync(path)
  bytes.write('!', bytes.indexOf('Subject: m1') + 200)
  writeFileSync(path, bytes)
  const { store, said } = await open(folder)
  const found = await subjects(store)
  assert.equal(found.filter((text) => text.startsWith('unreadable')).length, 1)
  assert.equal(found.filter((text) => text === 'm1').length, 0)
  assert.match(said.join('\n'), /message content is damaged or missing .*"problem":"its SHA-256 differs"/)
  await store.close()
})

test('a large file that is too short is told of when it is read', async () => {
  const folder = copy()
  const [name] = emlOf(join(folder, 'large'))
  truncateSync(join(folder, 'large', name!), 2_500_000)
  const { store } = await open(folder)
  assert.equal((await subjects(store)).filter((text: string) => text.startsWith('unreadable')).length, 1)
  await store.close()
})

test('salvage brings every readable message out of a damaged folder, with folders and flags where rows are left', async () => {
  const folder = copy()
  const path = join(folder, 'segments', '00000001.seg')
  const bytes = readFileSync(path)
  bytes.write('!', bytes.indexOf('Subject: m1') + 200)
  writeFileSync(path, bytes)
  const out = join(folders, `out${copies++}`)
  const before = readdirSync(folder, { recursive: true }).map(String).sort()
  const report = await salvageFolder(folder, out)
  assert.deepEqual([report.named, report.byRecord, report.queued, report.unreadable], [12, 0, 0, 1])
  assert.match(report.faults[0]!, /segment 1 at \d+: its SHA-256 differs/)
  const files = readdirSync(join(out, 'bob@example.org', 'cur'))
  assert.equal(files.filter((name) => name.endsWith(':2,Sa')).length, 1)
  assert.equal(readFileSync(join(out, 'bob@example.org', 'dovecot-keywords'), 'utf8'), '0 Work\n')
  const texts = files.map((name) => readFileSync(join(out, 'bob@example.org', 'cur', name), 'latin1'))
  assert.ok(texts.every((text) => text.startsWith('Return-Path: <>\r\nFrom: ')))
  assert.deepEqual(
    texts.map((text) => /^Subject: (.*)\r$/m.exec(text)![1]).sort(),
    all.filter((subject) => subject !== 'm1'),
  )
  assert.deepEqual(readdirSync(folder, { recursive: true }).map(String).sort(), before, 'the source is only read')
})

test('salvage without any rows finds the messages by their records, and the recipients', async () => {
  const folder = copy()
  takeRows(folder)
  const out = join(folders, `out${copies++}`)
  const report = await salvageFolder(folder, out)
  assert.equal(report.byRecord, 13)
  assert.equal(readdirSync(join(out, 'bob@example.org', 'cur')).length, 11)
  assert.equal(readdirSync(join(out, 'without-account', 'cur')).length, 2)
})
