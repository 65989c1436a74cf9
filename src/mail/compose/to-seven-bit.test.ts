import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseStructure } from '../mime/structure.ts'
import { readMessage } from '../view/read-message.ts'
import { composeMessage } from './message.ts'
import { isSevenBitData, toSevenBit } from './to-seven-bit.ts'

let made = 0
const options = { nowMs: 0, hostname: 'h.example', unique: () => `unique${String(made++).padStart(6, '0')}` }
const convert = (bytes: Uint8Array): Uint8Array | undefined => toSevenBit(bytes, parseStructure(bytes))

test('what has no 8-bit bytes stays the same bytes', async () => {
  const bytes = await composeMessage({ from: 'a@b.example', text: 'x' }, options).bytes()
  assert.equal(convert(bytes), bytes)
})

test('an 8-bit header, and 8 bits under a signature, cannot be converted', () => {
  assert.equal(convert(Buffer.from('Subject: ä\r\n\r\nx')), undefined)
  const signed = 'Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nä\r\n--b\r\n\r\nx\r\n--b--\r\n'
  assert.equal(convert(Buffer.from(signed)), undefined)
})

test('a part loses its old encoding and gets a new one', () => {
  const text =
    'Content-Type: text/plain; charset=utf-8\r\nContent-transfer-encoding: 8bit\r\nSubject: x\r\n\r\nGr\u00fc\u00dfe an alle, die hier sind\r\n'
  assert.equal(
    Buffer.from(convert(Buffer.from(text))!).toString(),
    'Content-Type: text/plain; charset=utf-8\r\nSubject: x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe an alle, die hier sind\r\n',
  )
})

test('whatever 8-bit message is composed reads the same after the change', async () => {
  const text = fc
    .array(fc.string({ unit: fc.constantFrom(...'aZ .=äß日🙂'), maxLength: 60 }), { maxLength: 5 })
    .map((lines) => lines.join('\r\n'))
  await fc.assert(
    fc.asyncProperty(text, text, fc.uint8Array({ maxLength: 100 }), async (plain, html, data) => {
      const inner = await composeMessage({ from: 'a@b.example', text: plain }, { ...options, allowed: '8bit' }).bytes()
      const attachments = [
        { content: Buffer.from(data), name: 'f.bin' },
        { content: inner, type: 'message/rfc822' },
      ]
      const bytes = await composeMessage(
        { from: 'a@b.example', text: plain, html, attachments },
        { ...options, allowed: '8bit' },
      ).bytes()
      const seven = convert(bytes)!
      assert.ok(seven.every((byte) => byte < 0x80))
      const [before, after] = [readMessage(bytes), readMessage(seven)]
      assert.equal(after.plainText, before.plainText)
      assert.equal(after.html, before.html)
      assert.deepEqual(
        after.files.map((file) => [file.name, file.type]),
        before.files.map((file) => [file.name, file.type]),
      )
      assert.deepEqual(Buffer.from(after.files[0]!.content()), Buffer.from(data))
      assert.equal(readMessage(after.files[1]!.content()).plainText, readMessage(before.files[1]!.content()).plainText)
    }),
    { numRuns: 200 },
  )
})

test('of a binary message every byte is kept, in lines', () => {
  const image = Buffer.from(Array.from({ length: 300 }, (_, i) => i % 256))
  const head = 'Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n'
  const plain = '--b\r\nContent-Transfer-Encoding: binary\r\n\r\nlines\r\n'
  const unix = '--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\none\ntwo\r\n'
  const picture = '--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n'
  const bytes = Buffer.concat([Buffer.from(head + plain + unix + picture), image, Buffer.from('\r\n--b--\r\n')])
  const converted = Buffer.from(toSevenBit(bytes, parseStructure(bytes), isSevenBitData)!)
  assert.ok(isSevenBitData(converted))
  assert.doesNotMatch(converted.toString(), /binary/)
  const bodies = parseStructure(converted).children.map(({ bodyStart, bodyEnd, encoding }) => {
    const body = converted.subarray(bodyStart, bodyEnd)
    return encoding === 'base64' ? Buffer.from(body.toString(), 'base64') : body
  })
  assert.deepEqual(bodies.map(String), ['lines', 'one\ntwo', String(image)])
  assert.deepEqual(Buffer.from(bodies[2]!), image)
})

test('seven bits have lines, and no byte that is none of a line', () => {
  for (const text of ['', 'a', 'a\r\n', 'a\r\n\r\nb', `${'x'.repeat(998)}\r\n`])
    assert.equal(isSevenBitData(Buffer.from(text)), true, JSON.stringify(text))
  for (const text of ['\n', 'a\nb', 'a\rb\r\n', 'a\r\r\n', 'a\r', '\0', 'ä', `${'x'.repeat(1000)}\r\n`])
    assert.equal(isSevenBitData(Buffer.from(text)), false, JSON.stringify(text))
})
