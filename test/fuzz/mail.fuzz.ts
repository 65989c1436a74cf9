/**
 * Mutated messages through the mail room. FUZZ_SECONDS bounds the run (20), FUZZ_SEED repeats one.
 *
 * Whatever the bytes: nothing throws, cuts change nothing, ranges lie in each other, and what FETCH would send is IMAP.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { inspectMessage } from '../../src/mail/inspect/inspect.ts'
import { formatBodyBasic, formatBodyStructure } from '../../src/mail/imap/body-structure.ts'
import { formatEnvelope } from '../../src/mail/imap/envelope.ts'
import { sectionRange, selectFields } from '../../src/mail/imap/section.ts'
import { messageFacts } from '../../src/mail/message-facts.ts'
import { fileName } from '../../src/mail/mime/content-disposition.ts'
import type { Part } from '../../src/mail/mime/part.ts'
import { walkParts } from '../../src/mail/mime/part.ts'
import { StreamReader } from '../../src/mail/mime/stream.ts'
import { parseStructure, StructureParser } from '../../src/mail/mime/structure.ts'
import { parseDeliveryStatus } from '../../src/mail/report/delivery-status.ts'
import { parseDispositionNotification } from '../../src/mail/report/disposition.ts'
import { parseFeedbackReport } from '../../src/mail/report/feedback.ts'
import { readReport } from '../../src/mail/report/read-report.ts'
import { surrogateHeader } from '../../src/mail/surrogate.ts'
import { filesWithTnef } from '../../src/mail/tnef/message-files.ts'
import { decompressRtf } from '../../src/mail/tnef/rtf.ts'
import { readTnef } from '../../src/mail/tnef/tnef.ts'
import { calendarsOf } from '../../src/mail/view/calendar.ts'
import { partBytes } from '../../src/mail/view/part-content.ts'
import { ReadMessage } from '../../src/mail/view/read-message.ts'
import { splitUuencoded } from '../../src/mail/view/uuencode.ts'
import { createTextMatcher } from '../../src/mail/search-text.ts'
import { readImapValue } from '../interop/imap-value.ts'
import { writeTnef } from '../support/tnef-writer.ts'

const vectors = join(process.env.PENNYPOST_ROOT!, '..', 'shared', 'vectors')
const seconds = Number(process.env.FUZZ_SECONDS ?? 20)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 0x7fffffff)

/** mulberry32: small, and the same everywhere. */
function randomOf(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const builtIn = [
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\ny\r\n--b--\r\n',
  'From: "A B" <a@b>, G: c@d;\r\nTo: =?utf-8?Q?=C3=A9?= <e@f>\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\nbody\r\n',
]

function corpus(): Buffer[] {
  const found = builtIn.map((text) => Buffer.from(text))
  for (const suite of ['mime-cpython', 'mime-mime4j', 'mime-mime4j/mimetools']) {
    const folder = join(vectors, suite)
    if (!existsSync(folder)) continue
    for (const file of readdirSync(folder))
      if (/\.(?:eml|msg)$/.test(file)) found.push(readFileSync(join(folder, file)))
  }
  return [...found.filter((message) => message.length < 20_000), ...own()]
}

/** Of what the vectors have none: a report, a winmail.dat, files in a text, an invitation. */
function own(): Buffer[] {
  const tnef = writeTnef({ subject: 'x', html: '<p>', files: [{ name: 'a.txt', content: Buffer.from('abc') }] })
  const status = 'Reporting-MTA: dns; a\r\n\r\nFinal-Recipient: utf-8; \\x{FC}@b\r\nAction: failed\r\nStatus: 5.1.1\r\n'
  const parts = [
    `Content-Type: message/delivery-status\r\n\r\n${status}`,
    'Content-Type: message/disposition-notification\r\n\r\nDisposition: manual-action/MDN-sent-manually; displayed/error\r\n',
    'Content-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nSPF-DNS: txt : a : "v=spf1"\r\nIncidents: 3\r\n',
    'Content-Type: text/rfc822-headers\r\n\r\nSubject: y\r\n',
    `Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n${tnef.toString('base64')}\r\n`,
    'Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\n',
  ]
  const head = 'From: a@b\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n'
  const text = 'Subject: x\r\n\r\nSee:\r\nbegin 644 a\r\n#0V%T\r\n`\r\nend\r\nbegin-base64 644 b\r\nQUJD\r\n====\r\n'
  return [
    ...parts.map((part) => Buffer.from(`${head}\r\nHello\r\n--b\r\n${part}\r\n--b--\r\n`)),
    Buffer.from(`${head}${parts.join('\r\n--b\r\n')}\r\n--b--\r\n`),
    Buffer.from(text),
  ]
}

const words = [
  '\r\n',
  '\n',
  '\r',
  '\r\n\r\n',
  '--',
  '\0',
  '\xff',
  '"',
  '(',
  ')',
  '<',
  '>',
  ';',
  ':',
  '=?utf-8?q?',
  '?=',
  '\\',
  'Content-Type: multipart/mixed; boundary=b\r\n',
  'Content-Type: message/rfc822\r\n\r\n',
  '\r\n--b\r\n',
  '\r\n--b--\r\n',
  'Content-Transfer-Encoding: base64\r\n',
  "boundary*0*=utf-8''%62;",
  'From: a@b\r\n',
  '{10}\r\n',
]

function mutate(message: Buffer, random: () => number, others: readonly Buffer[]): Buffer {
  let bytes = message
  const at = (): number => Math.floor(random() * (bytes.length + 1))
  for (let turn = 1 + Math.floor(random() * 6); turn > 0; turn -= 1) {
    const from = at()
    const to = Math.min(bytes.length, from + Math.floor(random() * 40))
    const other = others[Math.floor(random() * others.length)]!
    const word = Buffer.from(words[Math.floor(random() * words.length)]!, 'latin1')
    const choice = Math.floor(random() * 5)
    if (choice === 0) bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
    else if (choice === 1) bytes = Buffer.concat([bytes.subarray(0, from), word, bytes.subarray(from)])
    else if (choice === 2) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)])
    else if (choice === 3)
      bytes = Buffer.concat([bytes.subarray(0, from), other.subarray(Math.floor(random() * other.length))]).subarray(
        0,
        30_000,
      )
    else {
      bytes = Buffer.from(bytes)
      if (from < bytes.length) bytes[from] = Math.floor(random() * 256)
    }
  }
  return bytes
}

