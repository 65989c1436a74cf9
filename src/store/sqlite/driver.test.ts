import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from './driver.ts'

/** Ways to come by an empty view: engines differ in which of them have memory behind them. */
const empties: readonly (() => Uint8Array)[] = [
  () => new Uint8Array(0),
  () => new Uint8Array(new Uint32Array(0).buffer),
  () => new Uint8Array(new ArrayBuffer(0)),
  () => new Uint8Array(new SharedArrayBuffer(0)),
  () => new Uint8Array(8).subarray(8),
  () => new Uint8Array(8).slice(8),
  () => Buffer.alloc(0),
  () => Buffer.from(''),
  () => Buffer.concat([]),
  () => structuredClone(new Uint8Array(0)),
]

test('an empty blob is an empty blob, whatever it was made of', () => {
  const db = openDatabase(':memory:')
  db.exec('CREATE TABLE one (bytes BLOB NOT NULL)')
  for (const make of empties) {
    const { type, length } = db
      .prepare('SELECT typeof(a) AS type, length(a) AS length FROM (SELECT ? AS a)')
      .get(make())!
    assert.deepEqual({ type, length }, { type: 'blob', length: 0 }, String(make))
    assert.equal(db.prepare('SELECT typeof(?) AS type').all(make())[0]!['type'], 'blob', String(make))
    db.prepare('INSERT INTO one VALUES (?)').run(make())
  }
  assert.equal(db.prepare('SELECT count(*) AS n FROM one WHERE bytes IS NOT NULL').get()!['n'], empties.length)
  db.close()
})

test('numbered parameters take their values by number, also twice', () => {
  const db = openDatabase(':memory:')
  const { a, b, c } = db.prepare('SELECT ?2 AS a, ?1 AS b, ?2 AS c').get('one', new Uint8Array(0))!
  assert.deepEqual([a, b, c].map(String), ['', 'one', ''])
  db.close()
})
