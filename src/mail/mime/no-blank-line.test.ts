import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { headerFacts } from '../message-facts.ts'
import { readMessage } from '../view/read-message.ts'
import { walkParts, type Part } from './part.ts'
import { StreamReader } from './stream.ts'
import { parseStructure, StructureParser, structureLimits } from './structure.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const mixed = (...parts: string[]): string =>
  `Content-Type: multipart/mixed; boundary=x\r\n\r\n${parts.map((part) => `--x\r\n${part}\r\n`).join('')}--x--\r\n`
const bodies = (text: string): string[] =>
  parseStructure(bytes(text)).children.map((part) => text.slice(part.bodyStart, part.bodyEnd))

test('a part whose header runs into its content keeps it, and its fields', () => {
  const text = mixed(
    'Content-Type: text/plain\r\n\r\nSee the file',
    'Content-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\nUEsD\r\nBBQA',
  )
  const message = readMessage(bytes(text))
  assert.deepEqual(
    message.files.map(({ name, content }) => [name, Buffer.from(content()).toString('latin1')]),
    [['a.zip', 'PK\x03\x04\x14\0']],
  )
  assert.deepEqual(message.root.children[1]!.defects, ['headerLine', 'headerUnfinished'].reverse())
})

test('a part without a header is its text, also with blank lines in it', () => {
  assert.deepEqual(bodies(mixed('Hello there', 'One paragraph\r\n\r\nand another', '  indented\r\nlines')), [
    'Hello there',
    'One paragraph\r\n\r\nand another',
    '  indented\r\nlines',
  ])
  assert.equal(readMessage(bytes('Dear all\r\nsee you\r\n')).plainText, 'Dear all\r\nsee you\r\n')
})

test('what is a header stays one: fields to the end, the first line of an mbox, a line that is no field before a blank line', () => {
  assert.deepEqual(bodies(mixed('Content-Type: text/plain', '', 'X-A: b\r\nodd\r\nX-C: d\r\n\r\nbody')), [
    '',
    '',
    'body',
  ])
  assert.equal(readMessage(bytes('From a@b Mon Mar  2 10:00:00 2026\r\nSubject: x\r\n')).plainText, '')
  assert.equal(readMessage(bytes('Subject: x')).plainText, '')
  // Of a message: programs differ in where its header ends, and what is judged is all that any shows.
  const root = parseStructure(bytes('From: a@a.test\r\nodd\r\nFrom: b@b.test\r\n'))
  assert.deepEqual(
    headerFacts(root)
      .authors.mailboxes.map(({ domain }) => domain)
      .sort(),
    ['a.test', 'b.test'],
  )
})

test('a multipart and a message that begin without a blank line have their parts', () => {
  const inner = 'Content-Type: multipart/alternative; boundary=y\r\n--y\r\none\r\n--y\r\nno header\r\n--y--'
  const text = mixed(inner, 'Content-Type: message/rfc822\r\n>>>\r\nSubject: s\r\n\r\nt')
  const root = parseStructure(bytes(text))
  assert.deepEqual(
    root.children[0]!.children.map((part) => text.slice(part.bodyStart, part.bodyEnd)),
    ['one', 'no header'],
  )
  assert.equal(root.children[1]!.kind, 'message')
  const plain = mixed('Content-Type: message/rfc822\r\n>>>\r\nSubject: s')
  assert.equal(parseStructure(bytes(plain)).children[0]!.message!.header!.valueOf('subject'), 's')
})

test('a member of a digest without a header is a message that is text, cut or whole', () => {
  const text = 'Content-Type: multipart/digest; boundary=x\n\n--x\nHello\nthere\n--x\n\nSubject: s\n\nt\n--x--\n'
  const root = parseStructure(bytes(text))
  assert.equal(root.children.length, 2)
  const { message } = root.children[0]!
  assert.equal(text.slice(message!.bodyStart, message!.bodyEnd), 'Hello\nthere')
  const parser = new StructureParser()
  for (const byte of bytes(text)) parser.push(Uint8Array.of(byte))
  assert.deepEqual(parser.end(), root)
})

