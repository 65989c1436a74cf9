import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatField } from './header-format.ts'

test('a field of 78 characters is one line, a longer one is folded at its spaces (RFC 5322 §2.1.1)', () => {
  const long = 'y'.repeat(40)
  const fits = `${'x'.repeat(78 - 'Subject: '.length - 1 - long.length)} ${long}`
  assert.equal(formatField('Subject', fits), `Subject: ${fits}\r\n`)
  assert.equal(formatField('Subject', `x${fits}`), `Subject: x${fits.replace(' ', '\r\n ')}\r\n`)
})
