import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mailboxesOf, parseAddressList } from '../address-list.ts'
import { parseHeader } from '../header.ts'
import { fileName } from '../mime/content-disposition.ts'
import { decodeCharset } from '../mime/charset.ts'
import { decodeEncodedWords } from '../mime/encoded-word.ts'
import type { Part } from '../mime/part.ts'
import { parameterText, parameterValue } from '../mime/parameters.ts'
import { parseStructure } from '../mime/structure.ts'
import { decodeTransfer, transferEncoding } from '../mime/transfer-encoding.ts'
import { ComposeFault } from './fields.ts'
import { composeMessage, type ComposeOptions, type MessageDraft } from './message.ts'
import type { PartDraft } from './part.ts'

let made = 0
const options: ComposeOptions = {
  nowMs: Date.UTC(2026, 0, 2, 3, 4, 5),
  hostname: 'mail.example.org',
  unique: () => `unique${String(made++).padStart(6, '0')}`,
}

async function composed(draft: Partial<MessageDraft>, more: Partial<ComposeOptions> = {}): Promise<Buffer> {
  return Buffer.from(await composeMessage({ from: 'a@example.org', ...draft }, { ...options, ...more }).bytes())
}

function typeOf(part: Part): string {
  const { type, subtype } = part.contentType
  const children = part.children.length > 0 ? `(${part.children.map(typeOf).join(' ')})` : ''
  return `${type === 'multipart' ? '' : `${type}/`}${subtype}${children}`
}

async function shape(draft: Partial<MessageDraft>): Promise<string> {
  return typeOf(parseStructure(await composed(draft)))
}

function contentOf(bytes: Buffer, part: Part): Buffer {
  return Buffer.from(decodeTransfer(bytes.subarray(part.bodyStart, part.bodyEnd), transferEncoding(part.encoding)))
}

const png = { content: Buffer.from([1, 2, 3]), type: 'image/png' }

test('parts within parts: twenty levels, and no more', async () => {
  const nested = (levels: number): PartDraft =>
    levels === 0
      ? { kind: 'text', subtype: 'plain', text: 'x' }
      : { kind: 'multipart', subtype: 'mixed', parts: [nested(levels - 1)] }
  assert.equal((await shape({ body: nested(20) })).split('mixed(').length, 21)
  await assert.rejects(composed({ body: nested(21) }), ComposeFault)
})

test('the nesting follows from what is given, and no level holds one thing alone', async () => {
  assert.equal(await shape({}), 'text/plain')
  assert.equal(await shape({ text: 'x' }), 'text/plain')
  assert.equal(await shape({ html: '<p>x' }), 'text/html')
  assert.equal(await shape({ text: 'x', html: '<p>x' }), 'alternative(text/plain text/html)')
  const logo = { ...png, contentId: 'logo', inline: true }
  assert.equal(
    await shape({ text: 'x', html: '<img src="cid:logo">', attachments: [logo] }),
    'alternative(text/plain related(text/html image/png))',
  )
  assert.equal(
    await shape({
      text: 'x',
      html: 'y',
      calendar: { method: 'request', text: 'BEGIN:VCALENDAR' },
      attachments: [logo, png],
    }),
    'mixed(alternative(text/plain related(text/html image/png) text/calendar) image/png)',
  )
  assert.equal(await shape({ text: 'x', attachments: [png] }), 'mixed(text/plain image/png)')
  assert.equal(await shape({ attachments: [png] }), 'image/png')
  const message = { content: Buffer.from('Subject: in\r\n\r\nx\r\n'), type: 'message/rfc822' }
  assert.equal(await shape({ text: 'x', attachments: [message] }), 'mixed(text/plain message/rfc822)')
})

test('no value leaves its field', async () => {
  const evil = 'x\r\nBcc: victim@example.org\r\n\r\nbody'
  const bytes = await composed({
    from: { name: evil, address: 'a@example.org' },
    to: [{ group: evil, members: [{ name: evil, address: 'b@example.org' }] }],
    subject: evil,
    fields: [['X-Evil', evil]],
    text: 'x',
    list: { id: `${evil} <list.example.org>` },
    attachments: [{ ...png, name: evil, description: evil, contentId: 'c' }],
  })
  for (const header of [
    parseHeader(bytes),
    ...parseStructure(bytes).children.map((part) => parseHeader(bytes, part.headerStart, part.bodyStart)),
  ])
    assert.ok(!header.has('bcc') && !header.oddLines)
  for (const wrong of [
    { fields: [['X: y\r\nBcc', 'z']] as const },
    { messageId: '<a\r\nb@c>' },
    { references: ['<a> <b c>', 'd"e'] },
    { to: 'a@b\r\nc' },
    { from: 'nobody' },
    { attachments: [{ ...png, type: 'image/png\r\nX: y' }] },
    { list: { unsubscribe: 'javascript' } },
    { list: { unsubscribe: 'mailto:x@example.org', oneClick: true } },
  ])
    await assert.rejects(composed(wrong as Partial<MessageDraft>), ComposeFault, JSON.stringify(wrong))
})

