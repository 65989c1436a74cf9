import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bodyLists } from './body-lists.ts'
import { htmlToText } from './html-text.ts'
import { readMessage } from './read-message.ts'
import { composeMessage, type MessageDraft } from '../compose/message.ts'
import type { PartDraft } from '../compose/part.ts'

let made = 0
async function composed(draft: Partial<MessageDraft>): Promise<Uint8Array> {
  const unique = (): string => `unique${String(made++).padStart(6, '0')}`
  return composeMessage({ from: 'a@example.org', ...draft }, { nowMs: 0, hostname: 'h.example', unique }).bytes()
}

const data = (type: string, name: string, disposition: 'inline' | 'attachment' = 'inline'): PartDraft => ({
  kind: 'data',
  type,
  content: name,
  description: name,
  disposition,
})
const many = (subtype: string, ...parts: PartDraft[]): PartDraft => ({ kind: 'multipart', subtype, parts })

test("RFC 8621 §4.1.4's example: text, HTML and files as the specification lists them", async () => {
  const body = many(
    'mixed',
    data('text/plain', 'A'),
    many(
      'mixed',
      many(
        'alternative',
        many('mixed', data('text/plain', 'B'), data('image/jpeg', 'C'), data('text/plain', 'D')),
        many('related', data('text/html', 'E'), data('image/jpeg', 'F')),
      ),
      data('image/jpeg', 'G', 'attachment'),
      data('application/x-excel', 'H', 'attachment'),
      { kind: 'message', content: Buffer.from('Subject: J\r\n\r\nJ\r\n'), description: 'J' },
    ),
    data('text/plain', 'K'),
  )
  const { root } = readMessage(await composed({ body }))
  const lists = bodyLists(root)
  const names = (list: readonly { description?: string }[]): string =>
    list.map(({ description }) => description).join('')
  assert.equal(names(lists.textBody), 'ABCDK')
  assert.equal(names(lists.htmlBody), 'AEK')
  assert.equal(names(lists.attachments), 'CFGHJ')
})

test('a message as people mean it', async () => {
  const bytes = await composed({
    from: { name: 'Jürgen Müller', address: 'j@example.org' },
    to: [{ group: 'Freunde', members: ['b@example.org'] }, 'c@bücher.example'],
    subject: 'Grüße',
    inReplyTo: '<parent@example.org>',
    text: '> old words\n\nNew words here.',
    html: '<p>New <b>words</b></p><img src="cid:logo">',
    attachments: [
      { content: Buffer.from([1, 2]), type: 'image/png', name: 'logo.png', contentId: 'logo', inline: true },
      { content: Buffer.from('%PDF'), type: 'application/pdf', name: 'Übersicht.pdf' },
    ],
  })
  const message = readMessage(bytes)
  assert.deepEqual(message.people('from'), [{ name: 'Jürgen Müller', address: 'j@example.org' }])
  assert.deepEqual(message.people('to'), [
    { name: 'Freunde', address: '', members: [{ name: '', address: 'b@example.org' }] },
    { name: '', address: 'c@xn--bcher-kva.example' },
  ])
  assert.equal(message.subject, 'Grüße')
  assert.deepEqual(message.references, ['parent@example.org'])
  assert.equal(message.plainText, '> old words\r\n\r\nNew words here.')
  assert.equal(message.preview, 'New words here.')
  assert.match(message.html!, /^<p>New/)
  assert.deepEqual(
    message.files.map(({ name, type, inline }) => [name, type, inline]),
    [
      ['logo.png', 'image/png', true],
      ['Übersicht.pdf', 'application/pdf', false],
    ],
  )
  assert.deepEqual(Buffer.from(message.byContentId.get('logo')!.content()), Buffer.from([1, 2]))
  assert.equal(Buffer.from(message.files[1]!.content()).toString(), '%PDF')
  assert.ok(message.hasAttachment)
  assert.equal(message.fields.find(({ name }) => name === 'Subject')!.value, 'Grüße')
})

test('a message of HTML alone has a text all the same; one of text alone has no HTML', async () => {
  const html = readMessage(
    await composed({ html: '<style>p{}</style><p>One</p><p>Two &amp; <a href="x">three</a><br>four' }),
  )
  assert.equal(html.plainText, 'One\nTwo & three\nfour')
  const text = readMessage(await composed({ text: 'x' }))
  assert.equal(text.html, undefined)
  assert.equal(readMessage(Buffer.from('')).plainText, '')
})

test('a flowed text is read in paragraphs', async () => {
  const paragraph = 'word '.repeat(40).trim()
  assert.equal(
    readMessage(await composed({ text: `${paragraph}\nnext`, flowed: true })).plainText,
    `${paragraph}\nnext`,
  )
})

test('HTML as text: entities, comments, what is hidden, what never ends', () => {
  assert.equal(
    htmlToText('<!-- x --><p>a&nbsp;&eacute;&#8364;&#x1F600;&unknown; b < c</p><script>x</script>d'),
    'a é€😀&unknown; b < c\nd',
  )
  assert.equal(htmlToText('a<b'), 'a')
  assert.equal(htmlToText('<div>a</div>\n  <div>  b  c </div>'), 'a\nb c')
  const hostile = '<p>x'.repeat(200_000)
  assert.equal(htmlToText(hostile).length, 400_000 - 1)
})

test('any bytes can be read, and asked for everything', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const message = readMessage(bytes)
      void [
        message.subject,
        message.date,
        message.plainText,
        message.html,
        message.preview,
        message.fields,
        message.hasAttachment,
      ]
      for (const file of message.files) file.content()
      for (const name of ['from', 'to', 'cc'] as const) message.people(name)
    }),
    { numRuns: 500 },
  )
})
