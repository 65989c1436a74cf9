import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Line } from './line.ts'
import { formatNumberSet, resolveRanges } from './sequence-set.ts'

const parse = (text: string) => new Line(Buffer.from(text)).sequenceSet()

test('ranges are merged whatever their order, and * is the last', () => {
  assert.deepEqual(resolveRanges(parse('2,4:7,9,12:*'), 15), [
    [2, 2],
    [4, 7],
    [9, 9],
    [12, 15],
  ])
  assert.deepEqual(resolveRanges(parse('*:4,5:7'), 15), [[4, 15]])
  assert.deepEqual(resolveRanges(parse('7:5,1:2,3'), 15), [
    [1, 3],
    [5, 7],
  ])
  assert.deepEqual(resolveRanges(parse('99:*'), 15), [[15, 99]])
})

test('a formatted set names the same numbers', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), (numbers) => {
      const ascending = numbers.toSorted((a, b) => a - b)
      const named = resolveRanges(parse(formatNumberSet(ascending)), 99).flatMap(([a, b]) =>
        Array.from({ length: b - a + 1 }, (_, i) => a + i),
      )
      assert.deepEqual(named, ascending)
    }),
  )
})

test('numbers that do not ascend keep their order', () => {
  assert.equal(formatNumberSet([7, 3, 4, 5, 1]), '7,3:5,1')
})
