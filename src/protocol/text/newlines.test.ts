import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NewlineMender, NewlineWatch } from './newlines.ts'

function mend(chunks: readonly string[]): string {
  const mender = new NewlineMender()
  const parts = chunks.map((chunk) => Buffer.from(mender.push(Buffer.from(chunk, 'latin1'))))
  return Buffer.concat([...parts, mender.end()]).toString('latin1')
}

test('every line end becomes CRLF', () => {
  assert.equal(mend(['a\nb\r\nc\rd\r\r\ne']), 'a\r\nb\r\nc\r\nd\r\ne')
  assert.equal(mend(['\n\n\r\r']), '\r\n\r\n\r\n\r\n')
  assert.equal(mend(['a\r\n\r\nb']), 'a\r\n\r\nb')
})

test('a dot doubled behind a bare LF is undone, a single one stays', () => {
  assert.equal(mend(['a\n..b\n.\nc\r\n..d']), 'a\r\n.b\r\n.\r\nc\r\n..d')
})

test('cuts change nothing, and the result is canonical', () => {
  const text = fc.array(fc.constantFrom('\r', '\n', '.', 'a', '\r\n'), { maxLength: 30 })
  fc.assert(
    fc.property(text, fc.nat(30), (pieces, cut) => {
      const whole = pieces.join('')
      const mended = mend([whole])
      assert.equal(mend([whole.slice(0, cut), whole.slice(cut)]), mended)
      assert.equal(mend([...whole]), mended)
      assert.doesNotMatch(mended, /\r(?!\n)|(?<!\r)\n/)
      if (!/\r(?!\n)|(?<!\r)\n/.test(whole)) assert.equal(mended, whole)
    }),
    { numRuns: 3000 },
  )
})

test('a bare CR or LF is noted, wherever it is cut', () => {
  const text = fc.array(fc.constantFrom('a', '\r', '\n', '\r\n'), { maxLength: 12 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 5 }), (given, size) => {
      const watch = new NewlineWatch()
      for (let at = 0; at < given.length; at += size) watch.push(Buffer.from(given.slice(at, at + size)))
      watch.end()
      assert.equal(watch.bare, /\r(?!\n)|(?<!\r)\n/.test(given))
    }),
  )
})
