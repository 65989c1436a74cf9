import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseHeader } from './header.ts'
import { surrogateHeader } from './surrogate.ts'

const surrogate = (text: string): string | undefined => {
  const bytes = surrogateHeader(Buffer.from(text))
  return bytes && Buffer.from(bytes).toString('latin1')
}

test('a header in ASCII, and 8-bit text that is not UTF-8, stay as they are', () => {
  assert.equal(surrogate('Subject: hello\r\n\r\n'), undefined)
  assert.equal(surrogateHeader(Buffer.from('Subject: caf\xe9\r\n\r\n', 'latin1')), undefined)
})

test('an address that only UTF-8 can spell becomes an invalid one which tells what it was', () => {
  assert.equal(
    surrogate('From: Fred Foo <fred@exämple.com>\r\nTo: plain@example.org,\r\n müller@example.org\r\n\r\n'),
    'From: =?utf-8?q?Fred_Foo_=28fred=40ex=C3=A4mple=2Ecom=29?=\r\n <invalid@internationalized-address.invalid>\r\n' +
      'To: plain@example.org, =?utf-8?q?m=C3=BCller=40example=2Eorg?=\r\n <invalid@internationalized-address.invalid>\r\n\r\n',
  )
})

test('a name in UTF-8 is encoded, and its address stays usable', () => {
  assert.equal(surrogate('Cc: Jürgen <j@example.org>\r\n\r\n'), 'Cc: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\n\r\n')
})

test('a subject is encoded, a parameter and a field that cannot be said are left out', () => {
  assert.equal(
    surrogate(
      'Subject: Grüße aus Köln\r\nContent-Disposition: attachment; filename=ä.txt; size=7\r\nX-Mood: ☀\r\nDate: now\r\n\r\n',
    ),
    'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln?=\r\nContent-Disposition: attachment; size=7\r\nDate: now\r\n\r\n',
  )
})

test('whatever the header is, its surrogate is ASCII, has a blank line at its end and no field more', () => {
  const field = fc
    .tuple(
      fc.constantFrom('From', 'Subject', 'X-A', 'Content-Type', 'To'),
      fc.string({ unit: fc.constantFrom(...'aZ09 "<>@,;:=()äß日🙂'), maxLength: 60 }),
    )
    .map(([name, value]) => `${name}: ${value}\r\n`)
  fc.assert(
    fc.property(fc.array(field, { maxLength: 8 }), (fields) => {
      const text = `${fields.join('')}\r\n`
      const out = surrogate(text) ?? text
      assert.match(out, /^[\x09\x0d\x0a\x20-\x7e]*$/)
      assert.ok(out.endsWith('\r\n'))
      const before = parseHeader(Buffer.from(text)).fields.map(({ name }) => name)
      const after = parseHeader(Buffer.from(out)).fields.map(({ name }) => name)
      assert.ok(after.length <= before.length)
    }),
    { numRuns: 500 },
  )
})
