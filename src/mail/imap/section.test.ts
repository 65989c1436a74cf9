import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStructure } from '../mime/structure.ts'
import { sectionRange, selectFields } from './section.ts'
import type { SectionText } from './section.ts'

/** The shape of the example in RFC 9051 §6.4.5.1, as far as part 4.2. */
const message = [
  'Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n',
  '--o\r\n\r\none\r\n',
  '--o\r\nContent-Type: message/rfc822\r\nX: mime\r\n\r\nSubject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n',
  '--i\r\nA: b\r\n\r\ninner one\r\n--i--\r\n\r\n',
  '--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: leaf\r\n\r\nleaf text\r\n',
  '--o--\r\n',
].join('')
const root = parseStructure(Buffer.from(message))

function section(part: number[], text?: SectionText): string | undefined {
  const range = sectionRange(root, { part, text })
  return range === undefined ? undefined : message.slice(...range)
}

test('part numbers go through multiparts and messages', () => {
  assert.equal(section([]), message)
  assert.equal(section([1]), 'one')
  assert.equal(section([2, 1]), 'inner one')
  assert.equal(section([2, 1], { kind: 'mime' }), 'A: b\r\n\r\n')
  assert.equal(section([2], { kind: 'mime' }), 'Content-Type: message/rfc822\r\nX: mime\r\n\r\n')
  assert.equal(section([2], { kind: 'header' })?.slice(0, 16), 'Subject: inner\r\n')
  assert.equal(section([2], { kind: 'text' })?.slice(0, 5), '--i\r\n')
  assert.equal(section([3]), 'Subject: leaf\r\n\r\nleaf text')
  assert.equal(section([3, 1]), 'leaf text')
  assert.equal(section([3], { kind: 'text' }), 'leaf text')
  assert.equal(section([], { kind: 'header' }), 'Subject: outer\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n')
})

test('parts and texts that are not there are undefined', () => {
  for (const part of [[4], [1, 1], [3, 1, 1], [3, 2], [2, 2], [0]])
    assert.equal(section(part), undefined, part.join('.'))
  assert.equal(section([1], { kind: 'header' }), undefined)
  assert.equal(section([], { kind: 'mime' }), undefined)
})

test('part 1 of a message without parts is its body', () => {
  const text = 'Subject: x\r\n\r\nbody'
  const simple = parseStructure(Buffer.from(text))
  assert.deepEqual(sectionRange(simple, { part: [1] }), [14, 18])
  assert.equal(sectionRange(simple, { part: [1, 1] }), undefined)
  assert.equal(sectionRange(simple, { part: [1], text: { kind: 'header' } }), undefined)
})

test('header fields are selected with their folds, and the blank line stays', () => {
  const header = Buffer.from('From: a\r\nTO: b,\r\n c\r\nodd line\r\nSubject: d\r\n\r\n')
  const select = (names: string[], not: boolean): string =>
    selectFields(header, names, not, 100)
      .map(([start, end]) => header.toString('latin1', start - 100, end - 100))
      .join('')
  assert.equal(select(['to', 'X'], false), 'TO: b,\r\n c\r\n\r\n')
  assert.equal(select(['To'], true), 'From: a\r\nodd line\r\nSubject: d\r\n\r\n')
  assert.equal(select([], false), '\r\n')
  assert.deepEqual(selectFields(Buffer.from('A: b\r\n'), ['b'], false), [])
  assert.deepEqual(selectFields(Buffer.from('\r\n'), ['b'], false), [[0, 2]])
})
