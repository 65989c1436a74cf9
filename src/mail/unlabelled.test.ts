import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatEnvelope } from './imap/envelope.ts'
import { parseHeader } from './header.ts'
import { decodeCharset } from './mime/charset.ts'
import { decodeEncodedWords } from './mime/encoded-word.ts'
import { createTextMatcher } from './search-text.ts'
import { likelyCharset } from './view/part-content.ts'
import { readMessage } from './view/read-message.ts'

const euro = Buffer.from('déjà – 5 €')

test('UTF-8 that is labelled US-ASCII is UTF-8: in bodies, encoded words, file names and searches', () => {
  for (const name of ['us-ascii', 'US-ASCII', 'ascii', 'ANSI_X3.4-1968', 'iso646-us', 'csASCII'])
    assert.equal(decodeCharset(euro, name), 'déjà – 5 €', name)
  assert.equal(decodeEncodedWords('=?us-ascii?Q?caf=C3=A9?='), 'café')
  const head = 'Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
  const message = readMessage(Buffer.concat([Buffer.from(head), euro]))
  assert.equal(message.plainText, 'déjà – 5 €')
  assert.ok(createTextMatcher('DÉJÀ').body(message.bytes, message.root))
  // Bytes that are not UTF-8 are decoded as before.
  assert.equal(decodeCharset(Buffer.from([0x64, 0xe9, 0x80]), 'us-ascii'), 'dé€')
})

test('raw 8-bit headers are searched by the charset of the body, where they are no UTF-8', () => {
  const koi8 = Buffer.from([0xf0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4])
  const head = (type: string): Buffer =>
    Buffer.concat([
      Buffer.from('Subject: '),
      koi8,
      Buffer.from('\r\nFrom: "'),
      koi8,
      Buffer.from(`" <i@example.org>\r\n${type}\r\n`),
    ])
  const matcher = createTextMatcher('ПРИВЕТ')
  for (const type of [
    'Content-Type: text/plain; charset=koi8-r\r\n\r\nx',
    'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\nx\r\n--b--',
  ]) {
    const { bytes, root, header } = readMessage(head(type))
    const likely = (): string | undefined => likelyCharset(root)
    assert.ok(matcher.text(bytes, root), type)
    assert.ok(matcher.header(header, 'subject', likely) && matcher.header(header, 'from', likely), type)
    assert.ok(!matcher.header(header, 'subject'))
  }
  const utf8 = readMessage(Buffer.from('Subject: Привет\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\nx'))
  const never = (): never => assert.fail('nobody need look at the body')
  assert.ok(matcher.header(utf8.header, 'subject', never))
})

// 会議 in JIS X 0208; the name 本間 has a quote (0x22) in no byte, "（" is 0x21 0x4a, and 鈴木 has a backslash.
const subject = '\x1b$B2q5D\x1b(B'

test('a field is trimmed of white space alone: an escape at its beginning stays, in ENVELOPE too', () => {
  const header = parseHeader(Buffer.from(`Subject: \t ${subject} \x1f\r\nX: \x0b\r\n\r\n`, 'latin1'))
  assert.equal(header.valueOf('subject'), `${subject} \x1f`)
  assert.equal(header.valueOf('x'), '\x0b')
  assert.ok(formatEnvelope(header).includes(subject))
})

test('raw ISO-2022-JP in a header is read, whatever ASCII its bytes look like', () => {
  const name = '\x1b$BNkLZ\x1b(B'
  const special = '\x1b$B!J"(<,\x1b(B'
  const bytes = Buffer.from(
    `Subject: ${subject} test\r\nFrom: ${name} <s@example.jp>, "${special}" <t@example.jp>, ${special} <u@example.jp>\r\n\r\n`,
    'latin1',
  )
  const message = readMessage(bytes)
  assert.equal(message.subject, '会議 test')
  assert.deepEqual(
    message.people('from').map(({ address }) => address),
    ['s@example.jp', 't@example.jp', 'u@example.jp'],
  )
  assert.equal(message.people('from')[0]!.name, '鈴木')
  assert.match(message.people('from')[1]!.name, /^（/)
  assert.ok(createTextMatcher('会議').header(message.header, 'subject'))
})
