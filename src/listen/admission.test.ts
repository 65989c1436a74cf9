import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedClock } from '../platform/simulated/clock.ts'
import { Admission, admissionDefaults, type AdmissionLimits } from './admission.ts'
import { networkOf, NetworkRates } from '../base/network-rates.ts'

function admission(limits: Partial<AdmissionLimits>): { clock: SimulatedClock; door: Admission } {
  const clock = new SimulatedClock(0)
  return { clock, door: new Admission({ now: { ...admissionDefaults, ...limits } }, clock) }
}

test('networks have the configured size', () => {
  const size = { prefixBitsV4: 32, prefixBitsV6: 64 }
  assert.notEqual(networkOf('192.0.2.1', size), networkOf('192.0.2.2', size))
  assert.equal(networkOf('192.0.2.1', size), networkOf('::ffff:192.0.2.1', size))
  assert.equal(networkOf('2001:db8::1', size), networkOf('2001:db8::ffff:ffff:ffff:ffff', size))
  assert.notEqual(networkOf('2001:db8::1', size), networkOf('2001:db8:0:1::1', size))
  const wide = { prefixBitsV4: 22, prefixBitsV6: 63 }
  assert.equal(networkOf('192.0.4.1', wide), networkOf('192.0.7.255', wide))
  assert.notEqual(networkOf('192.0.4.1', wide), networkOf('192.0.8.1', wide))
  assert.equal(networkOf('2001:db8::1', wide), networkOf('2001:db8:0:1::1', wide))
  assert.equal(networkOf('nowhere', size), 'nowhere')
})

test('limits in all and by network; a closed connection makes room', () => {
  const { door } = admission({ connectionsMax: 5, connectionsPerAddressMax: 2 })
  const first = door.admit('2001:db8::1')
  assert.ok(first)
  assert.ok(door.admit('2001:db8::2'))
  assert.equal(door.admit('2001:db8::3'), undefined)
  first()
  assert.ok(door.admit('2001:db8::3'))
  // Loopback counts in all, but has no limit as a network.
  const [one, two, three] = [door.admit('127.0.0.1'), door.admit('127.0.0.1'), door.admit('::1')]
  assert.ok(one && two && three)
  assert.equal(door.admit('192.0.2.1'), undefined)
  two()
  assert.ok(door.admit('192.0.2.1'))
})

test('new connections of one network have a rate limit', async () => {
  const { clock, door } = admission({ connectionRatePerMinute: 3 })
  const come = (address: string): boolean => {
    const leave = door.admit(address)
    leave?.()
    return leave !== undefined
  }
  assert.deepEqual(
    Array.from({ length: 5 }, () => come('192.0.2.1')),
    [true, true, true, false, false],
  )
  assert.ok(come('192.0.2.2'))
  await clock.pass(20_001)
  assert.deepEqual([come('192.0.2.1'), come('192.0.2.1')], [true, false])
  await clock.pass(120_000)
  assert.deepEqual(
    Array.from({ length: 4 }, () => come('192.0.2.1')),
    [true, true, true, false],
  )
})

test('another limit clears the counts, and 0 is no limit', () => {
  const rates = new NetworkRates(1000)
  assert.ok(rates.allow(1).take('a', 0))
  assert.ok(!rates.allow(1).take('a', 0))
  assert.ok(rates.allow(0).take('a', 0) && rates.take('a', 0))
  assert.ok(rates.allow(1).take('a', 0))
})

test('of too many networks the oldest are forgotten', () => {
  const rates = new NetworkRates(1000).allow(1)
  for (let i = 0; i <= 50_000; i++) rates.take(`n${i}`, 0)
  assert.ok(rates.isOver('n50000', 0))
  assert.ok(rates.isOver('n1', 0))
  assert.ok(!rates.isOver('n0', 0))
})
