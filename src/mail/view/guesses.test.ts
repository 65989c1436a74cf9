import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDate } from '../date.ts'
import { createTextMatcher } from '../search-text.ts'
import { readMessage, type ReadMessage } from './read-message.ts'

const read = (text: string): ReadMessage => readMessage(Buffer.from(text, 'latin1'))
/** Words in KOI8-R: мир and Анна. */
const mir = '\xcd\xc9\xd2'
const anna = '\xe1\xce\xce\xc1'

test('raw 8-bit headers are of the charset that the body names, and UTF-8 where they can be', () => {
  const message = read(
    `Subject: ${mir} =?utf-8?q?=E2=82=AC?=\r\nFrom: ${anna} <a@b.test>, g: ${anna} <c@d.test>;\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n${mir}`,
  )
  assert.equal(message.subject, 'мир €')
  assert.equal(message.people('from')[0]!.name, 'Анна')
  assert.equal(message.people('from')[1]!.members![0]!.name, 'Анна')
  assert.equal(message.fields[0]!.value, 'мир €')
  const inside = read(
    `Subject: ${mir}\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nascii\r\n--x\r\nContent-Type: text/html; charset=koi8-r\r\n\r\nx\r\n--x--\r\n`,
  )
  assert.equal(inside.subject, 'мир')
  assert.equal(read('Subject: \xc3\xa9\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n').subject, 'é')
  for (const type of ['', 'Content-Type: text/plain\r\n', 'Content-Type: text/plain; charset=x-unknown\r\n'])
    assert.equal(read(`Subject: caf\xe9 \x80\r\n${type}\r\n`).subject, 'café €')
})

test('HTML without a charset is of the one that it names itself, and UTF-8 where it can be', () => {
  for (const meta of [
    '<meta charset=koi8-r>',
    '<META http-equiv="Content-Type" content="text/html; charset=KOI8-R">',
    "<meta name=x content=y><meta charset = 'koi8-r'/>",
  ])
    assert.equal(read(`Content-Type: text/html\r\n\r\n<head>${meta}</head><p>${mir}`).plainText, 'мир', meta)
  assert.equal(read('Content-Type: text/html\r\n\r\n<meta charset=koi8-r><p>\xc3\xa9').plainText, 'é')
  assert.equal(read(`Content-Type: text/html; charset=koi8-r\r\n\r\n<meta charset=utf-8><p>${mir}`).plainText, 'мир')
  assert.equal(read('Content-Type: text/html\r\n\r\n<p>charset=koi8-r caf\xe9').plainText, 'charset=koi8-r café')
})

test('ISO-2022-JP is known by its escapes where no charset is named', () => {
  for (const type of ['', 'Content-Type: text/plain\r\n', 'Content-Type: text/plain; charset=us-ascii\r\n'])
    assert.equal(read(`X: y\r\n${type}\r\n\x1b$B2q5D\x1b(B ok\r\n`).plainText, '会議 ok\r\n')
  assert.equal(read('X: y\r\n\r\n\x1b[1mbold\x1b[0m $B').plainText, '\x1b[1mbold\x1b[0m $B')
})

test('the text of a multipart whose delimiter never comes is shown', () => {
  const message = read('Content-Type: multipart/mixed; boundary="lost"\r\n\r\nHello caf\xc3\xa9\r\n')
  assert.equal(message.plainText, 'Hello café\r\n')
  assert.equal(message.preview, 'Hello café')
  assert.equal(
    read('Content-Type: multipart/mixed; boundary=x\r\n\r\npreamble\r\n--x\r\n\r\ntext\r\n--x--').plainText,
    'text',
  )
})

test('HTML is searched as it is written, and with its references decoded', () => {
  const { bytes, root } = read('Content-Type: text/html; charset=utf-8\r\n\r\n<p>Mikul&aacute;&scaron; &amp; Co')
  for (const needle of ['mikuláš', '& co', '&amp;', '<p>'])
    assert.ok(createTextMatcher(needle).body(bytes, root), needle)
  const plain = read('Content-Type: text/plain\r\n\r\nMikul&aacute;&scaron;')
  assert.ok(!createTextMatcher('mikuláš').body(plain.bytes, plain.root))
})

test('dates of ISO 8601, and zones of hours alone', () => {
  const iso = (value: string): string | undefined => {
    const date = parseDate(value)
    return date === undefined ? undefined : new Date(date.epochMs).toISOString()
  }
  assert.equal(iso('2023-07-04T12:30:45Z'), '2023-07-04T12:30:45.000Z')
  assert.equal(iso('2023-07-04T12:30:45.123+02:00'), '2023-07-04T10:30:45.000Z')
  assert.equal(iso('2023-07-04 12:30 -0500'), '2023-07-04T17:30:00.000Z')
  assert.equal(iso('2023-7-4'), '2023-07-04T00:00:00.000Z')
  assert.equal(iso('Tue, 4 Jul 2023 12:00:00 UTC+2'), '2023-07-04T10:00:00.000Z')
  assert.equal(iso('Tue, 4 Jul 2023 12:00:00 GMT-3 (x)'), '2023-07-04T15:00:00.000Z')
  for (const value of ['2023-02-30', '2023-13-01', '2023-07-04T', '20230704T123045Z', '2023-07'])
    assert.equal(iso(value), value === '2023-07-04T' ? '2023-07-04T00:00:00.000Z' : undefined, value)
})
