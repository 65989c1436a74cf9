/** What is read of other projects' messages gives back the message: its bytes from the tree, its values composed anew; in streams as in whole. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { composeMessage } from '../../../src/mail/compose/message.ts'
import { inspectMessage } from '../../../src/mail/inspect/inspect.ts'
import { walkParts } from '../../../src/mail/mime/part.ts'
import type { Part } from '../../../src/mail/mime/part.ts'
import { StreamReader } from '../../../src/mail/mime/stream.ts'
import { parseStructure } from '../../../src/mail/mime/structure.ts'
import { partBytes } from '../../../src/mail/view/part-content.ts'
import { readMessage } from '../../../src/mail/view/read-message.ts'
import { suite } from './vectors.ts'

const suites = ['mime-cpython', 'mime-mime4j', 'mime-mime4j/mimetools', 'headers-mail-parser', 'dkim', 'arc']
const { skip } = suite('mime-mime4j')

function* messages(): Generator<{ name: string; bytes: Buffer }> {
  for (const one of suites) {
    const { folder } = suite(one)
    if (!existsSync(folder)) continue
    for (const file of readdirSync(folder, { withFileTypes: true }))
      if (file.isFile() && /\.(?:eml|msg|txt)$/.test(file.name))
        yield { name: `${one}/${file.name}`, bytes: readFileSync(join(folder, file.name)) }
  }
}

/** The message put together from the ranges of its tree: headers and bodies, and what multiparts have between their parts. */
function emitted(bytes: Buffer, part: Part, pieces: Buffer[]): void {
  pieces.push(bytes.subarray(part.headerStart, part.bodyStart))
  let at = part.bodyStart
  for (const child of part.message === undefined ? part.children : [part.message]) {
    pieces.push(bytes.subarray(at, child.headerStart))
    emitted(bytes, child, pieces)
    at = child.bodyEnd
  }
  pieces.push(bytes.subarray(at, part.bodyEnd))
}

test('the bytes of every message come back from its tree, exactly', { skip }, (t) => {
  let count = 0
  for (const { name, bytes } of messages()) {
    const pieces: Buffer[] = []
    emitted(bytes, parseStructure(bytes), pieces)
    assert.ok(Buffer.concat(pieces).equals(bytes), name)
    count += 1
  }
  t.diagnostic(`${count} messages`)
  assert.ok(count > 150)
})

test('in a stream, whatever its cuts, every message has the same tree and the same decoded bodies', { skip }, () => {
  for (const { name, bytes } of messages()) {
    const root = parseStructure(bytes)
    for (const step of [1, 61, 1_000]) {
      if (step === 1 && bytes.length > 5_000) continue
      const reader = new StreamReader()
      const bodies = new Map<Part, Buffer[]>()
      const events = []
      for (let at = 0; at < bytes.length; at += step)
        events.push(...reader.push(Buffer.from(bytes.subarray(at, at + step))))
      events.push(...reader.end())
      for (const event of events)
        if (event.kind === 'body') {
          const pieces = bodies.get(event.part)
          if (pieces === undefined) bodies.set(event.part, [Buffer.from(event.bytes)])
          else pieces.push(Buffer.from(event.bytes))
        }
      const streamed = events.at(-1)!.part
      assert.deepEqual(streamed, root, name)
      for (const part of walkParts(streamed)) {
        const isLeaf = part.kind !== 'multipart' && part.message === undefined
        const expected = isLeaf ? Buffer.from(partBytes(bytes, part)) : Buffer.alloc(0)
        assert.ok(Buffer.concat(bodies.get(part) ?? []).equals(expected), `${name} ${step}`)
      }
    }
  }
})

const lines = (text: string | undefined): string | undefined =>
  text === undefined
    ? undefined
    : Buffer.from(text.replace(/\r\n|\r|\n/g, '\n'))
        .toString()
        .replace(/\n$/, '')
const words = (text: string | undefined): string =>
  (text ?? '').replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim()

test('what a message says is composed anew, and reads the same: subject, texts, files', { skip }, async (t) => {
  let count = 0
  let made = 0
  const unique = (): string => `unique${String((made += 1)).padStart(6, '0')}`
  for (const { name, bytes } of messages()) {
    const old = readMessage(bytes)
    const { plainText, html } = old
    const files = old.files
    const text = old.bodyLists.textBody.some((part) => part.contentType.subtype !== 'html') ? plainText : undefined
    const again = readMessage(
      await composeMessage(
        {
          from: 'a@example.org',
          subject: words(old.subject),
          text,
          html,
          attachments: files.map((file) => ({ content: file.content(), name: file.name, contentId: undefined })),
        },
        { nowMs: 0, hostname: 'h.example', unique },
      ).bytes(),
    )
    assert.equal(words(again.subject), words(Buffer.from(words(old.subject)).toString()), name)
    if (text !== undefined) assert.equal(lines(again.plainText), lines(text), name)
    assert.equal(lines(again.html), lines(html), name)
    assert.deepEqual(
      again.files.map((file) => Buffer.from(file.content()).toString('base64')),
      files.map((file) => Buffer.from(file.content()).toString('base64')),
      name,
    )
    assert.deepEqual([...inspectMessage(again.bytes).counts.keys()], [], name)
    count += 1
  }
  t.diagnostic(`${count} messages`)
  assert.ok(count > 150)
})
