import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeQuotedPrintable } from './transfer-encode.ts'

test('only CRLF is a line end in quoted-printable; a CR or LF that stands alone is encoded (RFC 2045 §6.7)', () => {
  const encoded = (text: string): string => Buffer.from(encodeQuotedPrintable(Buffer.from(text))).toString('latin1')
  assert.equal(encoded('a\r\nb'), 'a\r\nb')
  assert.equal(encoded('a\rb\nc\r\rd\n'), 'a=0Db=0Ac=0D=0Dd=0A')
  assert.equal(encoded('x\n\r\ny'), 'x=0A\r\ny')
})
