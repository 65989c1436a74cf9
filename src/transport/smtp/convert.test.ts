import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageBytes } from '../../mail/content.ts'
import { lackOf, type OutgoingEnvelope } from '../../protocol/smtp/outgoing.ts'
import { offerFor } from './convert.ts'

function bytesOf(text: string): MessageBytes {
  const bytes = Buffer.from(text)
  return { sizeBytes: bytes.length, read: (start, end) => bytes.subarray(start, end) }
}

const plain: OutgoingEnvelope = {
  reversePath: 'a@x.example',
  recipients: ['b@y.example'],
  body: '7bit',
  smtpUtf8: false,
}

/** A server with these keywords. */
function server(...keywords: string[]) {
  const extensions = new Map(keywords.map((keyword) => [keyword, '']))
  return { lacks: (envelope: OutgoingEnvelope) => lackOf(extensions, null, envelope, 0) }
}

const umlauts = 'Content-Type: text/plain; charset=utf-8\r\n\r\nGrüße an alle in diesem Haus\r\n'

test('a message that the server supports is unchanged', async () => {
  const offer = { envelope: { ...plain, body: '8bitmime' as const }, bytes: bytesOf(umlauts) }
  assert.equal(await offerFor(server('8BITMIME'), offer), offer)
})

test('8 bits become 7, and MAIL says so', async () => {
  const offer = await offerFor(server(), { envelope: { ...plain, body: '8bitmime' }, bytes: bytesOf(umlauts) })
  assert.ok('envelope' in offer)
  assert.equal(offer.envelope.body, '7bit')
  const text = String(await offer.bytes.read(0, offer.bytes.sizeBytes))
  assert.match(text, /quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe an alle/)
})

test('binary becomes lines, also where they have 7 bits only', async () => {
  const text = 'Content-Transfer-Encoding: binary\r\nContent-Type: text/plain\r\n\r\none\ntwo\r\n'
  const offer = await offerFor(server('8BITMIME'), { envelope: { ...plain, body: 'binarymime' }, bytes: bytesOf(text) })
  assert.ok('envelope' in offer)
  const converted = String(await offer.bytes.read(0, offer.bytes.sizeBytes))
  assert.match(converted, /base64/)
  assert.equal(String(Buffer.from(converted.split('\r\n\r\n')[1]!, 'base64')), 'one\ntwo\r\n')
})

test('a signed message, or one that needs other extensions, is not offered', async () => {
  const signed = 'Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nä\r\n--b\r\n\r\nx\r\n--b--\r\n'
  const refused = await offerFor(server(), { envelope: { ...plain, body: '8bitmime' }, bytes: bytesOf(signed) })
  assert.ok('code' in refused)
  assert.deepEqual([refused.code, refused.enhanced], [554, '5.6.3'])
  for (const [more, code, enhanced] of [
    [{ requireTls: true }, 550, '5.7.30'],
    [{ smtpUtf8: true }, 550, '5.6.7'],
    [{ deliverBy: { atMs: 1000, mode: 'return' as const, trace: false } }, 554, '5.4.7'],
  ] as const) {
    const offer = await offerFor(server(), { envelope: { ...plain, ...more }, bytes: bytesOf('x') })
    assert.deepEqual('code' in offer && [offer.code, offer.enhanced], [code, enhanced])
  }
})
