import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldsMax, Header, headerEnd, parseHeader } from './header.ts'

test('fields are ranges over the message, found by lower-case name', () => {
  const text = 'Subject: one\r\n two\r\nX-A :b\nsubject: second\r\n\r\nBody: no\r\n'
  const header = parseHeader(Buffer.from(`>>${text}`), 2)
  assert.deepEqual(
    header.fields.map((field) => field.name),
    ['subject', 'x-a', 'subject'],
  )
  const [first] = header.fields
  assert.equal(`>>${text}`.slice(first!.start, first!.end), 'Subject: one\r\n two\r\n')
  assert.equal(header.raw(first!), 'Subject: one\r\n two\r\n')
  assert.equal(header.valueOf('subject'), 'one two')
  assert.equal(header.all('subject').length, 2)
  assert.equal(header.valueOf('body'), undefined)
})

test('lines that are no fields are passed over', () => {
  const header = new Header('From jo Mon Jan  1 00:00:00 2001\n folded\nno colon\n: empty\nA: b\nUmläut: no\n\n')
  assert.deepEqual(
    header.fields.map((field) => field.name),
    ['a'],
  )
  assert.equal(header.oddLines, true)
})

test('the header ends with its blank line, or where the bytes end', () => {
  assert.equal(headerEnd(Buffer.from('A: b\r\n\r\nc'), 0, 9), 8)
  assert.equal(headerEnd(Buffer.from('A: b\n\nc'), 0, 7), 6)
  assert.equal(headerEnd(Buffer.from('\r\nc'), 0, 3), 2)
  assert.equal(headerEnd(Buffer.from('A: b\r\n'), 0, 6), 6)
})

test('more fields than the limit are not kept', () => {
  const header = new Header('a: b\n'.repeat(fieldsMax + 1))
  assert.equal(header.fields.length, fieldsMax)
  assert.equal(header.truncated, true)
})
