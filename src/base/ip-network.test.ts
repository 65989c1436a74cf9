import assert from 'node:assert/strict'
import { BlockList, isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { networksHold, parseIpAddress, parseIpNetwork } from './ip-network.ts'

const network = (text: string): NonNullable<ReturnType<typeof parseIpNetwork>> => parseIpNetwork(text)!

test('an address lies in its networks and in no others', () => {
  assert.ok(networksHold([network('10.0.0.0/8')], '10.255.0.1'))
  assert.ok(!networksHold([network('10.0.0.0/8')], '11.0.0.1'))
  assert.ok(networksHold([network('192.0.2.128/25')], '192.0.2.129'))
  assert.ok(!networksHold([network('192.0.2.128/25')], '192.0.2.127'))
  assert.ok(networksHold([network('2001:db8::/32')], '2001:db8:ffff::1'))
  assert.ok(networksHold([network('fe80::/10')], 'fe80::1%eth0'))
  assert.ok(networksHold([network('127.0.0.1')], '::ffff:127.0.0.1'))
  assert.ok(!networksHold([network('0.0.0.0/0')], '::1'))
})

test('what is no network is none', () => {
  for (const text of [
    '',
    '10',
    '10.0.0/8',
    '10.0.0.0/33',
    '10.0.0.256',
    '::1/129',
    '1::2::3',
    ':::',
    'example.org',
    '1.2.3.4/',
  ])
    assert.equal(parseIpNetwork(text), undefined, text)
})

test('networks agree with the system about every address', () => {
  const v4 = fc.ipV4()
  const v6 = fc.ipV6()
  fc.assert(
    fc.property(fc.oneof(fc.tuple(v4, v4, fc.nat(32)), fc.tuple(v6, v6, fc.nat(128))), ([base, address, bits]) => {
      const list = new BlockList()
      const family = isIP(base) === 4 ? 'ipv4' : 'ipv6'
      // IPv4 in IPv6 is one address here and two there.
      fc.pre(parseIpAddress(base)!.length === (family === 'ipv4' ? 4 : 16))
      fc.pre(parseIpAddress(address)!.length === (family === 'ipv4' ? 4 : 16))
      list.addSubnet(base, bits, family)
      assert.equal(networksHold([network(`${base}/${bits}`)], address), list.check(address, family))
    }),
    { numRuns: 2000 },
  )
})
