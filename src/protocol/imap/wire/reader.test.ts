import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FrameReader } from './reader.ts'

/** Reads everything, accepting literals up to 100 bytes; cut at the given places. */
function read(bytes: Buffer, cuts: readonly number[], textMax = 1000): string[] {
  const reader = new FrameReader(textMax)
  const found: string[] = []
  const drain = (): void => {
    for (let frame = reader.next(); frame; frame = reader.next()) {
      if (frame.kind === 'command') found.push(frame.bytes.toString('latin1'))
      else if (frame.kind === 'swallowed') found.push('swallowed')
      else if (frame.kind === 'tooLong') found.push('too long')
      else if (frame.sizeBytes <= 100) reader.accept()
      else found.push(reader.refuse() ? 'refused' : 'refused, swallowing')
    }
  }
  let from = 0
  for (const cut of [...cuts, bytes.length].sort((a, b) => a - b)) {
    const to = Math.max(from, Math.min(cut, bytes.length))
    reader.push(Buffer.from(bytes.subarray(from, to)))
    from = to
    drain()
  }
  if (reader.heldBytes === 0) found.push('nothing held')
  return found
}

test('literals are part of their command, and their bytes are not looked at', () => {
  const text = 'a LOGIN {5}\r\nx\r\ny\r {3+}\r\n{1}\r\nb NOOP\r\n'
  assert.deepEqual(read(Buffer.from(text), []), ['a LOGIN {5}\r\nx\r\ny\r {3+}\r\n{1}', 'b NOOP', 'nothing held'])
})

test('a refused synchronizing literal ends its command, a non-synchronizing one is swallowed with what follows', () => {
  const text = `a X {200}\r\nb NOOP\r\nc X {200+}\r\n${'z'.repeat(200)} {2+}\r\n\r\n tail\r\nd NOOP\r\n`
  assert.deepEqual(read(Buffer.from(text), []), [
    'refused',
    'b NOOP',
    'refused, swallowing',
    'swallowed',
    'd NOOP',
    'nothing held',
  ])
})

test('a line that is too long is swallowed to its end, a literal at its end included', () => {
  const long = 'a '.repeat(600)
  assert.deepEqual(read(Buffer.from(`${long}\r\nb NOOP\r\n`), []), ['too long', 'swallowed', 'b NOOP', 'nothing held'])
  const text = `${long} {12+}\r\nx\r\nc LOGOUT\r tail\r\nb NOOP\r\n`
  assert.deepEqual(read(Buffer.from(text), []), ['too long', 'swallowed', 'b NOOP', 'nothing held'])
})

test('chunk borders change nothing', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'a NOOP\r\n',
      'b X {5}\r\n12345\r\n',
      'c X {5+}\r\n\r\n\r\n\n y\r\n',
      'd {300+}\r\n',
      '\r\n',
      '{',
      '}',
      '\n',
    ),
    fc.constantFrom(
      `e ${'y'.repeat(90)} `,
      `f {300+}\r\n${'q'.repeat(300)} z\r\n`,
      'g {9-}\r\n012345678\r\n',
      'h {400}\r\n',
    ),
    fc.string({ maxLength: 20 }),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.array(fc.nat(3000), { maxLength: 40 }), (pieces, cuts) => {
      const bytes = Buffer.from(pieces.join(''), 'latin1')
      const whole = read(bytes, [], 200)
      // Frames that end in the same bytes are the same; a line over the limit is known at once or at its end.
      assert.deepEqual(read(bytes, cuts, 200), whole)
      assert.deepEqual(read(bytes, [...bytes.keys()], 200), whole)
    }),
    { numRuns: 300 },
  )
})

test('a streamed literal is handed out once, and the empty line behind it is the command\u2019s', () => {
  const reader = new FrameReader(100)
  reader.push(Buffer.from('a APPEND x {6}\r\n'))
  const frame = reader.next()!
  assert.equal(frame.kind, 'literal')
  reader.stream()
  let taken = ''
  for (const byte of Buffer.from('ab\r\ncd\r\nb NOOP\r\n')) {
    reader.push(Buffer.from([byte]))
    for (let bytes = reader.take(); bytes; bytes = reader.take()) taken += Buffer.from(bytes).toString()
  }
  assert.equal(taken, 'ab\r\ncd')
  assert.equal(reader.streamingBytes, 0)
  const rest = [reader.next(), reader.next()].map((one) => one?.kind === 'command' && one.bytes.toString())
  assert.deepEqual(rest, ['', 'b NOOP'])
  assert.equal(reader.heldBytes, 0)
})

test('a literal that is refused in the middle of its stream is swallowed, and the next one is judged anew', () => {
  const reader = new FrameReader(100)
  reader.push(Buffer.from('a APPEND x {6+}\r\nabc'))
  assert.equal(reader.next()!.kind, 'literal')
  reader.stream()
  assert.equal(Buffer.from(reader.take()!).toString(), 'abc')
  assert.equal(reader.refuse(), false)
  assert.equal(reader.streamingBytes, 0)
  reader.push(Buffer.from('def\r\nb APPEND x {9}\r\nc NOOP\r\n'))
  assert.equal(reader.next()!.kind, 'swallowed')
  assert.equal(reader.next()!.kind, 'literal')
  // A synchronizing one: its client waits for our word, and the command is over.
  assert.equal(reader.refuse(), true)
  const last = reader.next()!
  assert.equal(last.kind === 'command' && last.bytes.toString(), 'c NOOP')
  assert.equal(reader.heldBytes, 0)
})

test('a literal that was handed out stays what it was, whatever comes behind it', () => {
  const reader = new FrameReader(1000)
  const literal = (letter: string): Buffer => Buffer.from(`* 1 FETCH (BODY[] {300}\r\n${letter.repeat(300)})\r\n`)
  const stream = Buffer.concat(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(literal))
  const held: { bytes: Uint8Array; before: string }[] = []
  for (let at = 0; at < stream.length; at += 70) {
    reader.push(Buffer.from(stream.subarray(at, at + 70)))
    for (let frame = reader.next(); frame; frame = reader.next()) {
      if ('bytes' in frame) held.push({ bytes: frame.bytes, before: Buffer.from(frame.bytes).toString() })
      else if (frame.kind === 'literal') reader.accept()
    }
  }
  assert.ok(held.length > 4)
  for (const { bytes, before } of held) assert.equal(Buffer.from(bytes).toString(), before)
})
