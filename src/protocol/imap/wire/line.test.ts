import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ImapRefusal } from '../backend.ts'
import { encodeMailbox, encodeString } from './encode.ts'
import { SyntaxFault } from './fault.ts'
import { Line } from './line.ts'

const line = (text: string): Line => new Line(Buffer.from(text, 'latin1'))

test('strings come back from their encoding', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), (text) => {
      const bytes = Buffer.from(text).toString('latin1')
      const it = line(encodeString(bytes))
      assert.equal(Buffer.from(it.stringBytes()).toString('latin1'), bytes)
      assert.ok(it.atEnd())
    }),
  )
})

test('a quoted string holds no CR, LF or NUL, and no other escapes than its own two (RFC 3501 §9 QUOTED-CHAR)', () => {
  assert.equal(Buffer.from(line('"a\\"\\\\ \u0001"').stringBytes()).toString(), 'a"\\ \u0001')
  for (const text of ['"a\rb"', '"a\nb"', '"a\0b"', '"\\a"', '"a', '"a\\"'])
    assert.throws(() => line(text).stringBytes(), SyntaxFault, JSON.stringify(text))
})

test('mailbox names come back from the wire', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }), (text) => {
      const name = text.normalize('NFC').replaceAll('/', '')
      fc.pre(name !== '' && !/[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffd]/.test(name) && !/^inbox$/i.test(name))
      assert.equal(line(encodeMailbox(name)).mailbox(), name)
    }),
  )
})

test('INBOX is one name in any case, also as a first level', () => {
  assert.equal(line('inBox').mailbox(), 'INBOX')
  assert.equal(line('"inbox/Work"').mailbox(), 'INBOX/Work')
  assert.equal(line('inboxes').mailbox(), 'inboxes')
})

test('names that are not modified UTF-7, or hide something, are declined', () => {
  for (const name of ['a&b', '&AGE-', '&2D0-', '&U,BTF', '"a\x80"', 'a//b', '/a', '"a\tb"'])
    assert.throws(() => line(name).mailbox(), ImapRefusal, name)
  assert.equal(line('&U,BTFw-').mailbox(), '\u53f0\u5317')
})

test('numbers have 32 bits', () => {
  assert.equal(line('4294967295').number(), 4294967295)
  assert.throws(() => line('4294967296').number(), SyntaxFault)
  assert.throws(() => line('0').nzNumber(), SyntaxFault)
  assert.throws(() => line('x').number(), SyntaxFault)
})

test('flags are spelled one way, and \\Recent cannot be set', () => {
  assert.deepEqual(line('(\\seen \\DRAFT $Work)').flagList(), ['\\Seen', '\\Draft', '$Work'])
  assert.deepEqual(line('()').flagList(), [])
  for (const flags of ['(\\Recent)', '(\\Bogus)', '(a b', '( a)', '(a)b('])
    assert.throws(() => {
      const it = line(flags)
      it.flagList()
      it.finish()
    }, SyntaxFault)
})

test('no bytes make a grammar method throw anything but faults and refusals', () => {
  const methods = ['tag', 'atom', 'stringBytes', 'nstring', 'astring', 'number64', 'sequenceSet', 'mailbox'] as const
  const all = [...methods, 'mailboxToCreate', 'listMailbox', 'flagList'] as const
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(...all), (bytes, method) => {
      try {
        new Line(bytes)[method]()
      } catch (error) {
        assert.ok(error instanceof SyntaxFault || error instanceof ImapRefusal, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})
