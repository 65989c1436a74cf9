import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeFlowed, encodeFlowed, parseFlowed } from './flowed.ts'

test("RFC 3676 §4.2's quotes: depth counts, another depth ends the paragraph, stuffing goes", () => {
  const text =
    '>> How does it work when you quote text? \r\n>> It works.\r\n> I see.\r\n  two spaces\r\n From here\r\n-- \r\nme \r\nand you\r\n'
  assert.deepEqual(parseFlowed(text), [
    { depth: 2, text: 'How does it work when you quote text? It works.' },
    { depth: 1, text: 'I see.' },
    { depth: 0, text: ' two spaces' },
    { depth: 0, text: 'From here' },
    { depth: 0, text: '-- ' },
    { depth: 0, text: 'me and you' },
  ])
  assert.equal(decodeFlowed('> a \r\n> b\r\nc', true), '> ab\nc')
})

test('a paragraph is wrapped, and read back whole', () => {
  const paragraph = 'word '.repeat(60).trim()
  const lines = encodeFlowed(paragraph).split('\r\n')
  assert.ok(lines.length > 3 && lines.every((line) => line.length <= 78))
  assert.equal(decodeFlowed(lines.join('\r\n')), paragraph)
})

test('whatever is written is read back, but for spaces at the ends of lines', () => {
  const line = fc
    .string({ unit: fc.constantFrom(...'aaaa bF>r-'), maxLength: 200 })
    .filter((text) => !text.startsWith('>'))
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (given) => {
      const plain = given.map((one) => (one === '-- ' ? one : one.replace(/ +$/, '')))
      assert.equal(decodeFlowed(`${encodeFlowed(given.join('\n'))}\r\n`), plain.join('\n'))
    }),
    { numRuns: 2000 },
  )
})
