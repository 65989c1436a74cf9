import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBodyStructure } from '../imap/body-structure.ts'
import { readMessage } from '../view/read-message.ts'
import { fileName, parseContentDisposition } from './content-disposition.ts'
import { parseContentType } from './content-type.ts'
import { encodingName } from './field-value.ts'
import { parameterText } from './parameters.ts'

test('a disposition or type that is hidden in encoded words is what is in them', () => {
  assert.equal(parseContentDisposition('=?us-ascii?Q?INLINE?=')?.type, 'inline')
  assert.equal(parseContentDisposition('=?utf-8?B?YXR0YWNobWVudA==?=')?.type, 'attachment')
  const file = parseContentDisposition('=?utf-8?Q?attachment;_filename=3D"Gr=C3=BC=C3=9Fe.pdf"?=')!
  assert.equal(fileName(parseContentType('a/b')!, file), 'Grüße.pdf')
  const type = parseContentType('=?utf-8?q?text/html;?=\r\n =?utf-8?q?_charset=3Diso-8859-5?=')!
  assert.deepEqual([type.type, type.subtype], ['text', 'html'])
  assert.equal(parameterText(type.parameters, 'charset'), 'iso-8859-5')
  // One that lacks its type is a file still.
  assert.equal(parseContentDisposition('filename==?utf-8?q?a?=')?.type, 'attachment')
})

test('the text of such a message is its body, and BODYSTRUCTURE tells the disposition that was meant', () => {
  const lines = [
    'Content-Type: =?utf-8?Q?text/html;_charset=3Dutf-8?=',
    'Content-Transfer-Encoding: =?utf-8?Q?base64?=',
    'Content-Disposition: =?utf-8?Q?inline?=',
    '',
    'PGI+w6Q8L2I+',
    '',
  ]
  const message = readMessage(Buffer.from(lines.join('\r\n')))
  assert.equal(message.html, '<b>ä</b>')
  assert.match(
    formatBodyStructure(message.root),
    /^\("text" "html" \("charset" "utf-8"\) NIL NIL "base64" 14 1 NIL \("inline" NIL\) NIL NIL\)$/,
  )
})

test('nothing in an encoded word ends the field', () => {
  const { root } = readMessage(
    Buffer.from('Content-Disposition: =?utf-8?Q?attachment=0D=0A;=00filename=3Da=0Ab?=\r\n\r\nx'),
  )
  assert.doesNotMatch(formatBodyStructure(root), /[\0\r\n]/)
  assert.equal(root.disposition?.type, 'attachment')
})

test('comments may stand around the name of an encoding. RFC 2045 §6.1', () => {
  for (const value of ['base64', ' (a) Base64 (b)', '(a (b)) base64', 'base64(x)', 'base64; x=y'])
    assert.equal(encodingName(value), 'base64', value)
  for (const value of ['', '(base64)', '(']) assert.equal(encodingName(value), '', value)
  const message = readMessage(Buffer.from('Content-Transfer-Encoding: (as RFC 2045) base64 (has it)\r\n\r\nSGk=\r\n'))
  assert.equal(message.plainText, 'Hi')
  assert.match(formatBodyStructure(message.root), /"base64"/)
})

test('file names: an encoded word in the extended form, and pieces that are counted from 1', () => {
  const name = (value: string): string | undefined => fileName(parseContentType('a/b')!, parseContentDisposition(value))
  assert.equal(name('attachment; filename*="=?iso-8859-1?Q?=DCbung.txt?="'), 'Übung.txt')
  assert.equal(name('attachment; filename*0*="=?utf-8?B?w5xi?="; filename*1*="=?utf-8?Q?ung=2Etxt?="'), 'Übung.txt')
  // With a charset it says what it is.
  assert.equal(name("attachment; filename*=utf-8''=?utf-8?q?a?="), '=?utf-8?q?a?=')
  assert.equal(name('attachment; filename*1="report"; filename*2=".pdf"'), 'report.pdf')
  assert.equal(name("attachment; filename*1*=utf-8''%C3%84; filename*2=.pdf"), 'Ä.pdf')
  assert.equal(name('attachment; filename*2=b; filename*3=c'), undefined)
})
