import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ValueFault } from '../base/options/kinds.ts'
import { endpoint } from './option-kinds.ts'

test('an endpoint is an address or a name, with or without a port', () => {
  const { read } = endpoint({ names: true })
  assert.deepEqual(read('Relay.Example.net:587'), { host: 'relay.example.net', port: 587 })
  assert.deepEqual(read('[::1]:25'), { host: '::1', port: 25 })
  assert.deepEqual(read('[2001:db8::1]'), { host: '2001:db8::1', port: undefined })
  for (const bad of ['', ':25', '::1', '[127.0.0.1]:25', '[::1', 'a b:1', 'x:1:2', 'x:', 'x:99999']) {
    assert.throws(() => read(bad), ValueFault, bad)
  }
})
