import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Part } from './part.ts'
import { walkParts } from './part.ts'
import { parseStructure, StructureParser, structureLimits } from './structure.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const body = (text: string, part: Part): string => text.slice(part.bodyStart, part.bodyEnd)

function parse(text: string): Part {
  return parseStructure(bytes(text))
}

test('the line end before a delimiter belongs to the delimiter', () => {
  const text =
    'Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n\r\none\r\n\r\n--b \t\r\nA: b\r\n\r\n\r\n--b--\r\nafter\r\n'
  const root = parse(text)
  assert.deepEqual(
    root.children.map((part) => body(text, part)),
    ['one\r\n', ''],
  )
  assert.deepEqual(
    root.children.map((part) => part.lines),
    [1, 0],
  )
  assert.deepEqual(root.defects, [])
})

test('messages with bare line feeds have the same parts', () => {
  const text = 'Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n\n--b\n\ntwo\n--b--\n'
  assert.deepEqual(
    parse(text).children.map((part) => body(text, part)),
    ['one\n', 'two'],
  )
})

test('a nested boundary that prolongs the outer one is told from it', () => {
  const text =
    'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=b1\r\n\r\n' +
    '--b1\r\n\r\nx\r\n--b1--\r\n--b\r\n\r\ny\r\n--b--\r\n'
  const root = parse(text)
  assert.equal(root.children.length, 2)
  assert.equal(body(text, root.children[0]!.children[0]!), 'x')
  assert.equal(body(text, root.children[1]!), 'y')
})

test('an outer delimiter ends inner multiparts that are not closed', () => {
  const text =
    'Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n' +
    '--i\r\n\r\nx\r\n--o\r\n\r\ny\r\n'
  const root = parse(text)
  assert.equal(body(text, root.children[0]!.children[0]!), 'x')
  assert.deepEqual(root.children[0]!.defects, ['endMissing'])
  assert.deepEqual(root.defects, ['endMissing'])
  assert.equal(body(text, root.children[1]!), 'y\r\n')
})

test('a delimiter at the very end, without a line end, begins a part that is empty; one that closes begins none', () => {
  const head = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n'
  const open = parse(`${head}--b`)
  assert.deepEqual(
    open.children.map((part) => [part.bodyStart, part.bodyEnd, part.defects]),
    [
      [head.length - 3, head.length - 2, []],
      [head.length + 3, head.length + 3, ['headerUnfinished']],
    ],
  )
  assert.deepEqual(open.defects, ['endMissing'])
  const closed = parse(`${head}--b--`)
  assert.equal(closed.children.length, 1)
  assert.deepEqual(closed.defects, [])
})

test('a message in a message has its own header and counts its lines', () => {
  const text =
    'Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: inner\r\n\r\none\r\ntwo\r\n--d--\r\n'
  const part = parse(text).children[0]!
  assert.equal(part.kind, 'message')
  assert.equal(part.message?.header?.valueOf('subject'), 'inner')
  assert.equal(part.lines, 3)
  assert.equal(part.message?.lines, 1)
  assert.equal(body(text, part.message!), 'one\r\ntwo')
})

test('limits are defects, and the rest of the message stays inside the tree', () => {
  const limits = { ...structureLimits, partsMax: 3, depthMax: 3, headerBytesMax: 100 }
  const many = `Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(10)}--b--\nend\n`
  const root = parseStructure(bytes(many), limits)
  assert.equal(root.children.length, 2)
  assert.ok(root.defects.includes('partsLimit'))
  assert.equal(root.children[1]!.bodyEnd, many.indexOf('\n--b--'))
  const deep = 'Content-Type: message/rfc822\n\n'.repeat(10)
  const depths = [...walkParts(parseStructure(bytes(deep), limits))]
  assert.equal(depths.length, 3)
  assert.deepEqual(depths[2]!.defects, ['partsLimit'])
  assert.ok(
    parseStructure(bytes(`A: ${'x'.repeat(200)}\nContent-Type: text/html\n\n`), limits).defects.includes('headerLimit'),
  )
})

test('100,000 parts, 100,000 levels and a 10 MB header do not hold it (the time limit of the runner would tell)', () => {
  const hostile = [
    `Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\n'.repeat(100_000)}`,
    Array.from({ length: 100_000 }, (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}\n`).join(''),
    'Content-Type: message/rfc822\n\n'.repeat(100_000),
    `${'A: b\n'.repeat(2_000_000)}\nbody`,
    `Content-Type: text/plain;${' a=b;'.repeat(200_000)}\n\n`,
    `Content-Type: multipart/mixed; boundary=${'-'.repeat(900)}\n\n${`${'-'.repeat(901)}\n`.repeat(10_000)}`,
  ]
  for (const text of hostile) {
    parse(text)
  }
})

const piece = fc.oneof(
  fc.constantFrom(
    '\r\n',
    '\n',
    '\r',
    '--',
    '-',
    'b',
    'bb',
    '--b',
    '--bb',
    '--b--',
    '\r\n--b\r\n',
    '\n--bb--\n',
    '\r\n\r\n',
    ' ',
    'text',
  ),
  fc.constantFrom(
    'Content-Type: multipart/mixed; boundary=b\r\n\r\n',
    'Content-Type: multipart/digest; boundary=bb\n\n',
    'Content-Type: message/rfc822\r\n\r\n',
    'Content-Type: application/x\n\n',
    'Content-Transfer-Encoding: base64\n',
    'Subject: x\r\n',
  ),
)

test('chunk borders change nothing', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 40 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (pieces, cuts) => {
        const message = bytes(`Content-Type: multipart/mixed; boundary=b\r\n\r\n${pieces.join('')}`)
        const parser = new StructureParser()
        for (let at = 0, turn = 0; at < message.length; turn += 1) {
          const end = at + cuts[turn % cuts.length]!
          // A copy that is wiped: the parser must not keep views.
          const chunk = Buffer.from(message.subarray(at, end))
          parser.push(chunk)
          chunk.fill(0x2d)
          at = end
        }
        assert.deepEqual(parser.end(), parseStructure(message))
      },
    ),
    { numRuns: 3_000 },
  )
})
