import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextHopName, ruleFor } from './next-hop-name.ts'

const host = (name: string, port = 25) => ({ name, port })

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
