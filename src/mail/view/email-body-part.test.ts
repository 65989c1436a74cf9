import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emailBody, emailBodyValue } from './email-body-part.ts'
import { readMessage } from './read-message.ts'

const message = Buffer.from(
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Language: de, en\r\n\r\n<p>Grüße</p><b>x</b>\r\n--b\r\n' +
    'Content-Type: image/png; name=a.png\r\nContent-ID: <c1>\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\nAQID\r\n--b--\r\n',
)

test('the parts of a message as JMAP tells them', () => {
  const { root } = readMessage(message)
  const body = emailBody(message, root)
  assert.deepEqual(
    body.bodyStructure.subParts!.map(({ partId, type, size }) => [partId, type, size]),
    [
      ['1', 'text/html', 22],
      ['2', 'image/png', 3],
    ],
  )
  assert.equal(body.bodyStructure.partId, null)
  assert.deepEqual(body.htmlBody, [
    {
      partId: '1',
      size: 22,
      name: null,
      type: 'text/html',
      charset: 'utf-8',
      disposition: null,
      cid: null,
      language: ['de', 'en'],
      location: null,
      subParts: null,
    },
  ])
  assert.deepEqual(
    body.attachments.map(({ cid, name, disposition }) => [cid, name, disposition]),
    [['c1', 'a.png', 'attachment']],
  )
  const part = body.parts.get('1')!
  assert.deepEqual(emailBodyValue(message, part), {
    value: '<p>Grüße</p><b>x</b>',
    isEncodingProblem: false,
    isTruncated: false,
  })
  // Neither in the middle of a character nor of a tag.
  assert.equal(emailBodyValue(message, part, 6).value, '<p>Gr')
  assert.equal(emailBodyValue(message, part, 13).value, '<p>Grüße')
})
