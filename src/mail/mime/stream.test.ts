import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { partBytes } from '../view/part-content.ts'
import { walkParts } from './part.ts'
import type { Part } from './part.ts'
import { parseStructure } from './structure.ts'
import { readStream, StreamReader } from './stream.ts'
import type { StreamEvent } from './stream.ts'

/** Checks that the events nest, and gathers the bodies. */
function gathered(events: Iterable<StreamEvent>): { root: Part; bodies: Map<Part, Buffer> } {
  const open: Part[] = []
  const bodies = new Map<Part, Buffer[]>()
  let root: Part | undefined
  for (const event of events) {
    const { part } = event
    if (event.kind === 'begin') {
      root ??= part
      const parent = open.at(-1)
      assert.ok(parent === undefined ? part === root : parent.message === part || parent.children.includes(part))
      if (part.header !== undefined) assert.deepEqual(event.header.fields, part.header.fields)
      open.push(part)
    } else if (event.kind === 'body') {
      assert.equal(open.at(-1), part)
      assert.ok(event.bytes.length > 0)
      const pieces = bodies.get(part) ?? []
      pieces.push(Buffer.from(event.bytes))
      bodies.set(part, pieces)
    } else assert.equal(open.pop(), part)
  }
  assert.deepEqual(open, [])
  return { root: root!, bodies: new Map([...bodies].map(([part, pieces]) => [part, Buffer.concat(pieces)])) }
}

function* eventsOf(bytes: Uint8Array, cuts: readonly number[]): Generator<StreamEvent> {
  const reader = new StreamReader()
  let start = 0
  for (const end of [...cuts, bytes.length]) {
    // A copy that is overwritten afterwards: nothing of it may be needed later.
    const chunk = Buffer.from(bytes.subarray(start, end))
    yield* reader.push(chunk)
    chunk.fill(0x2d)
    start = end
  }
  yield* reader.end()
}

const pieces = fc.constantFrom(
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n',
  'Content-Type: multipart/digest; boundary=bb\r\n\r\n',
  'Content-Type: message/rfc822\r\n\r\n',
  'Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n',
  'Content-Transfer-Encoding: base64\r\n\r\n',
  'Content-Transfer-Encoding: quoted-printable\r\n\r\n',
  'Subject: x\r\n',
  '--b\r\n',
  '--bb\r\n',
  '\r\n--b--\r\n',
  '--bb--\n',
  '\r\n',
  '\n',
  '\r',
  '-',
  'YWJj',
  'YQ==',
  '=41=\r\n',
  ' ',
)
const messages = fc
  .array(fc.oneof(pieces, pieces, fc.string({ maxLength: 8 })), { maxLength: 30 })
  .map((all) => all.join(''))

test('however a message is cut, its events give the tree and the bodies of the whole', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.nat(400), { maxLength: 12 }), (text, at) => {
      const bytes = Buffer.from(text, 'latin1')
      const cuts = at.filter((one) => one <= bytes.length).sort((one, two) => one - two)
      const { root, bodies } = gathered(eventsOf(bytes, cuts))
      assert.deepEqual(root, parseStructure(bytes))
      for (const part of walkParts(root)) {
        const isLeaf = part.kind !== 'multipart' && part.message === undefined
        const expected = isLeaf ? Buffer.from(partBytes(bytes, part)) : Buffer.alloc(0)
        assert.deepEqual(bodies.get(part) ?? Buffer.alloc(0), expected)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('byte by byte, a body comes as soon as it is certain', () => {
  const bytes = Buffer.from('Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n-two\r\n--b--\r\n')
  const seen: string[] = []
  for (const event of eventsOf(
    bytes,
    [...bytes.keys()].map((at) => at + 1),
  ))
    if (event.kind === 'body') seen.push(Buffer.from(event.bytes).toString())
  assert.equal(seen.join('|'), 'o|n|e|\r\n-two')
})

test('a source that fails is a fault; what came before was given out', async () => {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('Subject: x\r\n\r\nBody')
    throw new Error('gone')
  }
  const kinds: string[] = []
  await assert.rejects(async () => {
    for await (const { kind } of readStream(source())) kinds.push(kind)
  }, /gone/)
  assert.deepEqual(kinds, ['begin', 'body'])
})

test('two hundred megabytes pass through in less than 32', async () => {
  const size = 200 * 1024 * 1024
  const line = Buffer.from(`${'QUJD'.repeat(19)}\r\n`)
  const chunk = Buffer.concat(Array.from({ length: Math.floor(65_536 / line.length) }, () => line))
  let sent = 0
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n',
    )
    for (; sent < size; sent += chunk.length) yield chunk
    yield Buffer.from('\r\n--b--\r\n')
  }
  // The first run lets the engine take what it takes once.
  const run = async (): Promise<{ bytes: number; grown: number }> => {
    const before = process.memoryUsage().rss
    let [bytes, most, events, last] = [0, before, 0, undefined as Part | undefined]
    sent = 0
    for await (const event of readStream(source())) {
      if (event.kind === 'body') bytes += event.bytes.length
      last = event.part
      if ((events += 1) % 200 === 0) most = Math.max(most, process.memoryUsage().rss)
    }
    assert.equal(last!.children[0]!.bodyEnd - last!.children[0]!.bodyStart, sent)
    return { bytes, grown: most - before }
  }
  await run()
  const { bytes, grown } = await run()
  assert.equal(bytes, Math.floor(sent / 78) * 57)
  assert.ok(grown < 32 * 1024 * 1024, `${grown} bytes more`)
})
