import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeQuotedPrintable } from './transfer-encode.ts'

test('only CRLF is a line end in quoted-printable; a CR or LF that stands alone is encoded (RFC 2045 §6.7)', () => {
  const encoded = (text: string): string => Buffer.from(encodeQuotedPrintable(Buffer.from(text))).toString('latin1')
  assert.equal(encoded('a\r\nb'), 'a\r\nb')
  assert.equal(encoded('a\rb\nc\r\rd\n'), 'a=0Db=0Ac=0D=0Dd=0A')
  assert.equal(encoded('x\n\r\ny'), 'x=0A\r\ny')
})

test('a line of quoted-printable has 76 characters at most, and is as full as it can be (RFC 2045 §6.7)', () => {
  const lines = (text: string): string[] =>
    Buffer.from(encodeQuotedPrintable(Buffer.from(text)))
      .toString('latin1')
      .split('\r\n')
  assert.deepEqual(lines('x'.repeat(75)), ['x'.repeat(75)])
  assert.deepEqual(lines('x'.repeat(160)), [`${'x'.repeat(75)}=`, `${'x'.repeat(75)}=`, 'x'.repeat(10)])
  // What is escaped is not torn.
  assert.deepEqual(lines(`${'x'.repeat(74)}ä`), [`${'x'.repeat(74)}=`, '=C3=A4'])
  assert.deepEqual(lines(`${'x'.repeat(72)}äx`), [`${'x'.repeat(72)}=C3=`, '=A4x'])
  assert.deepEqual(lines(`x\r\n${'y'.repeat(75)}`), ['x', 'y'.repeat(75)])
})
