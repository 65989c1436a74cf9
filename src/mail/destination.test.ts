import assert from 'node:assert/strict'
import { test } from 'node:test'
import { destinationKey, domainDestination, parseDestination, parseHost, type Destination } from './destination.ts'

const keys: readonly (readonly [string, Destination])[] = [
  ['example.net', { kind: 'domain', domain: 'example.net' }],
  ['[192.0.2.1]', { kind: 'domain', domain: '[192.0.2.1]' }],
  ['[IPv6:2001:db8::1]', { kind: 'domain', domain: '[IPv6:2001:db8::1]' }],
  ['=relay.example.net:25', { kind: 'host', host: 'relay.example.net', port: 25 }],
  ['=2001:db8::1:2525', { kind: 'host', host: '2001:db8::1', port: 2525 }],
  ['lmtp:dovecot.example.net:24', { kind: 'lmtp', host: 'dovecot.example.net', port: 24 }],
  ['lmtp:[2001:db8::1]:24', { kind: 'lmtp', host: '2001:db8::1', port: 24 }],
  ['(local)', { kind: 'local' }],
  ['(failed)', { kind: 'failed' }],
]

test('rows and records of earlier versions are understood, and each destination has one key', () => {
  for (const [key, destination] of keys) {
    assert.deepEqual(parseDestination(key), destination)
    assert.equal(destinationKey(destination), key)
  }
})

test('the case of a name makes no other destination', () => {
  assert.equal(destinationKey(domainDestination('Example.NET')), 'example.net')
  assert.equal(destinationKey({ kind: 'host', host: 'Relay.Example.NET', port: 25 }), '=relay.example.net:25')
  assert.equal(destinationKey({ kind: 'lmtp', host: 'Relay.Example.NET', port: 24 }), 'lmtp:relay.example.net:24')
})

test("an operator's text is a host with or without a port; LMTP has its own default, and never port 25", () => {
  assert.deepEqual(parseHost('Relay.example.net'), { kind: 'host', host: 'relay.example.net', port: 25 })
  assert.deepEqual(parseHost('[2001:DB8::1]:587'), { kind: 'host', host: '2001:db8::1', port: 587 })
  assert.deepEqual(parseHost('lmtp:dovecot.example.net'), { kind: 'lmtp', host: 'dovecot.example.net', port: 24 })
  assert.deepEqual(parseHost('lmtp:[::1]:2424'), { kind: 'lmtp', host: '::1', port: 2424 })
  for (const bad of ['', '=x:25', 'x:0', 'x:65536', '::1', 'lmtp:', 'lmtp:x:25', '(local)', 'a b', '-x'])
    assert.equal(parseHost(bad), undefined, bad)
})

test('a text that only begins like a host is a domain: nothing is lost', () => {
  assert.deepEqual(parseDestination('lmtp:x:25'), { kind: 'domain', domain: 'lmtp:x:25' })
  assert.deepEqual(parseDestination('lmtp.example.net'), { kind: 'domain', domain: 'lmtp.example.net' })
})
