import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DotStuffer, startBody, takeBody } from './dots.ts'

function take(chunks: readonly Uint8Array[]): { body: string; rest: string | undefined; bare: boolean } {
  const state = startBody()
  const parts: Buffer[] = []
  for (const [i, chunk] of chunks.entries()) {
    const rest = takeBody(state, chunk, (bytes) => parts.push(Buffer.from(bytes)))
    if (rest) {
      const tail = Buffer.concat([rest, ...chunks.slice(i + 1)])
      return { body: Buffer.concat(parts).toString('latin1'), rest: tail.toString('latin1'), bare: state.bareNewline }
    }
  }
  return { body: Buffer.concat(parts).toString('latin1'), rest: undefined, bare: state.bareNewline }
}

const whole = (text: string): ReturnType<typeof take> => take([Buffer.from(text, 'latin1')])

test('a body ends at CRLF . CRLF and what follows is left alone', () => {
  assert.deepEqual(whole('Hello\r\n.\r\nQUIT\r\n'), { body: 'Hello\r\n', rest: 'QUIT\r\n', bare: false })
  assert.deepEqual(whole('.\r\n'), { body: '', rest: '', bare: false })
})

test('one dot is taken from a line that begins with one', () => {
  assert.deepEqual(whole('..\r\n...a\r\n.b\r\n.\r\n').body, '.\r\n..a\r\nb\r\n')
})

test('nothing but CRLF . CRLF ends a body, and every bare CR or LF is noted', () => {
  for (const end of ['\n.\n', '\r\n.\n', '\n.\r\n', '\r.\r', '\r\n.\r', '\r\n\u0000.\r\n', '\r.\r\n', '\n\n.\r\n']) {
    const { body, rest, bare } = whole(`a${end}MAIL FROM:<x@y>\r\n.\r\nnext`)
    assert.equal(rest, 'next', JSON.stringify(end))
    assert.ok(body.includes('MAIL FROM'))
    assert.equal(bare, end !== '\r\n\u0000.\r\n', JSON.stringify(end))
  }
})

test('cuts change nothing', () => {
  const alphabet = fc.constantFrom('\r', '\n', '.', 'a', '\r\n', '\r\n.', '\r\n.\r\n')
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 24 }), fc.array(fc.nat(40), { maxLength: 8 }), (pieces, cuts) => {
      const bytes = Buffer.from(`${pieces.join('')}\r\n.\r\nrest`, 'latin1')
      const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
      const chunks = places.slice(1).map((end, i) => bytes.subarray(places[i], end))
      assert.deepEqual(take(chunks), take([bytes]))
      assert.deepEqual(take([...bytes].map((byte) => Uint8Array.of(byte))), take([bytes]))
    }),
    { numRuns: 2000 },
  )
})

test('what is stuffed comes back, however it is cut', () => {
  const text = fc.array(fc.constantFrom('.', 'a', '\r\n', '\r\n.', '\r\n..'), { maxLength: 24 })
  fc.assert(
    fc.property(text, fc.nat(20), (pieces, cut) => {
      const bytes = Buffer.from(pieces.join(''))
      const stuffer = new DotStuffer()
      const sent = [stuffer.push(bytes.subarray(0, cut)), stuffer.push(bytes.subarray(cut)), stuffer.end()]
      const { body, rest, bare } = take([Buffer.concat(sent)])
      const expected = bytes.toString()
      assert.equal(body, expected === '' || expected.endsWith('\r\n') ? expected : `${expected}\r\n`)
      assert.equal(rest, '')
      assert.equal(bare, false)
    }),
    { numRuns: 2000 },
  )
})
