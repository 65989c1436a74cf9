import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as limits from './limits.ts'
import { readResponse } from './sasl-exchange.ts'

test('a line of an exchange is base64, or ends it with its status (RFC 4954 §4, §6)', () => {
  const read = (line: string): string => {
    const found = readResponse(Buffer.from(line))
    return found instanceof Uint8Array ? Buffer.from(found).toString() : `${found.code} ${found.enhanced} ${found.text}`
  }
  assert.equal(read('YWJj'), 'abc')
  assert.equal(read(''), '')
  assert.equal(read('*'), '501 5.7.0 Authentication cancelled')
  assert.equal(read('**'), '501 5.5.2 Not base64')
  assert.equal(read('A'.repeat(limits.saslLineBytesMax)).length, (limits.saslLineBytesMax / 4) * 3)
  assert.equal(read('A'.repeat(limits.saslLineBytesMax + 4)), '500 5.5.6 Line too long')
})