test('blind copies are in the envelope alone, each recipient once', async () => {
  const message = composeMessage(
    {
      from: 'A <a@example.org>',
      to: ['b@example.org', 'C <c@example.org>'],
      cc: 'b@example.org',
      bcc: 'd@example.org',
    },
    options,
  )
  assert.deepEqual(
    message.recipients.map(({ localPart }) => localPart),
    ['b', 'c', 'd'],
  )
  assert.ok(!Buffer.from(await message.bytes()).includes('d@example.org'))
})

test('UTF-8 in an address needs SMTPUTF8; domains go as A-labels without it, as U-labels with it', async () => {
  await assert.rejects(composed({ to: 'jürgen@example.org' }), ComposeFault)
  assert.ok((await composed({ to: 'a@bücher.example' })).includes('To: a@xn--bcher-kva.example\r\n'))
  const utf8 = composeMessage(
    { from: 'Jürgen <jürgen@bücher.example>', subject: 'Grüße' },
    { ...options, smtpUtf8: true },
  )
  assert.ok(utf8.smtpUtf8)
  const text = Buffer.from(await utf8.bytes()).toString()
  assert.match(text, /^From: "Jürgen" <jürgen@bücher\.example>\r$/m)
  assert.match(text, /^Subject: Grüße\r$/m)
})

const words = fc.string({ unit: fc.constantFrom(...'aZ09 .,;:"\\()<>@=?_-äß日本🙂'), maxLength: 60 })
const lines = fc
  .array(fc.string({ unit: fc.constantFrom(...'aZ .=\t?äß日From >'), maxLength: 120 }), { maxLength: 8 })
  .map((all) => all.join('\r\n'))
const allowed = fc.constantFrom('7bit' as const, '8bit' as const, 'binary' as const)

test('whatever is composed is read back', async () => {
  await fc.assert(
    fc.asyncProperty(
      words,
      words,
      words,
      lines,
      lines,
      fc.uint8Array({ maxLength: 300 }),
      allowed,
      async (name, subject, file, text, html, data, carries) => {
        const trimmed = name.trim().replace(/ +/g, ' ')
        const attachment = { content: data, type: 'application/x-test', name: file === '' ? 'x' : file }
        const bytes = await composed(
          { from: { name: trimmed, address: 'a@example.org' }, subject, text, html, attachments: [attachment] },
          { allowed: carries },
        )
        const header = parseHeader(bytes)
        const [from] = mailboxesOf(parseAddressList(header.valueOf('from')!))
        assert.equal(decodeEncodedWords(from!.name ?? ''), trimmed)
        assert.equal(decodeEncodedWords(header.valueOf('subject')!), subject)
        const root = parseStructure(bytes)
        assert.equal(typeOf(root), 'mixed(alternative(text/plain text/html) application/x-test)')
        assert.deepEqual(root.defects, [])
        const [alternative, extra] = root.children
        for (const [i, given] of [text, html].entries()) {
          const part = alternative!.children[i]!
          const charset = parameterText(part.contentType.parameters, 'charset')!
          assert.equal(decodeCharset(contentOf(bytes, part), charset), given)
        }
        assert.deepEqual(contentOf(bytes, extra!), Buffer.from(data))
        assert.equal(fileName(extra!.contentType, extra!.disposition), attachment.name)
        if (carries !== 'binary')
          for (const line of bytes.toString('latin1').split('\r\n')) assert.ok(line.length <= 998)
        if (carries === '7bit') assert.ok(bytes.every((byte) => byte < 0x80))
      },
    ),
    { numRuns: 300 },
  )
})

test('a stream is attached as it comes, however it is cut', async () => {
  const data = Buffer.from(Array.from({ length: 1000 }, (_, i) => i & 255))
  async function* cut(size: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size)
  }
  const whole = composeMessage(
    { from: 'a@example.org', attachments: [{ content: data }] },
    { ...options, unique: () => 'same00000000' },
  )
  const expected = await whole.bytes()
  for (const size of [1, 56, 57, 58, 999]) {
    const same = composeMessage(
      { from: 'a@example.org', attachments: [{ content: cut(size) }] },
      { ...options, unique: () => 'same00000000' },
    )
    assert.deepEqual(await same.bytes(), expected)
  }
})

test('list fields, with one click', async () => {
  const header = parseHeader(
    await composed({
      list: {
        id: 'Frösche <frogs.example.org>',
        unsubscribe: ['https://example.org/u?1', 'mailto:u@example.org'],
        oneClick: true,
        post: null,
      },
    }),
  )
  assert.equal(decodeEncodedWords(header.valueOf('list-id')!), 'Frösche <frogs.example.org>')
  assert.equal(header.valueOf('list-unsubscribe'), '<https://example.org/u?1>, <mailto:u@example.org>')
  assert.equal(header.valueOf('list-unsubscribe-post'), 'List-Unsubscribe=One-Click')
  assert.equal(header.valueOf('list-post'), 'NO')
  assert.equal(parameterValue([], 'x'), undefined)
})
