import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { attribute, properties, property, utf16, writeTnef } from '../../../test/support/tnef-writer.ts'
import { composeMessage } from '../compose/message.ts'
import { readMessage } from '../view/read-message.ts'
import { filesWithTnef } from './message-files.ts'
import { decompressRtf } from './rtf.ts'
import { readTnef, tnefFilesMax } from './tnef.ts'

const names = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((name) => !name.includes('\0') && !/\p{Cs}/u.test(name))

test('files, names of any script and texts come out as they went in', () => {
  const files = fc.array(fc.record({ name: names, content: fc.uint8Array({ maxLength: 300 }) }), { maxLength: 4 })
  fc.assert(
    fc.property(files, names, names, (given, subject, html) => {
      const found = readTnef(writeTnef({ subject, html, files: given }))!
      assert.deepEqual(
        found.files.map(({ name, content }) => [name, Buffer.from(content)]),
        given.map(({ name, content }) => [name, Buffer.from(content)]),
      )
      assert.equal(found.subject, subject)
      assert.equal(found.html, html)
      assert.equal(found.messageClass, 'IPM.Microsoft Mail.Note')
      assert.deepEqual(found.defects, [])
    }),
  )
})

test('a short name in the code page of its sender, where there is no long one', () => {
  const begin = Buffer.concat([
    Buffer.from('789f3e220100', 'hex'),
    attribute(1, 0x00069007, Buffer.from([0xe3, 4, 0, 0])),
  ])
  const file = [
    attribute(2, 0x00069002, Buffer.alloc(14)),
    attribute(2, 0x00018010, Buffer.from('cff0e8e2e5f200', 'hex')),
  ]
  assert.equal(readTnef(Buffer.concat([begin, ...file]))?.files[0]?.name, 'Привет')
})

test('an attached message is read as well', () => {
  const inner = writeTnef({ subject: 'Inside', files: [{ name: 'a.txt', content: Buffer.from('A') }] })
  const object = property(0x000d, 0x3701, Buffer.concat([Buffer.alloc(16, 1), inner]))
  const outer = Buffer.concat([
    writeTnef({ subject: 'Outside', files: [] }),
    attribute(2, 0x00069002, Buffer.alloc(14)),
    attribute(2, 0x00069005, properties(property(0x001f, 0x3001, utf16('A message')), object)),
  ])
  const [file] = readTnef(outer)!.files
  assert.equal(file?.name, 'A message')
  assert.equal(file.message?.subject, 'Inside')
  assert.equal(file.message.files[0]?.name, 'a.txt')
})

test("[MS-OXRTFCP]'s two examples of compressed RTF", () => {
  const simple = '2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0'
  assert.equal(
    Buffer.from(decompressRtf(Buffer.from(simple, 'hex'))!).toString(),
    '{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n',
  )
  const crossing = '1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0'
  assert.equal(Buffer.from(decompressRtf(Buffer.from(crossing, 'hex'))!).toString(), '{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}')
  assert.equal(decompressRtf(Buffer.alloc(3)), undefined)
})

test('what is cut or changed is noted, and the rest is read', () => {
  const bytes = writeTnef({ files: [{ name: 'a', content: Buffer.alloc(100, 'x') }] })
  const cut = readTnef(bytes.subarray(0, -120))!
  assert.deepEqual(cut.defects, ['truncated'])
  assert.equal(cut.files.length, 1)
  const changed = Buffer.from(bytes)
  changed[bytes.indexOf('xxxx')] = 0
  assert.deepEqual(readTnef(changed)?.defects, ['checksum'])
  assert.equal(readTnef(Buffer.from('none')), undefined)
})

test('no bytes break it, and claims of millions cost nothing', () => {
  const whole = writeTnef({ subject: 'x', files: [{ name: 'a', content: Buffer.from('abc') }] })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 12 }),
      fc.nat(whole.length),
      (edits, end) => {
        const bytes = Buffer.from(whole)
        for (const [at, value] of edits) bytes[at] = value
        readTnef(bytes.subarray(0, end))
        decompressRtf(bytes.subarray(0, end))
      },
    ),
    { numRuns: 2_000 },
  )
  const start = Buffer.from('789f3e220100', 'hex')
  const begins = attribute(2, 0x00069002, Buffer.alloc(0))
  const many = readTnef(Buffer.concat([start, ...Array.from({ length: 100_000 }, () => begins)]))!
  assert.deepEqual([many.files.length, many.defects], [tnefFilesMax, ['limit']])
  const nulls = Buffer.from(`0100000001103700ffffffff${'00'.repeat(8)}`, 'hex')
  assert.ok(readTnef(Buffer.concat([start, attribute(1, 0x00069003, nulls)])))
})

test('a winmail.dat gives way to its files; one that cannot be read stays', async () => {
  const unique = (): string => 'unique000001'
  const content = writeTnef({ files: [{ name: 'Bücher.pdf', content: Buffer.from('%PDF') }] })
  const type = 'application/ms-tnef'
  const attachments = [
    { content, type, name: 'winmail.dat' },
    { content: Buffer.from('broken'), type, name: 'winmail.dat' },
  ]
  const message = composeMessage({ from: 'a@example.org', text: 'x', attachments }, { nowMs: 0, hostname: 'h', unique })
  const files = filesWithTnef(readMessage(await message.bytes()))
  assert.deepEqual(
    files.map((file) => [file.name, Buffer.from(file.content()).toString()]),
    [
      ['Bücher.pdf', '%PDF'],
      ['winmail.dat', 'broken'],
    ],
  )
})