function nested(part: Part, start: number, end: number): void {
  assert.ok(start <= part.headerStart && part.headerStart <= part.bodyStart, 'header range')
  assert.ok(part.bodyStart <= part.bodyEnd && part.bodyEnd <= end, 'body range')
  let from = part.bodyStart
  for (const child of part.message === undefined ? part.children : [part.message]) {
    nested(child, from, part.bodyEnd)
    from = child.bodyEnd
  }
}

function balanced(text: string): void {
  assert.equal(readImapValue(text).end, text.length)
}

function lengthOf(ranges: readonly (readonly [number, number])[]): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from, 0)
}

function check(message: Buffer, random: () => number): void {
  const root = parseStructure(message)
  const parser = new StructureParser()
  for (let at = 0; at < message.length;) {
    const end = at + 1 + Math.floor(random() * (random() < 0.5 ? 8 : 2000))
    parser.push(message.subarray(at, end))
    at = end
  }
  assert.deepEqual(parser.end(), root, 'chunks')
  nested(root, 0, message.length)
  assert.equal(root.bodyEnd, message.length)
  balanced(formatBodyStructure(root))
  balanced(formatBodyBasic(root))
  balanced(formatEnvelope(root.header))
  messageFacts(root)
  for (const part of walkParts(root)) fileName(part.contentType, part.disposition)
  for (const part of [[], [1], [2, 1]])
    for (const text of [undefined, { kind: 'header' }, { kind: 'text' }, { kind: 'mime' }] as const) {
      const range = sectionRange(root, { part, text })
      if (range !== undefined) assert.ok(0 <= range[0] && range[0] <= range[1] && range[1] <= message.length, 'section')
    }
  const header = message.subarray(root.headerStart, root.bodyStart)
  const [some, rest] = [false, true].map((not) => selectFields(header, ['from', 'to', 'content-type'], not))
  const both = lengthOf(some!) + lengthOf(rest!) - header.length
  assert.ok(both >= 0 && both <= 2, 'each line is selected once, the blank line twice')
  const read = new ReadMessage(message, root)
  void [
    read.subject,
    read.date,
    read.messageId,
    read.references,
    read.plainText,
    read.html,
    read.preview,
    read.hasAttachment,
  ]
  for (const name of ['from', 'reply-to', 'to', 'cc'] as const) read.people(name)
  for (const file of read.files) {
    const bytes = file.content()
    assert.ok(bytes.length <= file.sizeBytes, 'decoding makes nothing longer')
  }
  assert.equal(read.fields.length, root.header!.fields.length)
  const conventional = surrogateHeader(header)
  if (conventional)
    assert.ok(
      conventional.every((byte) => byte < 0x80),
      'a surrogate is ASCII',
    )
  createTextMatcher('zq-é').text(message, root)
  createTextMatcher('zq').text(message, root)
}

