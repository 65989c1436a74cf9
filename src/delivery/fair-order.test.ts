import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FairOrder } from './fair-order.ts'

const hour = 3_600_000

test('the first message of each sender goes at once, and a hundred recipients share a position', () => {
  const fairOrder = new FairOrder()
  const list = fairOrder.take('list@a.example', 100_000, 1000)
  assert.equal(list(0), 1000)
  assert.equal(list(99), 1000)
  assert.equal(list(100), 61_000)
  assert.equal(list(99_999), 1000 + 999 * 60_000)
  assert.equal(fairOrder.take('jo@a.example', 1, 2000)(0), 2000)
})

test('a sender of much mail comes after others, and moves forward with time', () => {
  const fairOrder = new FairOrder()
  for (let n = 0; n < 1000; n++) fairOrder.take('busy@a.example', 1, 0)
  assert.equal(fairOrder.take('busy@a.example', 1, 0)(0), 600_000)
  assert.equal(fairOrder.take('busy@a.example', 1, 10 * hour)(0), 10 * hour)
})

test('priority moves a message by hours, in both directions', () => {
  const fairOrder = new FairOrder()
  assert.equal(fairOrder.take('a@a.example', 1, 10 * hour, 9)(0), hour)
  assert.equal(fairOrder.take('b@a.example', 1, 10 * hour, -9)(0), 19 * hour)
})

test('the senders that sent last are remembered, up to the limit', () => {
  const fairOrder = new FairOrder()
  for (let n = 0; n < 10_001; n++) fairOrder.take(`u${n}@a.example`, 100, 0)
  assert.equal(fairOrder.take('u0@a.example', 1, 0)(0), 0)
  assert.equal(fairOrder.take('u10000@a.example', 1, 0)(0), 60_000)
})
