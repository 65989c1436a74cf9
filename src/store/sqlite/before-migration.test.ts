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
import facts from '../../../package.json' with { type: 'json' }
import { silentLog } from '../../base/log.ts'
import { realClock } from '../../platform/real/clock.ts'
import { forgetOldCopies, keepBeforeMigration } from './before-migration.ts'
import { openDatabase } from './driver.ts'
import { openStore } from './engine.ts'
import { migrate, schemaVersion } from './schema.ts'

const name = `before-${facts.version}`
const before = schemaVersion - 1

/** A data folder of the version before, with a domain that stands in the WAL alone. */
function old(t: TestContext): { folder: string; db: ReturnType<typeof openDatabase> } {
  const folder = mkdtempSync(join(tmpdir(), 'pennypost-before-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const db = openDatabase(join(folder, 'pennypost.db'))
  db.exec('PRAGMA journal_mode = WAL')
  db.exec('PRAGMA wal_autocheckpoint = 0')
  migrate(db, before)
  db.exec("INSERT INTO domain (name) VALUES ('old.example')")
  return { folder, db }
}

/** Schema and domains of a database file. */
function read(path: string): unknown {
  const db = openDatabase(path, { readOnly: true })
  const found = [
    db.prepare('PRAGMA user_version').get()!['user_version'],
    ...db
      .prepare('SELECT name FROM domain')
      .all()
      .map((row) => row['name']),
  ]
  db.close()
  return found
}

test('a start that changes the rows keeps the database as it was, says where, and does it once', async (t) => {
  const { folder, db } = old(t)
  db.close()
  const told: unknown[] = []
  const log = { ...silentLog, info: (event: string, more = {}) => void told.push([event, more]) }
  for (let i = 0; i < 2; i++) {
    const store = await openStore({ folder, clock: realClock, log })
    assert.deepEqual(store.read.domains(), i === 0 ? ['old.example'] : ['new.example', 'old.example'])
    await store.commit([{ kind: 'domainAdd', name: 'new.example' }])
    await store.close()
  }
  assert.deepEqual(told, [['database migrated; a copy of the old one was kept', { copy: name }]])
  assert.deepEqual(readdirSync(join(folder, name)), ['pennypost.db'])
  assert.deepEqual(read(join(folder, name, 'pennypost.db')), [before, 'old.example'])
})

test('the copy in the place of the database is what the version before would open', async (t) => {
  const { folder, db } = old(t)
  db.close()
  await (await openStore({ folder, clock: realClock, log: silentLog })).close()
  for (const file of ['pennypost.db', 'pennypost.db-wal', 'pennypost.db-shm'])
    rmSync(join(folder, file), { force: true })
  writeFileSync(join(folder, 'pennypost.db'), readFileSync(join(folder, name, 'pennypost.db')))
  assert.deepEqual(read(join(folder, 'pennypost.db')), [before, 'old.example'])
  // And forward once more.
  const store = await openStore({ folder, clock: realClock, log: silentLog })
  assert.deepEqual(store.read.domains(), ['old.example'])
  await store.close()
})

test('a second try does not replace a better copy, and one of the same rows is made anew', (t) => {
  const { folder, db } = old(t)
  assert.equal(keepBeforeMigration(db, folder, before), name)
  db.exec("INSERT INTO domain (name) VALUES ('later.example')")
  // The first of two migrations is done: what was kept before it is the better copy.
  keepBeforeMigration(db, folder, before + 1)
  assert.deepEqual(read(join(folder, name, 'pennypost.db')), [before, 'old.example'])
  keepBeforeMigration(db, folder, before)
  assert.deepEqual(read(join(folder, name, 'pennypost.db')), [before, 'later.example', 'old.example'])
  db.close()
})

test('without a place for the copy nothing is changed', (t) => {
  const { folder, db } = old(t)
  // What stands in the way fails the copy as a full disk would, but for the words.
  mkdirSync(join(folder, name, 'pennypost.db.new'), { recursive: true })
  assert.throws(() => keepBeforeMigration(db, folder, before))
  assert.ok(!existsSync(join(folder, name, 'pennypost.db')))
  db.close()
  assert.deepEqual(read(join(folder, 'pennypost.db')), [before, 'old.example'])
})

test('copies go after a month; folders of other names stay', async (t) => {
  const { folder, db } = old(t)
  keepBeforeMigration(db, folder, before)
  db.close()
  const day = 86_400_000
  const now = Date.now()
  const copy = join(folder, name, 'pennypost.db')
  utimesSync(copy, new Date(now - 29 * day), new Date(now - 29 * day))
  for (const other of ['before-the-storm', 'segments']) {
    mkdirSync(join(folder, other))
    writeFileSync(join(folder, other, 'pennypost.db'), '')
    utimesSync(join(folder, other, 'pennypost.db'), 0, 0)
  }
  assert.equal(await forgetOldCopies(folder, now), 0)
  utimesSync(copy, new Date(now - 31 * day), new Date(now - 31 * day))
  const store = await openStore({ folder, clock: realClock, log: silentLog })
  await store.sweep(now)
  assert.ok(existsSync(copy), 'this start has made it anew')
  utimesSync(copy, new Date(now - 31 * day), new Date(now - 31 * day))
  await store.sweep(now)
  await store.close()
  assert.ok(!existsSync(join(folder, name)))
  assert.ok(existsSync(join(folder, 'before-the-storm', 'pennypost.db')))
})
