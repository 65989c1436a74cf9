import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseMailbox } from '../mail/address.ts'
import { completeMailbox } from './complete-mailbox.ts'

const tools = {
  store: { read: { domains: () => ['a.example', 'b.example'] } },
  options: { hostname: 'mx.a.example' },
} as unknown as Parameters<typeof completeMailbox>[0]

const domainOf = (address: string, localAddress?: string): string =>
  completeMailbox(tools, parseMailbox(address)!, localAddress).domain

test('the literal of the address that a client connected to is our own, also when reported by a proxy', () => {
  assert.equal(domainOf('x@[192.0.2.1]', '192.0.2.1'), 'a.example')
  assert.equal(domainOf('x@[IPv6:2001:DB8:0::1]', '2001:db8::1'), 'a.example')
  assert.equal(domainOf('x@[192.0.2.2]', '192.0.2.1'), '[192.0.2.2]')
  assert.equal(domainOf('x@[192.0.2.1]', ''), '[192.0.2.1]')
  assert.equal(domainOf('x@[192.0.2.1]'), '[192.0.2.1]')
  assert.equal(domainOf('x@b.example', '192.0.2.1'), 'b.example')
  assert.equal(completeMailbox(tools, { localPart: 'postmaster', domain: '' }).domain, 'a.example')
})
