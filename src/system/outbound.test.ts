import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownAddresses } from './outbound.ts'

const listening = (...addresses: string[]) =>
  addresses.map((address) => ({ service: 'smtp' as const, address, port: 25, tls: false }) as never)

test('an address is our own if a listener has it, in any spelling', () => {
  const isOwn = ownAddresses(
    () => listening('192.0.2.1', '2001:db8::1'),
    () => ['198.51.100.1'],
  )
  for (const own of ['192.0.2.1', '::ffff:192.0.2.1', '2001:db8::1', '2001:DB8:0:0::0:1']) assert.ok(isOwn(own), own)
  for (const other of ['192.0.2.2', '198.51.100.1', '2001:db8::2', '0.0.0.0', '']) assert.ok(!isOwn(other), other)
})

test("a listener at all addresses has the machine's, and no other", () => {
  const isOwn = ownAddresses(
    () => listening('::'),
    () => ['198.51.100.1', 'fe80::1'],
  )
  assert.ok(isOwn('198.51.100.1') && isOwn('fe80::1'))
  assert.ok(!isOwn('192.0.2.1') && !isOwn('::') && !isOwn('0.0.0.0'))
})
