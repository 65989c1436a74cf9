import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressesMax } from '../address-list.ts'
import { Header } from '../header.ts'
import { parseStructure } from '../mime/structure.ts'
import { formatBodyBasic, formatBodyStructure } from './body-structure.ts'
import { formatEnvelope } from './envelope.ts'
import { formatString } from './string.ts'

test('the envelope of RFC 3501 §8 is spelled as there', () => {
  const header = new Header(
    [
      'Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)',
      'From: Terry Gray <gray@cac.washington.edu>',
      'Subject: IMAP4rev1 WG mtg summary and minutes',
      'To: imap@cac.washington.edu',
      'cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>',
      'Message-Id: <B27397-0100000@cac.washington.edu>',
    ].join('\r\n'),
  )
  const gray = '(("Terry Gray" NIL "gray" "cac.washington.edu"))'
  assert.equal(
    formatEnvelope(header),
    `("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" ${gray} ${gray} ${gray} ` +
      '((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) ' +
      'NIL NIL "<B27397-0100000@cac.washington.edu>")',
  )
})

test('groups, empty fields and repeated fields', () => {
  assert.equal(
    formatEnvelope(new Header('From: a@b\nFrom: c@d\nTo: G: e@f;, x:;\nCc:\nSubject:\nSender: \n')),
    '(NIL "" ((NIL NIL "a" "b")(NIL NIL "c" "d")) ((NIL NIL "a" "b")(NIL NIL "c" "d")) ((NIL NIL "a" "b")(NIL NIL "c" "d")) ' +
      '((NIL NIL "G" NIL)(NIL NIL "e" "f")(NIL NIL NIL NIL)(NIL NIL "x" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)',
  )
})

test('the envelope of a field of a million addresses names so many as are kept', () => {
  const envelope = formatEnvelope(new Header(`To: ${'a@b,'.repeat(1_000_000)}`))
  assert.equal(envelope.split('(NIL NIL "a" "b")').length - 1, addressesMax)
})

test('a parameter in pieces, a later one encoded alone, keeps its star and its two quotes', () => {
  const text = 'Content-Type: a/b; name*0=a; name*1*=%20b\r\n\r\n'
  assert.match(formatBodyStructure(parseStructure(Buffer.from(text))), /^\("a" "b" \("name\*" "''a%20b"\)/)
})

test('strings are quoted where they can be, literals where they must', () => {
  assert.equal(formatString('a "b" \\c'), '"a \\"b\\" \\\\c"')
  assert.equal(formatString('caf\xe9'), '{4}\r\ncaf\xe9')
  assert.equal(formatString('a\0b\r'), '{4}\r\na\x80b\r')
})

test('body structures have extension data, bodies do not', () => {
  const text =
    'Content-Type: multipart/mixed; boundary=b\r\nContent-Language: en, de\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n' +
    'Content-ID: <x@y>\r\nContent-Disposition: attachment; filename*0="a b"; filename*1=c\r\nContent-MD5: Q2h==\r\n\r\n<p>\r\n</p>\r\n--b--\r\n'
  const part = parseStructure(Buffer.from(text))
  assert.equal(
    formatBodyStructure(part),
    '(("text" "html" ("charset" "utf-8") "<x@y>" NIL "7bit" 9 1 "Q2h==" ("attachment" ("filename" "a bc")) NIL NIL) "mixed" ("boundary" "b") NIL ("en" "de") NIL)',
  )
  assert.equal(formatBodyBasic(part), '(("text" "html" ("charset" "utf-8") "<x@y>" NIL "7bit" 9 1) "mixed")')
})

test('a multipart without parts shows an empty text', () => {
  const part = parseStructure(Buffer.from('Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing\r\n'))
  assert.equal(formatBodyBasic(part), '(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")')
})
