/** East Asian charsets beside Chromium's TextDecoder, every sequence of one to four bytes: digests by `scripts/charset-oracle.mjs`. */
import assert from 'node:assert/strict'
import { createHash, type Hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeCharset } from '../../src/mail/mime/charset.ts'

const { digests } = JSON.parse(
  readFileSync(join(process.env.PENNYPOST_ROOT!, 'test/charsets/chromium.json'), 'utf8'),
) as {
  digests: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** As the script asks for them. */
function* sequences(label: string): Generator<number[]> {
  if (label === 'iso-2022-jp') {
    for (const [set, size] of [
      ['$B', 2],
      ['$@', 2],
      ['(J', 1],
      ['(I', 1],
      ['(B', 1],
    ] as const)
      for (let one = 0x21; one <= 0x7e; one += 1)
        for (let two = 0x21; two <= (size === 2 ? 0x7e : 0x21); two += 1)
          yield [0x1b, set.charCodeAt(0), set.charCodeAt(1), one, ...(size === 2 ? [two] : [])]
    return
  }
  for (let one = 0; one < 256; one += 1) yield [one]
  for (let one = 0x80; one < 256; one += 1) for (let two = 0; two < 256; two += 1) yield [one, two]
  if (label === 'euc-jp')
    for (let two = 0x80; two < 256; two += 1) for (let three = 0x80; three < 256; three += 1) yield [0x8f, two, three]
  if (label === 'gb18030')
    for (let one = 0x81; one < 0xff; one += 1)
      for (let two = 0x30; two <= 0x39; two += 1)
        for (let three = 0x81; three < 0xff; three += 1)
          for (let four = 0x30; four <= 0x39; four += 1) yield [one, two, three, four]
}

for (const [label, expected] of Object.entries(digests))
  test(`${label}: each sequence is what Chromium makes of it`, () => {
    const rows = new Map<string, Hash>()
    for (const sequence of sequences(label)) {
      const row = Buffer.from(sequence.slice(0, label === 'iso-2022-jp' ? 3 : 1)).toString('hex')
      let hash = rows.get(row)
      if (hash === undefined) {
        hash = createHash('sha256')
        rows.set(row, hash)
      }
      hash.update(Buffer.from(`${decodeCharset(Uint8Array.from(sequence), label)}\n`, 'utf16le'))
    }
    const found = Object.fromEntries([...rows].map(([row, hash]) => [row, hash.digest('hex').slice(0, 12)]))
    assert.deepEqual(found, expected)
  })
