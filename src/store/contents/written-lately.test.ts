import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WrittenLately } from './written-lately.ts'

const minute = 60_000

test('what was written since a moment of the last ten minutes is known, and nothing older', () => {
  let nowMs = 0
  let newest = 100
  const lately = new WrittenLately({ monotonic: () => nowMs } as never, () => newest)
  // Not for what was there before the first call.
  assert.equal(lately.has(100), false)
  newest = 200
  assert.equal(lately.has(200), true)
  for (; nowMs <= 5 * minute; nowMs += minute) lately.has(1)
  newest = 300
  assert.deepEqual([lately.has(100), lately.has(101), lately.has(300)], [false, true, true])
  // Ten minutes after the first mark the next one counts.
  nowMs = 10 * minute + 1
  assert.deepEqual([lately.has(200), lately.has(201)], [false, true])
  // After a long time without a call, nothing is known any more.
  nowMs = 60 * minute
  newest = 400
  assert.equal(lately.has(400), false)
  newest = 401
  assert.equal(lately.has(401), true)
})
