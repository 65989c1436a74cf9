import assert from 'node:assert/strict'
import { test } from 'node:test'
import { status } from './status.ts'

test('the enhanced code of each refusal is of the class of its code (RFC 2034 §4), and its words are for a line', () => {
  for (const [name, { code, enhanced, text }] of Object.entries(status)) {
    assert.ok(code >= 400 && code <= 599, name)
    assert.match(enhanced, /^[45]\.\d\.\d{1,3}$/, name)
    assert.equal(enhanced[0], String(code)[0], name)
    assert.match(text, /^[\x20-\x7e]{1,200}$/, name)
  }
})

test('what is over by itself is refused for now, what is not for good', () => {
  const forNow = Object.entries(status).filter(([, { code }]) => code < 500)
  assert.deepEqual(forNow.map(([name]) => name).sort(), [
    'aliasTooWide',
    'authUnavailable',
    'directoryUnreachable',
    'fromNotLookedUp',
    'localError',
    'mailboxFull',
    'serviceClosing',
    'storeFull',
    'timeout',
    'tooManyConnections',
    'tooManyMessages',
    'tooManyRecipients',
    'tooManyRecipientsOfLate',
  ])
})
