/** is_email()'s addresses: what SMTP takes is taken, what only headers may hold is not. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatMailbox, parseMailbox } from '../../../src/mail/address.ts'
import { isemailDifferences } from './isemail.differences.ts'
import { judge, suite } from './vectors.ts'

const valid = new Set(['ISEMAIL_VALID_CATEGORY', 'ISEMAIL_DNSWARN', 'ISEMAIL_RFC5321'])

/** Entities, and U+2400 + code for control characters. */
function unescape(text: string): string {
  return text
    .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(
      /&(lt|gt|quot|apos|amp);/g,
      (_, name: string) => ({ lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' })[name]!,
    )
    .replace(/[\u2400-\u2421]/g, (char) =>
      String.fromCharCode(char.charCodeAt(0) === 0x2421 ? 0x7f : char.charCodeAt(0) - 0x2400),
    )
}

const { folder, skip } = suite('isemail')

for (const [file, least] of [
  ['tests.xml', 164],
  ['tests-original.xml', 279],
] as const)
  test(`${file}: addresses are taken and refused as is_email() says`, { skip }, (t) => {
    const xml = readFileSync(join(folder, file), 'utf8')
    const wrong = new Map<string, string>()
    let count = 0
    for (const [, body] of xml.matchAll(/<test id="[^"]*">(.*?)<\/test>/gs)) {
      const text = (name: string): string => new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(body!)?.[1] ?? ''
      const address = unescape(text('address'))
      const category = text('category')
      const mailbox = parseMailbox(address)
      count += 1
      if ((mailbox !== undefined) !== valid.has(category)) wrong.set(address, `  ${category} ${text('diagnosis')}`)
      if (mailbox !== undefined) assert.deepEqual(parseMailbox(formatMailbox(mailbox)), mailbox)
    }
    assert.ok(count >= least, `${count} cases`)
    t.diagnostic(`${count - wrong.size} of ${count} as expected, ${wrong.size} differences defended`)
    // The differences of both files stand in one list, so only what is missing from it counts.
    const { unexpected } = judge(wrong, isemailDifferences)
    assert.deepEqual(unexpected, [], unexpected.join('\n'))
  })
