import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lowerBound } from './lower-bound.ts'

test('lowerBound finds the first not below', () => {
  const uids = Uint32Array.from([2, 4, 9, 0, 0])
  assert.deepEqual(
    [1, 2, 3, 9, 10].map((uid) => lowerBound(uids, 3, uid)),
    [0, 0, 1, 2, 3],
  )
})
