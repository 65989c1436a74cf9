import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { composeMessage } from '../compose/message.ts'
import { parseStructure, structureLimits } from '../mime/structure.ts'
import { defectNames, defectsPerNameMax } from './defects.ts'
import type { DefectName } from './defects.ts'
import { inspectMessage } from './inspect.ts'

const head = 'From: a@example.org\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n'
const mixed = `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\n`
const text = (encoding: string, body: string, type = 'text/plain; charset=utf-8'): string =>
  `${head}Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}`
const deep = (): string => {
  let out = mixed
  for (let level = 0; level < structureLimits.depthMax; level += 1)
    out += `--b${'x'.repeat(level)}\r\nContent-Type: multipart/mixed; boundary=b${'x'.repeat(level + 1)}\r\n\r\n`
  return out
}

/** A message for each defect, and what its range covers. Characters are bytes. */
const cases: Readonly<Record<DefectName, readonly [message: string, covered: string]>> = {
  headerUnfinished: [head, head],
  headerLine: [`${head}no field\r\nnor this\r\nSubject: x\r\n\r\n`, 'no field\r\nnor this\r\n'],
  headerLimit: [`${head}${'A: b\r\n'.repeat(6_000)}\r\n`, `${head}${'A: b\r\n'.repeat(6_000)}\r\n`],
  contentType: [`${head}Content-Type: text\r\n\r\n`, 'Content-Type: text\r\n'],
  boundaryMissing: [`${head}Content-Type: multipart/mixed\r\n\r\n`, 'Content-Type: multipart/mixed\r\n'],
  boundarySyntax: [
    `${head}Content-Type: multipart/mixed; boundary="a;b"\r\n\r\n--a;b\r\n\r\n--a;b--`,
    'Content-Type: multipart/mixed; boundary="a;b"\r\n',
  ],
  boundaryAmbiguous: [
    `${mixed}--b\r\nContent-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\n--bb--\r\n--b--`,
    'Content-Type: multipart/mixed; boundary=bb\r\n',
  ],
  partsMissing: [`${mixed}text`, 'text'],
  endMissing: [`${mixed}--b\r\n\r\ntext`, '--b\r\n\r\ntext'],
  compositeEncoded: [
    `${head}Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: base64\r\n\r\n--b\r\n\r\n--b--`,
    'Content-Transfer-Encoding: base64\r\n',
  ],
  nestingLimit: [deep(), `Content-Type: multipart/mixed; boundary=b${'x'.repeat(structureLimits.depthMax)}\r\n\r\n`],
  partsLimit: [`${mixed}${'--b\r\n\r\n'.repeat(10_001)}`, `${mixed}${'--b\r\n\r\n'.repeat(10_001)}`],
  bareLf: [`${head}\r\none\ntwo`, '\n'],
  bareCr: [`${head}\r\none\rtwo`, '\r'],
  nul: [`${head}\r\none\0two`, '\0'],
  longLine: [`${head}\r\n${'x'.repeat(999)}\r\n`, 'x'.repeat(999)],
  headerUtf8: [`${head}Subject: a\xc3\xa4 \xc3\xa4b\r\n\r\n`, '\xc3\xa4 \xc3\xa4'],
  headerEightBit: [`${head}Subject: a\xe4b\r\n\r\n`, '\xe4'],
  fieldDuplicate: [`${head}Subject: a\r\nsubject: b\r\n\r\n`, 'subject: b\r\n'],
  fromMissing: ['Date: 21 Nov 1997 09:55:06 -0600\r\n\r\nx', 'Date: 21 Nov 1997 09:55:06 -0600\r\n\r\n'],
  dateMissing: ['From: a@example.org\r\n\r\nx', 'From: a@example.org\r\n\r\n'],
  dateSyntax: ['From: a@b\r\nDate: Mon, 21 Nov 1997 09:55:06 -0600\r\n\r\n', 'Mon, 21 Nov 1997 09:55:06 -0600'],
  messageIdSyntax: [`${head}References: <a@b> words\r\n\r\n`, '<a@b> words'],
  addressSyntax: [`${head}To: nobody\r\n\r\n`, 'nobody'],
  addressLimit: [`${head}To: ${'a@b,'.repeat(10_000)}\r\n\r\n`, 'a@b,'.repeat(10_000)],
  encodedWordSyntax: [`${head}Subject: x =?utf-8?q?a b?=\r\n\r\n`, '=?utf-8?q?'],
  encodedWordLong: [`${head}Subject: =?utf-8?q?${'a'.repeat(64)}?=\r\n\r\n`, `=?utf-8?q?${'a'.repeat(64)}?=`],
  encodedWordCharset: [`${head}Subject: =?x-none?q?a?=\r\n\r\n`, '=?x-none?q?a?='],
  encodedWordContent: [`${head}Subject: =?utf-8?b?YQ?=\r\n\r\n`, '=?utf-8?b?YQ?='],
  encodedWordInParameter: [`${head}Content-Type: text/plain; name="=?utf-8?q?a?="\r\n\r\n`, '=?utf-8?q?a?='],
  encodingUnknown: [text('x-none', 'a'), 'Content-Transfer-Encoding: x-none\r\n'],
  eightBitBody: [text('7bit', 'a\xc3\xa4b'), '\xc3\xa4'],
  base64Character: [text('base64', 'YWJj\r\n!!YWJj'), '!!'],
  base64Padding: [text('base64', 'YQ==YWJj'), '=='],
  quotedPrintableEscape: [text('quoted-printable', 'a=20b=zz'), '=zz'],
  charsetUnknown: [text('7bit', 'a', 'text/plain; charset=x-none'), 'Content-Type: text/plain; charset=x-none\r\n'],
  charsetBytes: [text('8bit', 'a\xe4'), 'a\xe4'],
}

