import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readMessage } from '../view/read-message.ts'
import { StreamReader } from './stream.ts'
import { decodeTransfer } from './transfer-encoding.ts'
import { UuencodeDecoder } from './uuencode-decoder.ts'

/** As uuencode(1) writes it. */
function uuencode(bytes: Uint8Array, zero: string): string {
  const lines = ['begin 644 a.bin']
  const char = (six: number): string => (six === 0 ? zero : String.fromCharCode(six + 32))
  for (let at = 0; at < bytes.length; at += 45) {
    const line = bytes.subarray(at, at + 45)
    let text = char(line.length)
    for (let group = 0; group < line.length; group += 3) {
      const bits = (line[group]! << 16) | ((line[group + 1] ?? 0) << 8) | (line[group + 2] ?? 0)
      for (const shift of [18, 12, 6, 0]) text += char((bits >> shift) & 63)
    }
    lines.push(text)
  }
  return [...lines, char(0), 'end', ''].join('\n')
}

const decode = (text: string): string =>
  Buffer.from(decodeTransfer(Buffer.from(text, 'latin1'), 'uuencode')).toString('latin1')

test('whatever was uuencoded comes back, however it is cut', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom('`', ' '),
      fc.constantFrom('\n', '\r\n'),
      fc.array(fc.nat(500), { maxLength: 6 }),
      (bytes, zero, lineEnd, cuts) => {
        const text = Buffer.from(`Note\n\n${uuencode(bytes, zero)}trailer\n`.replaceAll('\n', lineEnd))
        const decoder = new UuencodeDecoder()
        const pieces: Uint8Array[] = []
        let from = 0
        for (const to of [...cuts.sort((a, b) => a - b), text.length]) {
          const piece = Buffer.from(text.subarray(from, to))
          pieces.push(decoder.write(piece))
          piece.fill(0x20)
          from = Math.max(from, to)
        }
        pieces.push(decoder.end())
        assert.deepEqual(Buffer.concat(pieces), Buffer.from(bytes))
      },
    ),
  )
})

test('what is no data is passed over, and a missing end leaves what came', () => {
  assert.equal(decode('begin 644 a\r\n#0V%T\r\n\r\nno data: too short for its count\r\n#0V%T'), 'CatCat')
  assert.equal(decode(`begin 644 a\n#0V%T\n${'M'.repeat(1_000)}\n#0V%T\nend\n#0V%T\n`), 'CatCat')
  assert.equal(decode('begin-base64 644 a\nQ2F0\n====\nQ2F0\n'), 'Cat')
})

test('without a begin line the bytes are what they are, also where it comes too late', () => {
  assert.equal(decode('no file here\r\nbegin the day'), 'no file here\r\nbegin the day')
  const late = `${'x'.repeat(99)}\n`.repeat(656) + 'begin 644 a\n#0V%T\n`\nend\n'
  assert.equal(decode(late), late)
  const early = `${'x'.repeat(99)}\n`.repeat(650) + 'begin 644 a\n#0V%T\n`\nend\n'
  assert.equal(decode(early), 'Cat')
})

test('a part in uuencode is a file with its content, at once and in a stream', () => {
  for (const name of ['x-uuencode', 'UUENCODE', 'x-uue', 'uue']) {
    const lines = [
      `Content-Type: application/octet-stream; name=cat.txt`,
      `Content-Transfer-Encoding: ${name}`,
      '',
      'begin 644 cat.txt',
      '#0V%T',
      '`',
      'end',
      '',
    ]
    const bytes = Buffer.from(lines.join('\r\n'))
    assert.equal(Buffer.from(readMessage(bytes).files[0]!.content()).toString(), 'Cat', name)
    const reader = new StreamReader()
    const events = [...reader.push(bytes.subarray(0, 100)), ...reader.push(bytes.subarray(100)), ...reader.end()]
    const body = events.flatMap((event) => (event.kind === 'body' ? [event.bytes] : []))
    assert.equal(Buffer.concat(body).toString(), 'Cat', name)
  }
})
