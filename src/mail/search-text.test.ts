import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHeader } from './header.ts'
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
  for (const needle of ['café ole', 'CAFÉ', 'needle', 'ἀθῆναι', 'INNER WORDS', ''])
    assert.equal(body(needle), true, needle)
  for (const needle of ['Caf=E9', 'binary words', 'Preamble', 'aus Bern', 'inner topic', 'charset='])
    assert.equal(body(needle), false, needle)
})

test('text is header and body', () => {
  assert.equal(text('jo@EXAMPLE'), true)
  assert.equal(text('ole'), true)
  assert.equal(text('binary words'), false)
})

test('text is all headers: those of parts with the names of files, those of messages within', () => {
  for (const needle of ['inner topic', 'charset=iso', 'boundary=b', 'inner words', 'subject: inner'])
    assert.equal(text(needle), true, needle)
  const files = Buffer.from(
    'Content-Type: multipart/mixed; boundary=b\r\n\r\n' +
      '--b\r\nContent-Type: application/pdf; name="invoice-4711.pdf"\r\n\r\nx\r\n' +
      "--b\r\nContent-Type: image/png\r\nContent-Disposition: attachment;\r\n\tfilename*0*=utf-8''Gr%C3%BC; filename*1*=%C3%9Fe.png\r\n\r\nx\r\n" +
      '--b\r\nContent-Type: image/png; name="=?utf-8?Q?K=C3=A4se?=.png"\r\n\r\nx\r\n--b--\r\n',
  )
  const tree = parseStructure(files)
  for (const needle of ['Invoice-4711', 'grüße.png', 'käse', 'attachment; filename'])
    assert.equal(createTextMatcher(needle).text(files, tree), true, needle)
  for (const needle of ['invoice-4711', 'käse'])
    assert.equal(createTextMatcher(needle).body(files, tree), false, needle)
})

test('reports are text: a bounce is found by the address that bounced', () => {
  for (const type of ['delivery-status', 'external-body', 'partial', 'feedback-report', 'disposition-notification']) {
    const report = Buffer.from(
      'Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSorry\r\n' +
        `--b\r\nContent-Type: message/${type}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n` +
        'Reporting-MTA: dns; mx\r\n\r\nFinal-Recipient: rfc822; failed=40example.net\r\n--b--\r\n',
    )
    const tree = parseStructure(report)
    assert.equal(createTextMatcher('failed@example.net').body(report, tree), true, type)
    assert.equal(createTextMatcher('failed@example.net').text(report, tree), true, type)
  }
})

test('a field is searched as it is read: where it was folded does not matter, blanks at its ends count', () => {
  const fields = parseHeader(
    Buffer.from('Subject: [List]\r\n\tThe latest  news \r\nX: =?utf-8?Q?a?=\r\n   =?utf-8?Q?b?= c\r\n'),
  )
  const holds = (name: string, needle: string): boolean => createTextMatcher(needle).header(fields, name)
  for (const needle of ['[List] The', '[list]\tthe', 'latest news', 'news ', ' [List]'])
    assert.equal(holds('subject', needle), true, needle)
  for (const needle of ['[List]The', 'news  x', 'x ']) assert.equal(holds('subject', needle), false, needle)
  assert.equal(holds('x', 'ab c'), true)
})

test('addresses are searched as they stand and as the envelope has them', () => {
  const fields = parseHeader(
    Buffer.from(
      'From: <user-from (comment)@ (comment) domain.org>\r\n' +
        'To: "Doe, \\"J\\"" <j@a.example>, team: =?utf-8?Q?J=C3=BCrg?= <jurg@b.example>;\r\nX-To: a (c) @b.example\r\n',
    ),
  )
  const holds = (name: string, needle: string): boolean => createTextMatcher(needle).header(fields, name)
  for (const [name, needle] of [
    ['from', 'user-from@domain.org'],
    ['from', '(comment)'],
    ['to', 'doe, "j" <j@a.example>'],
    ['to', 'jürg <jurg@b'],
  ] as const)
    assert.equal(holds(name, needle), true, needle)
  assert.equal(holds('from', 'domain.org@'), false)
  assert.equal(holds('x-to', 'a@b.example'), false)
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
