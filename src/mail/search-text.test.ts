import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStructure } from './mime/structure.ts'
import { createTextMatcher } from './search-text.ts'

const message = Buffer.concat([
  Buffer.from(
    'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= aus Bern\r\nFrom: Jo <jo@example.org>\r\nX-Empty:\r\n' +
      'Content-Type: multipart/mixed; boundary=b\r\n\r\nPreamble words\r\n',
  ),
  Buffer.from(
    '--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nCaf=E9 Ol=\r\ne\r\n',
  ),
  Buffer.from(
    `--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from('<b>Ἀθῆναι</b> NEEDLE').toString('base64')}\r\n`,
  ),
  Buffer.from('--b\r\nContent-Type: application/x\r\n\r\nbinary words\r\n'),
  Buffer.from('--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner topic\r\n\r\ninner words\r\n--b--\r\n'),
])
const root = parseStructure(message)
const body = (needle: string): boolean => createTextMatcher(needle).body(message, root)
const text = (needle: string): boolean => createTextMatcher(needle).text(message, root)
const header = (name: string, needle: string): boolean => createTextMatcher(needle).header(root.header!, name)

test('header fields are searched decoded, whatever the case', () => {
  assert.equal(header('subject', 'GRÜßE AUS'), true)
  assert.equal(header('subject', 'Zürich'), false)
  assert.equal(header('x-empty', ''), true)
  assert.equal(header('x-none', ''), false)
})

test('bodies are searched decoded: transfer encoding, charset, case', () => {
  for (const needle of ['café ole', 'CAFÉ', 'needle', 'ἀθῆναι', 'inner topic', 'INNER WORDS', ''])
    assert.equal(body(needle), true, needle)
  for (const needle of ['Caf=E9', 'binary words', 'Preamble', 'aus Bern']) assert.equal(body(needle), false, needle)
})

test('text is header and body', () => {
  assert.equal(text('jo@EXAMPLE'), true)
  assert.equal(text('ole'), true)
  assert.equal(text('binary words'), false)
})

test('a charset that hides ASCII bytes inside characters is searched decoded', () => {
  const japanese = Buffer.concat([
    Buffer.from('Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n'),
    Buffer.from([0x1b, 0x24, 0x42, 0x24, 0x22, 0x1b, 0x28, 0x42]),
  ])
  const part = parseStructure(japanese)
  assert.equal(createTextMatcher('$"').body(japanese, part), false)
  assert.equal(createTextMatcher('あ').body(japanese, part), true)
})
