import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeTransfer, transferDecoder, transferEncoding } from './transfer-encoding.ts'
import type { TransferEncoding } from './transfer-encoding.ts'

const decode = (text: string, encoding: TransferEncoding): string =>
  Buffer.from(decodeTransfer(Buffer.from(text, 'latin1'), encoding)).toString('latin1')

test('base64 is read past line ends, strange characters and padding', () => {
  assert.equal(decode('aGVs\r\nbG8=\r\n', 'base64'), 'hello')
  assert.equal(decode('a-G_V*s bG 8', 'base64'), Buffer.from('a+G/VsbG8', 'base64').toString('latin1'))
  assert.equal(decode('YQ==YmM=', 'base64'), 'abc')
})

test('quoted-printable is read as RFC 2045 §6.7 says, and broken escapes stay', () => {
  assert.equal(decode('a=3Db=\r\nc=\nd= \t\r\ne', 'quoted-printable'), 'a=bcde')
  assert.equal(decode('trailing \t\r\nspace  ', 'quoted-printable'), 'trailing\r\nspace')
  assert.equal(decode('=c3=a9 =G1 =', 'quoted-printable'), 'Ã© =G1 ')
})

test('encodings by name', () => {
  assert.deepEqual(
    ['7bit', '8bit', 'binary', '', 'base64', 'x-uuencode', 'uuencode', 'x-uue', 'uue', 'x-yenc'].map(transferEncoding),
    ['identity', 'identity', 'identity', 'identity', 'base64', 'uuencode', 'uuencode', 'uuencode', 'uuencode', 'other'],
  )
})

test('base64 gives back what was encoded, and cuts change nothing', () => {
  const unit = fc.constantFrom(...'ABab09+/=-_ \r\n\t=?3DcC'.split(''))
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = Buffer.from(bytes).toString('base64').replace(/.{10}/g, '$&\r\n')
      assert.deepEqual(Buffer.from(decodeTransfer(Buffer.from(text), 'base64')), Buffer.from(bytes))
    }),
  )
  for (const encoding of ['base64', 'quoted-printable', 'identity'] as const)
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 60 }), fc.array(fc.nat(60), { maxLength: 6 }), (text, cuts) => {
        const bytes = Buffer.from(text)
        const decoder = transferDecoder(encoding)
        const pieces: Uint8Array[] = []
        let from = 0
        for (const to of [...cuts.sort((a, b) => a - b), bytes.length]) {
          const piece = Buffer.from(bytes.subarray(from, to))
          pieces.push(decoder.write(piece))
          piece.fill(0x3d)
          from = Math.max(from, to)
        }
        pieces.push(decoder.end())
        assert.equal(Buffer.concat(pieces).toString('latin1'), decode(text, encoding))
      }),
      { numRuns: 1_000 },
    )
})