/** ResultBatcher, files in texts and in winmail.dat, invitations, defects; and the same message as a stream. */
function checkReaders(message: Buffer, root: Part, random: () => number): void {
  const read = new ReadMessage(message, root)
  readReport(read)
  calendarsOf(read)
  for (const file of filesWithTnef(read)) assert.equal(file.content().length <= message.length, true)
  const text = read.plainText ?? ''
  let last = 0
  for (const { start, end } of splitUuencoded(text).files) {
    assert.ok(last <= start && start < end && end <= text.length, 'ranges of files')
    last = end
  }
  for (const { start, end } of inspectMessage(message, root).defects)
    assert.ok(0 <= start && start <= end && end <= message.length, 'ranges of defects')
  // As if the bytes were what only parts hold: the readers take anything.
  for (const bytes of [message, message.subarray(root.bodyStart)]) {
    for (const parse of [parseDeliveryStatus, parseDispositionNotification, parseFeedbackReport, decompressRtf])
      parse(bytes)
    readTnef(Buffer.concat([Buffer.from('789f3e220100', 'hex'), bytes]))
  }
  const reader = new StreamReader()
  const bodies = new Map<Part, Buffer[]>()
  const events = []
  for (let at = 0; at < message.length;) {
    const end = at + 1 + Math.floor(random() * (random() < 0.3 ? 8 : 4000))
    events.push(...reader.push(Buffer.from(message.subarray(at, end))))
    at = end
  }
  events.push(...reader.end())
  for (const event of events) {
    if (event.kind === 'begin') bodies.set(event.part, [])
    else if (event.kind === 'body') bodies.get(event.part)!.push(Buffer.from(event.bytes))
  }
  const streamed = events.at(-1)!.part
  assert.deepEqual(streamed, root, 'the tree of a stream')
  for (const part of walkParts(streamed)) {
    const isLeaf = part.kind !== 'multipart' && part.message === undefined
    const expected = isLeaf ? Buffer.from(partBytes(message, part)) : Buffer.alloc(0)
    assert.ok(Buffer.concat(bodies.get(part)!).equals(expected), 'the bodies of a stream')
  }
}

test(`no message breaks the mail room (seed ${seed})`, (t) => {
  const all = corpus()
  const random = randomOf(seed)
  const until = Date.now() + seconds * 1000
  let count = 0
  let slowest = 0
  while (Date.now() < until) {
    const message = mutate(all[Math.floor(random() * all.length)]!, random, all)
    const started = performance.now()
    try {
      check(message, random)
      checkReaders(message, parseStructure(message), random)
    } catch (error) {
      console.log(`FUZZ_SEED=${seed}, message ${count}: ${message.toString('base64')}`)
      throw error
    }
    slowest = Math.max(slowest, performance.now() - started)
    count += 1
  }
  t.diagnostic(`seed ${seed}: ${count} messages of ${all.length}, slowest ${slowest.toFixed(1)} ms`)
  assert.ok(count > 0)
})