for (const [name, [message, covered]] of Object.entries(cases) as [DefectName, readonly [string, string]][])
  test(`found: ${name}`, () => {
    const bytes = Buffer.from(message, 'latin1')
    const { defects, counts } = inspectMessage(bytes)
    const found = defects.filter((one) => one.name === name)
    assert.equal(counts.get(name), 1, [...counts.keys()].join())
    assert.deepEqual(
      found.map(({ start, end }) => bytes.toString('latin1', start, end)),
      [covered],
    )
  })

test('every defect has a message above, and words', () => {
  assert.deepEqual(Object.keys(cases).sort(), Object.keys(defectNames).sort())
})

test('what we compose has no defect, whatever is in it', async () => {
  let made = 0
  const unique = (): string => `unique${String(made++).padStart(6, '0')}`
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'grapheme', maxLength: 200 }),
      fc.uint8Array({ maxLength: 200 }),
      async (words, content) => {
        const message = composeMessage(
          {
            from: { name: words, address: 'a@example.org' },
            to: 'b@example.org',
            inReplyTo: 'x@example.org',
            subject: words,
            text: words,
            html: words,
            attachments: [{ content, name: words === '' ? 'x' : words }],
          },
          { nowMs: 0, hostname: 'h.example', unique },
        )
        const { counts } = inspectMessage(await message.bytes())
        assert.deepEqual([...counts.keys()], [])
      },
    ),
  )
})

test('an encoded word in the Q encoding is held against its charset by the bytes that it stands for', () => {
  const counted = (word: string): number =>
    inspectMessage(Buffer.from(`${head}Subject: ${word}\r\n\r\n`)).counts.get('encodedWordContent') ?? 0
  for (const right of ['=?utf-8?q?a=C3=A4_b?=', '=?us-ascii?q?a=3D?=', '=?iso-8859-1?q?=e4?='])
    assert.equal(counted(right), 0)
  for (const wrong of ['=?utf-8?q?a=C3_b?=', '=?us-ascii?q?a=E4?=', '=?utf-8?q?a=C?='])
    assert.equal(counted(wrong), 1, wrong)
})

test('binary parts may hold any bytes; the parts around them may not', () => {
  const part = '--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: binary\r\n\r\n'
  const bytes = Buffer.from(`${mixed}a\nb\r\n${part}\0\r\n\n\r${'x'.repeat(2_000)}\r\n--b--\r\n`, 'latin1')
  const { defects } = inspectMessage(bytes)
  assert.deepEqual(
    defects.map(({ name, part: { kind } }) => [name, kind]),
    [['bareLf', 'multipart']],
  )
})

test('ranges lie in the message and in order, of a name there are so many and all are counted', () => {
  const words = fc.constantFrom(
    '\r\n',
    '\n',
    '\r',
    '\0',
    '\xff',
    '\xc3\xa4',
    '=',
    '=?utf-8?b?YQ?=',
    '=?',
    '?=',
    '--b\r\n',
    '--b--\r\n',
    mixed,
    head,
    'Content-Transfer-Encoding: base64\r\n',
    'Content-Transfer-Encoding: quoted-printable\r\n',
    'References: <a',
    'Content-Type: text/plain; charset=utf-8\r\n\r\n',
    'Content-Type: message/rfc822\r\n\r\n',
    'Date: x\r\n',
    'To: ,\r\n',
    ' \r\n',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 30 }), (pieces) => {
      const bytes = Buffer.from(pieces.join(''), 'latin1')
      let last = 0
      for (const { start, end } of inspectMessage(bytes, parseStructure(bytes)).defects) {
        assert.ok(last <= start && start <= end && end <= bytes.length)
        last = start
      }
    }),
    { numRuns: 500 },
  )
  const { defects, counts } = inspectMessage(Buffer.from(`${head}\r\n${'x\n'.repeat(5_000)}`))
  assert.equal(counts.get('bareLf'), 5_000)
  assert.equal(defects.length, defectsPerNameMax)
})

test('five megabytes of the worst take no time', () => {
  for (const piece of ['=?u?q?', '=?utf-8?q?a', '=    ', '<', '(', '"', 'a:b\r\n', '--b\r\n', '\r', '='])
    for (const frame of [
      `${head}Subject: `,
      `${head}References: `,
      mixed,
      text('quoted-printable', ''),
      text('base64', ''),
    ]) {
      const bytes = Buffer.from(frame + piece.repeat(1_000_000 / piece.length))
      // Were one of them quadratic, the run's own limit of time would end it.
      assert.ok(inspectMessage(bytes).defects.length <= 100_000, `${frame.slice(-20)} ${piece}`)
    }
})
