import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Rate, Rates } from './rate.ts'

test('a rate without bursts is a pace', () => {
  const rate = new Rate(60, 60_000)
  assert.equal(rate.waitMs(0), 0)
  rate.spend(0, 1)
  assert.equal(rate.waitMs(0), 1000)
  assert.equal(rate.waitMs(999), 1)
  rate.spend(1000, 5)
  assert.equal(rate.waitMs(1000), 5000)
})

test('what was not used may come at once, as much as the burst', () => {
  const rate = new Rate(100, 3_600_000, 100)
  for (let n = 0; n < 100; n++) {
    assert.equal(rate.waitMs(0), 0)
    rate.spend(0, 1)
  }
  rate.spend(0, 1)
  assert.equal(rate.waitMs(0), 36_000)
  assert.equal(rate.waitMs(36_000), 0)
})

test('each key has a rate of its own, and those not used for longest are forgotten', () => {
  const rates = new Rates(() => new Rate(1, 1000), 2)
  rates.of('a').spend(0, 1)
  assert.equal(rates.of('b').waitMs(0), 0)
  assert.equal(rates.of('a').waitMs(0), 1000)
  rates.of('c')
  rates.of('d')
  assert.equal(rates.of('a').waitMs(0), 0)
})
