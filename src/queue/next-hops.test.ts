import assert from 'node:assert/strict'
import { test } from 'node:test'
import { domainDestination } from '../mail/destination.ts'
import type { QueueRow } from '../store/entities.ts'
import { NextHop, NextHops, type RoutedBatch } from './next-hops.ts'
import type { Attempt } from './transport.ts'

const random = { bytes: (count: number) => new Uint8Array(count), below: () => 0 }
const batch = (turnMs: number): RoutedBatch => ({
  destination: domainDestination('x'),
  key: 'x',
  rows: [{ turnMs } as QueueRow],
  name: 'x',
  route: undefined,
})
const attempt = (hop: Attempt['hop'], words: string): Attempt => ({
  hop,
  results: [{ kind: 'later', enhanced: '4.4.1', words }],
})
const well = attempt('well', '')
const answered = attempt('answered', '')
const failed = (words: string): Attempt => attempt('failed', words)

test('batches wait in fair order, and equal ones keep their order', () => {
  const site = new NextHop('x', 20, undefined)
  const batches = [batch(5), batch(1), batch(5), batch(3)]
  for (const one of batches) site.add(one)
  assert.deepEqual(site.waiting, [batches[1], batches[3], batches[0], batches[2]])
})

test('in a burst the last batch leaves for a later one that goes before it; batches leased from the store have room of their own', () => {
  const site = new NextHop('x', 20, undefined)
  const news = (turnMs: number): RoutedBatch => ({
    ...batch(turnMs),
    bytes: { sizeBytes: 1, read: () => new Uint8Array(1) },
  })
  for (let turn = 0; turn < 4999; turn++) assert.equal(site.add(news(turn)), undefined)
  assert.ok(site.takesImmediate(9000))
  assert.equal(site.add(news(9000)), undefined)
  assert.ok(!site.takesImmediate(9000))
  assert.ok(site.takesImmediate(8999))
  const fetched = batch(9999)
  assert.equal(site.add(fetched), undefined)
  assert.ok(!site.isBusy)
  const left = site.add(news(50.5))!
  assert.equal(left.rows[0]!.turnMs, 9000)
  site.release(left)
  assert.equal(site.waiting.at(-1), fetched)
  assert.equal(site.waiting[51]!.rows[0]!.turnMs, 50.5)
  for (let n = 0; n < 199; n++) site.add(batch(1))
  assert.ok(site.isBusy)
})

test('transfers at a time grow with success up to the limit', () => {
  const site = new NextHop('x', 7, undefined)
  assert.equal(site.window, 5)
  for (let n = 0; n < 5; n++) site.note(well, 0, random)
  assert.equal(site.window, 6)
  for (let n = 0; n < 60; n++) site.note(well, 0, random)
  assert.equal(site.window, 7)
})

test('failures halve them, three in a row start a back-off, and each back-off is twice as long until one succeeds', () => {
  const site = new NextHop('x', 20, undefined)
  site.note(failed('refused'), 0, random)
  assert.equal(site.window, 2)
  assert.equal(site.backOffAt(0), undefined)
  site.note(failed('refused'), 0, random)
  site.note(failed('refused'), 0, random)
  assert.deepEqual(site.backOffAt(0), { untilMs: 60_000, words: 'refused', enhanced: '4.4.1' })
  assert.equal(site.backOffAt(60_000), undefined)
  assert.equal(site.window, 1)
  // After a back-off, one more failure is enough.
  site.note(failed('refused'), 60_000, random)
  assert.equal(site.backOffAt(60_000)!.untilMs, 180_000)
  for (let n = 0; n < 20; n++) site.note(failed('refused'), 0, random)
  assert.equal(site.backOffAt(0)!.untilMs, 3_600_000)
  site.note(well, 0, random)
  assert.equal(site.backOffAt(0), undefined)
  site.note(failed('refused'), 0, random)
  assert.equal(site.backOffAt(0), undefined)
})

test('a reply for a single recipient is no failure of the next hop', () => {
  const site = new NextHop('x', 20, undefined)
  for (let n = 0; n < 10; n++) site.note(answered, 0, random)
  assert.equal(site.window, 5)
  site.note(failed('x'), 0, random)
  site.note(failed('x'), 0, random)
  site.note(answered, 0, random)
  site.note(failed('x'), 0, random)
  assert.equal(site.backOffAt(0), undefined)
})

test('next hops beyond the limit are forgotten, except those with mail', () => {
  const sites = new NextHops()
  const first = sites.of({ name: 's0', route: undefined }, 20)
  first.add(batch(1))
  for (let n = 1; n <= 5001; n++) sites.of({ name: `s${n}`, route: undefined }, 20)
  assert.ok([...sites].length <= 2502)
  assert.equal(sites.of({ name: 's0', route: undefined }, 20), first)
})
