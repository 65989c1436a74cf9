/** CPython's test messages: types, names and decoded bodies beside those of its email package. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileName } from '../../../src/mail/mime/content-disposition.ts'
import { parameterText } from '../../../src/mail/mime/parameters.ts'
import type { Part } from '../../../src/mail/mime/part.ts'
import { parseStructure } from '../../../src/mail/mime/structure.ts'
import { decodeTransfer, transferEncoding } from '../../../src/mail/mime/transfer-encoding.ts'
import { cpythonDifferences } from './mime-cpython.differences.ts'
import { judge, suite } from './vectors.ts'

interface Expected {
  type: string
  charset?: string
  filename?: string
  disposition?: string
  decoded_size?: number
  decoded_sha256?: string
  parts?: Expected[]
}

function compare(bytes: Buffer, part: Part, expected: Expected, path: string, faults: string[]): void {
  const differ = (what: string, mine: unknown, theirs: unknown): void => {
    if (mine !== theirs)
      faults.push(`  ${path} ${what}: ours ${JSON.stringify(mine)}, theirs ${JSON.stringify(theirs)}`)
  }
  differ('type', `${part.contentType.type}/${part.contentType.subtype}`, expected.type)
  if (expected.disposition !== undefined) differ('disposition', part.disposition?.type, expected.disposition)
  if (expected.filename !== undefined)
    differ('file name', fileName(part.contentType, part.disposition), expected.filename)
  const inside = part.message === undefined ? part.children : [part.message]
  differ('parts', inside.length, expected.parts?.length ?? 0)
  for (const [at, child] of inside.entries())
    if (expected.parts?.[at] !== undefined) compare(bytes, child, expected.parts[at], `${path}.${at + 1}`, faults)
  if (
    part.kind === 'multipart' ||
    expected.parts !== undefined ||
    inside.length > 0 ||
    expected.decoded_sha256 === undefined
  )
    return
  if (expected.charset !== undefined)
    differ(
      'charset',
      parameterText(part.contentType.parameters, 'charset')?.toLowerCase() ?? 'us-ascii',
      expected.charset,
    )
  const decoded = decodeTransfer(bytes.subarray(part.bodyStart, part.bodyEnd), transferEncoding(part.encoding))
  let text = Buffer.from(decoded).toString('latin1')
  if (part.contentType.type === 'text') text = text.replaceAll('\r\n', '\n')
  text = text.replace(/\n+$/, '')
  differ('size', text.length, expected.decoded_size)
  differ('digest', createHash('sha256').update(text, 'latin1').digest('hex'), expected.decoded_sha256)
}

const { folder, skip } = suite('mime-cpython')

test("Python's email package and we find the same parts", { skip }, (t) => {
  const all = JSON.parse(readFileSync(join(folder, 'expected-structure.json'), 'utf8')) as Record<string, Expected>
  const wrong = new Map<string, string>()
  for (const [name, expected] of Object.entries(all)) {
    const bytes = readFileSync(join(folder, name))
    const faults: string[] = []
    compare(bytes, parseStructure(bytes), expected, '0', faults)
    if (faults.length > 0) wrong.set(name, faults.join('\n'))
  }
  const count = Object.keys(all).length
  t.diagnostic(
    `${count - wrong.size} of ${count} equal, ${Object.keys(cpythonDifferences).length} differences defended`,
  )
  const { unexpected, outdated } = judge(wrong, cpythonDifferences)
  assert.deepEqual(unexpected, [], unexpected.join('\n'))
  assert.deepEqual(outdated, [])
})
