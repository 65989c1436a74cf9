import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonLine, logTo, readableLine } from './log.ts'

test('an event is one line of JSON, and its facts cannot take the place of its own', () => {
  const line = jsonLine(Date.UTC(2026, 0, 2), 'warn', 'it rains', {
    at: 'sea',
    level: 3,
    error: new Error('wet\nfeet'),
    n: 5n,
    nothing: undefined,
  })
  assert.ok(line.endsWith('\n') && line.indexOf('\n') === line.length - 1)
  assert.deepEqual(JSON.parse(line), {
    at: '2026-01-02T00:00:00.000Z',
    level: 'warn',
    event: 'it rains',
    at_: 'sea',
    level_: 3,
    error: 'wet\nfeet',
    n: 5,
  })
})

test('what a peer says cannot steer the terminal or begin a line', () => {
  const line = readableLine(0, 'info', 'hello', { peer: '192.0.2.1', said: 'a\u001b[2J\nb', quoted: 'x"y', list: [1] })
  assert.match(
    line,
    /^\d\d:\d\d:\d\d info {2}hello {2}peer=192\.0\.2\.1 {2}said="a\\u001b\[2J\\nb" {2}quoted="x\\"y" {2}list=\[1\]\n$/,
  )
})

test('a long text is cut, and what is less than wanted is not written', () => {
  const lines: string[] = []
  const log = logTo({ write: (line) => lines.push(line) }, { now: { readable: false, level: 'warn' } })
  log.debug('a')
  log.info('b')
  log.warn('c', { text: 'x'.repeat(100_000) })
  log.error('d')
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { event: string }).event),
    ['c', 'd'],
  )
  assert.ok(lines[0]!.length < 5000)
})

test('what one turn tells is one write; trouble is written at once, in its order', async () => {
  const writes: string[] = []
  const log = logTo({ write: (lines) => writes.push(lines) }, { now: { readable: false } })
  log.info('a')
  log.info('b')
  assert.deepEqual(writes, [])
  await new Promise(setImmediate)
  assert.equal(writes.length, 1)
  log.info('c')
  log.error('d')
  assert.equal(writes.length, 2)
  log.info('e')
  log.flush()
  assert.equal(writes.length, 3)
  await new Promise(setImmediate)
  const events = (writes as readonly string[]).map((lines) =>
    lines
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { event: string }).event),
  )
  assert.deepEqual(events, [['a', 'b'], ['c', 'd'], ['e']])
})

test('a turn that tells very much is written in parts', () => {
  const writes: string[] = []
  const log = logTo({ write: (lines) => writes.push(lines) }, { now: { readable: false } })
  for (let i = 0; i < 100; i++) log.info('a', { text: 'x'.repeat(4000) })
  assert.ok(writes.length >= 4 && writes.every((lines) => lines.length < 80_000))
})

test('lines are what JSON.stringify and toISOString make', () => {
  const values = [
    '',
    'a',
    '"',
    '\\',
    '\u0000\u2028é\ud800',
    0,
    -1.5,
    1e21,
    NaN,
    Infinity,
    true,
    null,
    ['a"'],
    { b: 1 },
    undefined,
  ]
  for (const atMs of [0, 1, 999, 1000, Date.UTC(2026, 0, 1) + 7, Date.UTC(2026, 0, 1) + 7.5]) {
    for (const value of values) {
      const line: Record<string, unknown> = {
        at: new Date(atMs).toISOString(),
        level: 'info',
        event: 'e"',
        'na"me': value,
      }
      assert.equal(jsonLine(atMs, 'info', 'e"', { 'na"me': value }), `${JSON.stringify(line)}\n`)
    }
  }
})