test('lines are counted once', () => {
  const root = parseStructure(
    bytes(`Content-Type: message/rfc822\r\n\r\n${mixed('no header\r\nat all', 'x: y\r\nz\r\nz')}`),
  )
  const [outer] = [...walkParts(root)]
  assert.equal(outer!.lines, 10)
  assert.deepEqual(
    outer!.message!.children.map(({ lines }) => lines),
    [1, 1],
  )
})

test('beyond the limit of a header its content is body too, wherever the bytes are cut', () => {
  const limits = { ...structureLimits, headerBytesMax: 100 }
  const text = mixed(`Content-Type: image/png\r\n${'QUJD\r\n'.repeat(50)}\r\nmore`)
  const root = parseStructure(bytes(text), limits)
  assert.equal(text.slice(root.children[0]!.bodyStart, root.children[0]!.bodyEnd).length, 6 * 50 + 6)
  for (const size of [1, 7, 64]) {
    const reader = new StreamReader(limits)
    let content = ''
    for (let at = 0; at < text.length; at += size)
      for (const event of reader.push(bytes(text.slice(at, at + size))))
        if (event.kind === 'body') content += Buffer.from(event.bytes).toString('latin1')
    for (const event of reader.end()) if (event.kind === 'body') content += Buffer.from(event.bytes).toString('latin1')
    assert.equal(content, `${'QUJD\r\n'.repeat(50)}\r\nmore`, `in pieces of ${size}`)
  }
})

const piece = fc.constantFrom(
  ...['--x\r\n', '--y\r\n', '--x--\r\n', 'text\r\n', 'a: b\n', ' fold\n', '\r\n', '--', 'X', '\r', '\n', '>From a\n'],
  ...[
    'Content-Type: multipart/mixed; boundary=y\r\n',
    'Content-Type: message/rfc822\r\n',
    'Content-Type: image/a\n',
    'Content-Type: multipart/digest; boundary=y\r\n\r\n--y\r\n',
  ],
  ...['From a b\n', 'From: c\r\n'],
)

test('cuts change neither the tree nor the stream, whatever is missing', () => {
  const limits = { ...structureLimits, headerBytesMax: 60, headersBytesMax: 200 }
  const seen = (part: Part, message: Buffer): string[] =>
    [...walkParts(part)]
      .filter((one) => one.children.length === 0 && one.kind !== 'multipart' && one.message === undefined)
      .map((one) => message.toString('latin1', one.bodyStart, one.bodyEnd))
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (pieces, cuts) => {
        const message = bytes(`Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n${pieces.join('')}`)
        const parser = new StructureParser(limits)
        const reader = new StreamReader(limits)
        const texts = new Map<Part, string>()
        const take = (events: ReturnType<StreamReader['end']>): void => {
          for (const event of events) {
            if (event.kind !== 'body') continue
            texts.set(event.part, (texts.get(event.part) ?? '') + Buffer.from(event.bytes).toString('latin1'))
          }
        }
        for (let at = 0, turn = 0; at < message.length; turn += 1) {
          const end = at + cuts[turn % cuts.length]!
          const chunk = Buffer.from(message.subarray(at, end))
          parser.push(chunk)
          take(reader.push(chunk))
          chunk.fill(0x2d)
          at = end
        }
        const whole = parseStructure(message, limits)
        assert.deepEqual(parser.end(), whole)
        take(reader.end())
        const raw = seen(whole, message).filter((text) => text.trim() !== '')
        const streamed = [...texts.values()].filter((text) => text.trim() !== '')
        for (const text of raw) assert.ok(streamed.includes(text), text)
      },
    ),
    { numRuns: 3_000 },
  )
})
