import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from './driver.ts'
import { migrate, schemaVersion } from './schema.ts'

const version = (db: ReturnType<typeof openDatabase>): number =>
  Number(db.prepare('PRAGMA user_version').get()!['user_version'])

test('migrations bring an empty database to the present version, and are not run twice', () => {
  const db = openDatabase(':memory:')
  migrate(db)
  assert.equal(version(db), schemaVersion)
  db.exec("INSERT INTO domain (name) VALUES ('example.org')")
  migrate(db)
  assert.equal(db.prepare('SELECT count(*) AS n FROM domain').get()!['n'], 1)
  db.close()
})

test('every released version can be brought to the present one', () => {
  for (let from = 1; from <= schemaVersion; from++) {
    const db = openDatabase(':memory:')
    migrate(db, from)
    assert.equal(version(db), from)
    migrate(db)
    assert.equal(version(db), schemaVersion)
    db.close()
  }
})

test('a store of the version before the totals has them counted once', () => {
  const db = openDatabase(':memory:')
  migrate(db, 4)
  db.exec("INSERT INTO account (name, uidValidity) VALUES ('a', 1), ('b', 1)")
  db.exec('INSERT INTO message VALUES (1, 1, 1, 1, 0, 0, 0, NULL)')
  migrate(db)
  assert.deepEqual(
    { ...db.prepare('SELECT accounts, messages, contents, recipients FROM log').get() },
    {
      accounts: 2,
      messages: 1,
      contents: 0,
      recipients: 0,
    },
  )
  db.close()
})

test('the sweep looks at old removals alone, however many there are', () => {
  const db = openDatabase(':memory:')
  migrate(db)
  const plan = db
    .prepare('EXPLAIN QUERY PLAN SELECT account, modSeq, email AS id FROM removal WHERE atMs < ? LIMIT ?')
    .all(1, 1)
  assert.match(JSON.stringify(plan), /removalAt/)
  db.close()
})

test('a newer store is refused with a sentence that says what to do', () => {
  const db = openDatabase(':memory:')
  db.exec(`PRAGMA user_version = ${schemaVersion + 1}`)
  assert.throws(() => migrate(db), /newer Pennypost .* run that version, or restore an older backup/)
  db.close()
})
