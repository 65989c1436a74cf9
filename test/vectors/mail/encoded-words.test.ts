/** The RFCs' own examples: encoded words, parameters, base subjects. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAddressList } from '../../../src/mail/address-list.ts'
import { baseSubject } from '../../../src/mail/base-subject.ts'
import { parseContentType } from '../../../src/mail/mime/content-type.ts'
import { decodeEncodedWords } from '../../../src/mail/mime/encoded-word.ts'
import { parameterText } from '../../../src/mail/mime/parameters.ts'
import { suite } from './vectors.ts'

const { folder, skip } = suite('encoded-words')
const read = <T>(file: string): T[] => JSON.parse(readFileSync(join(folder, file), 'utf8')) as T[]

test('the examples of RFC 2047 §8 are decoded', { skip }, (t) => {
  const cases = read<{ in: string; kind: string; out: unknown }>('rfc2047-section8.json')
  for (const { in: typed, kind, out } of cases) {
    // The typist slipped in one word; RFC 2047 §8 has the other, of which the expected text is right.
    const input = typed.replace('7eXs+SDv4SDs6Oj08A==', '7eXs+SDv4SDp7Oj08A==')
    if (kind === 'address') {
      const mine = parseAddressList(input).map((one) =>
        one.kind === 'mailbox'
          ? { name: decodeEncodedWords(one.name ?? ''), address: `${one.localPart}@${one.domain}` }
          : one,
      )
      assert.deepEqual(mine, out)
    } else assert.equal(decodeEncodedWords(kind === 'comment' ? input.slice(1, -1) : input), out)
  }
  t.diagnostic(`${cases.length} of ${cases.length}`)
})

test('the examples of RFC 2231 are decoded', { skip }, (t) => {
  const cases = read<{ in: string; param: string; out: string }>('rfc2231-examples.json')
  for (const { in: input, param, out } of cases)
    assert.equal(parameterText(parseContentType(input)!.parameters, param), out)
  t.diagnostic(`${cases.length} of ${cases.length}`)
})

test('base subjects follow RFC 5256 §2.1', { skip }, (t) => {
  const cases = read<{ in: string; out: string }>('rfc5256-base-subject.json')
  for (const { in: input, out } of cases) assert.equal(baseSubject(input).text.toUpperCase(), out, input)
  t.diagnostic(`${cases.length} of ${cases.length}`)
})
