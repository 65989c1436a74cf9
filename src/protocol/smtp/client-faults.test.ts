import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brokenOff } from './client-faults.ts'
import { SmtpConnectionFault } from './client-session.ts'

test('a connection that breaks is a reply for now, so that mail waits (RFC 3463 §3.5)', () => {
  assert.deepEqual(brokenOff(new SmtpConnectionFault('the server hung up')), {
    code: 421,
    enhanced: '4.4.2',
    lines: ['the server hung up'],
  })
})
