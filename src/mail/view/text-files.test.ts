import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { composeMessage } from '../compose/message.ts'
import { calendarsOf } from './calendar.ts'
import { readMessage } from './read-message.ts'
import { findUuencoded, splitUuencoded } from './uuencode.ts'

/** As uuencode(1) writes it. */
function uuencode(bytes: Uint8Array, zero = '`', name = 'a.bin'): string {
  const lines = [`begin 644 ${name}`]
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

test('a file in a text: what stands around it stays', () => {
  const { text, files } = splitUuencoded('Hello,\r\n\r\nbegin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nBye\r\n')
  assert.equal(text, 'Hello,\r\n\r\nBye\r\n')
  assert.equal(files.length, 1)
  const [{ name, mode, content, ended }] = files as [(typeof files)[0]]
  assert.deepEqual(
    { name, mode, ended, content: Buffer.from(content).toString() },
    { name: 'cat.txt', mode: 0o644, ended: true, content: 'Cat' },
  )
})

test('whatever was uuencoded comes back, with spaces for zeros, without those at ends of lines, and without its end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom('`', ' '), fc.boolean(), (bytes, zero, trimmed) => {
      const written = uuencode(bytes, zero)
      const sent = trimmed ? written.replace(/ +$/gm, '') : written
      const [file] = findUuencoded(sent)
      assert.ok(file?.ended)
      assert.deepEqual(Buffer.from(file.content), Buffer.from(bytes))
    }),
  )
  const bytes = Buffer.alloc(90, 'abc')
  const [cut] = findUuencoded(uuencode(bytes).split('\n').slice(0, 3).join('\n'))
  assert.equal(cut?.ended, false)
  assert.deepEqual(Buffer.from(cut.content), bytes)
})

test('begin-base64, several files, and prose that begins with the word', () => {
  const text = `begin-base64 600 b\nQUJD\n====\n${uuencode(Buffer.from('x'))}begin 644 the work\nHELLO AND MORE\nbegin the day\n`
  const files = findUuencoded(text)
  assert.deepEqual(
    files.map(({ name, content }) => [name, Buffer.from(content).toString()]),
    [
      ['b', 'ABC'],
      ['a.bin', 'x'],
    ],
  )
  assert.ok(splitUuencoded(text).text.startsWith('begin 644 the work'))
})

test('any text is split, ranges lie in it, and ten megabytes of beginnings take no time', () => {
  const piece = fc.constantFrom(
    'begin 644 x\n',
    'end\n',
    '`\n',
    '#0V%T\n',
    'M',
    '\n',
    'begin-base64 644 y\n',
    'QUJD\n',
    '====\n',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 20 }), (pieces) => {
      const text = pieces.join('')
      let at = 0
      for (const { start, end } of findUuencoded(text)) {
        assert.ok(at <= start && start < end && end <= text.length)
        at = end
      }
    }),
  )
  // Were it quadratic, the run's own limit of time would end it.
  findUuencoded('begin 644 x\n'.repeat(400_000))
  findUuencoded(`begin 644 x\n${'#0V%T\n'.repeat(800_000)}`)
})

test('invitations: the method of the type, of the text, and a file', async () => {
  const ics = 'BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n'
  const unique = (): string => 'unique000001'
  const bytes = await composeMessage(
    {
      from: 'a@example.org',
      text: 'Come.',
      calendar: { method: 'cancel', text: ics },
      attachments: [{ content: ics, name: 'invite.ICS' }],
    },
    { nowMs: 0, hostname: 'h.example', unique },
  ).bytes()
  const found = calendarsOf(readMessage(bytes))
  assert.deepEqual(
    found.map(({ method, text }) => [method, text]),
    [
      ['CANCEL', ics],
      ['REQUEST', ics],
    ],
  )
  assert.deepEqual(calendarsOf(readMessage(Buffer.from('Subject: x\r\n\r\n'))), [])
})
