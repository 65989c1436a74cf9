import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatField } from '../header-format.ts'
import { parseHeader } from '../header.ts'
import { encodePhrase, encodeText } from './encode-word.ts'
import { decodeEncodedWords } from './encoded-word.ts'

test('ASCII text stays as it is, and only words that need it are encoded', () => {
  assert.equal(encodeText('Hello, world! (really)'), 'Hello, world! (really)')
  assert.equal(encodeText('Re: café at noon'), 'Re: =?utf-8?q?caf=C3=A9?= at noon')
  assert.equal(encodeText('日本語'), '=?utf-8?b?5pel5pys6Kqe?=')
  assert.equal(encodeText('a =?utf-8?q?b?= c'), 'a =?utf-8?q?=3D=3Futf-8=3Fq=3Fb=3F=3D?= c')
})

test('a phrase is atoms, a quoted string, or encoded words', () => {
  assert.equal(encodePhrase('Anne Smith'), 'Anne Smith')
  assert.equal(encodePhrase('Smith, "A." \\'), '"Smith, \\"A.\\" \\\\"')
  assert.equal(encodePhrase('Müller'), '=?utf-8?q?M=C3=BCller?=')
})

const text = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.string({ unit: fc.constantFrom(...'aZ09 ,.=?_"ÄÖÜäöüß日本語🙂'), maxLength: 300 }),
)

test('whatever is encoded is read back, in lines of at most 76 characters and words of at most 75', () => {
  fc.assert(
    fc.property(text, (given) => {
      const wellFormed = Buffer.from(given)
        .toString()
        .replace(/[\r\n\0]/g, '-')
      const field = formatField('Subject', encodeText(wellFormed, 'Subject: '.length))
      for (const line of field.split('\r\n')) {
        if (line.includes('=?utf-8?')) assert.ok(line.length <= 78, line)
      }
      for (const [word] of field.matchAll(/=\?utf-8\?[bq]\?[^?]*\?=/g)) assert.ok(word.length <= 75)
      const header = parseHeader(Buffer.from(`${field}\r\n`))
      // Readers trim a field's ends when nothing there was encoded.
      assert.equal(decodeEncodedWords(header.valueOf('subject')!), wellFormed)
      assert.match(field, /^[\x20-\x7e\t\r\n]*$/)
    }),
    { numRuns: 1000 },
  )
})
