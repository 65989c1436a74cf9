import { domainDestination } from '../mail/destination.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { QueueRow } from '../store/entities.ts'
import { ruleFor, NextHop, nextHopName, NextHops, type Batch } from './next-hops.ts'

const random = { bytes: (count: number) => new Uint8Array(count), below: () => 0 }
const host = (name: string, port = 25) => ({ name, port })
const batch = (turnMs: number): Batch => ({
  destination: domainDestination('x'),
  key: 'x',
  rows: [{ turnMs } as QueueRow],
})

test('a next hop is a set of hosts, in any order', () => {
  assert.equal(nextHopName([host('b.example'), host('a.example')], undefined), 'a.example b.example')
  assert.equal(nextHopName([host('a.example'), host('b.example')], undefined), 'a.example b.example')
  assert.equal(nextHopName([host('relay.example', 587)], undefined), 'relay.example:587')
  // A host that blocks one address of ours may accept another.
  const via = (address: string): string => nextHopName([{ ...host('a.example'), localAddresses: [address] }], undefined)
  assert.notEqual(via('192.0.2.1'), via('192.0.2.2'))
})

test('a rule that matches the hosts makes one next hop of all that they serve', () => {
  const rules = [{ match: '*' }, { match: '*.provider.example', ratePerMinute: 60 }, { match: 'special.example' }]
  const hosts = [host('MX1.provider.example')]
  const rule = ruleFor(rules, 'customer.example', hosts)
  assert.equal(rule?.ratePerMinute, 60)
  assert.equal(nextHopName(hosts, rule), '*.provider.example')
  assert.equal(ruleFor(rules, 'special.example', hosts), rules[2])
  assert.equal(ruleFor(rules, 'other.example', [host('mx.other.example')]), rules[0])
  assert.equal(nextHopName([host('mx.other.example')], rules[0]), 'mx.other.example')
})

test('batches wait in fair order, and equal ones keep their order', () => {
  const site = new NextHop('x', 20, undefined)
  const batches = [batch(5), batch(1), batch(5), batch(3)]
  for (const one of batches) site.add(one)
  assert.deepEqual(site.waiting, [batches[1], batches[3], batches[0], batches[2]])
})

test('in a burst the last batch leaves for a later one that goes before it; batches leased from the store have room of their own', () => {
  const site = new NextHop('x', 20, undefined)
  const news = (turnMs: number): Batch => ({ ...batch(turnMs), bytes: { sizeBytes: 1, read: () => new Uint8Array(1) } })
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
  for (let n = 0; n < 5; n++) site.succeeded()
  assert.equal(site.window, 6)
  for (let n = 0; n < 60; n++) site.succeeded()
  assert.equal(site.window, 7)
})

test('failures halve them, three in a row start a back-off, and each back-off is twice as long until one succeeds', () => {
  const site = new NextHop('x', 20, undefined)
  site.failed(0, random, 'refused', '4.4.1')
  assert.equal(site.window, 2)
  assert.equal(site.backOffAt(0), undefined)
  site.failed(0, random, 'refused', '4.4.1')
  site.failed(0, random, 'refused', '4.4.1')
  assert.deepEqual(site.backOffAt(0), { untilMs: 60_000, words: 'refused', enhanced: '4.4.1' })
  assert.equal(site.backOffAt(60_000), undefined)
  assert.equal(site.window, 1)
  // After a back-off, one more failure is enough.
  site.failed(60_000, random, 'refused', '4.4.1')
  assert.equal(site.backOffAt(60_000)!.untilMs, 180_000)
  for (let n = 0; n < 20; n++) site.failed(0, random, 'refused', '4.4.1')
  assert.equal(site.backOffAt(0)!.untilMs, 3_600_000)
  site.succeeded()
  assert.equal(site.backOffAt(0), undefined)
  site.failed(0, random, 'refused', '4.4.1')
  assert.equal(site.backOffAt(0), undefined)
})

test('a reply for a single recipient is no failure of the next hop', () => {
  const site = new NextHop('x', 20, undefined)
  for (let n = 0; n < 10; n++) site.answered()
  assert.equal(site.window, 5)
  site.failed(0, random, 'x', '4.4.1')
  site.failed(0, random, 'x', '4.4.1')
  site.answered()
  site.failed(0, random, 'x', '4.4.1')
  assert.equal(site.backOffAt(0), undefined)
})

test('next hops beyond the limit are forgotten, except those with mail', () => {
  const sites = new NextHops()
  const first = sites.of('s0', 20)
  first.add(batch(1))
  for (let n = 1; n <= 5001; n++) sites.of(`s${n}`, 20)
  assert.ok([...sites].length <= 2502)
  assert.equal(sites.of('s0', 20), first)
})
