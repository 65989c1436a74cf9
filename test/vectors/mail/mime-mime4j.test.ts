/** Mime4j's test messages: our tree of parts beside its events. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseHeader } from '../../../src/mail/header.ts'
import type { Part } from '../../../src/mail/mime/part.ts'
import { parseStructure } from '../../../src/mail/mime/structure.ts'
import { mime4jDifferences } from './mime-mime4j.differences.ts'
import { judge, suite } from './vectors.ts'

interface Shape {
  fields: string[]
  kind: string
  body?: string
  parts: Shape[]
}

/** White space and 8-bit characters are not compared: Mime4j's files have passed through XML and a charset. */
const bare = (text: string): string => text.replace(/[^\x21-\x7e]+/g, '')

function ours(bytes: Buffer, part: Part): Shape {
  const header = parseHeader(bytes, part.headerStart, part.bodyStart)
  const fields = header.fields.map((field) => field.name)
  if (part.kind === 'multipart')
    return { fields, kind: 'multipart', parts: part.children.map((one) => ours(bytes, one)) }
  if (part.message !== undefined) return { fields, kind: 'message', parts: [ours(bytes, part.message)] }
  return { fields, kind: 'body', parts: [], body: bare(bytes.toString('latin1', part.bodyStart, part.bodyEnd)) }
}

function unescape(text: string): string {
  return text.replace(
    /&(lt|gt|quot|apos|amp);/g,
    (_, name: string) => ({ lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' })[name]!,
  )
}

/** The XML is Mime4j's own and simple: elements without attributes, text escaped. */
function theirs(xml: string): Shape {
  const root: Shape = { fields: [], kind: 'message', parts: [] }
  const stack: Shape[] = [root]
  const pattern = /<(\/?)([a-z-]+)>|([^<]+)/g
  let element = ''
  let text = ''
  for (let found = pattern.exec(xml); found !== null; found = pattern.exec(xml)) {
    const [, slash, name, words] = found
    if (words !== undefined) text += words
    else if (slash === '') {
      element = name!
      text = ''
      const top = stack.at(-1)!
      if (name === 'message' || name === 'body-part') {
        const next: Shape = { fields: [], kind: 'body', parts: [] }
        if (name === 'message' && stack.length > 1) top.kind = 'message'
        top.parts.push(next)
        stack.push(next)
      } else if (name === 'multipart') top.kind = 'multipart'
    } else {
      const top = stack.at(-1)!
      if (name === 'field') top.fields.push(unescape(text).trim().split(':')[0]!.trim().toLowerCase())
      else if (name === 'body' && element === 'body') top.body = bare(unescape(text))
      else if (name === 'message' || name === 'body-part') stack.pop()
    }
  }
  return root.parts[0]!
}

const { folder, skip } = suite('mime-mime4j')

test('Mime4j and we cut messages at the same places', { skip }, (t) => {
  const wrong = new Map<string, string>()
  let count = 0
  for (const name of ['.', 'mimetools']
    .flatMap((under) =>
      readdirSync(join(folder, under))
        .filter((file) => file.endsWith('.msg'))
        .map((file) => join(under, file)),
    )
    .sort()) {
    const bytes = readFileSync(join(folder, name))
    const expected = theirs(readFileSync(join(folder, name.replace(/\.msg$/, '.xml')), 'utf8'))
    const mine = ours(bytes, parseStructure(bytes))
    count += 1
    const [a, b] = [JSON.stringify(mine), JSON.stringify(expected)]
    if (a !== b) wrong.set(name, `  ours   ${a.slice(0, 1500)}\n  theirs ${b.slice(0, 1500)}`)
  }
  t.diagnostic(`${count - wrong.size} of ${count} equal, ${Object.keys(mime4jDifferences).length} differences defended`)
  const { unexpected, outdated } = judge(wrong, mime4jDifferences)
  assert.deepEqual(unexpected, [], unexpected.join('\n'))
  assert.deepEqual(outdated, [])
  assert.equal(count, 80)
})
