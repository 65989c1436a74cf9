/** Header fields of Stalwart's mail-parser: addresses, types, dates, ids and text beside its readings. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAddressList } from '../../../src/mail/address-list.ts'
import type { AddressMailbox } from '../../../src/mail/address-list.ts'
import { parseDate } from '../../../src/mail/date.ts'
import { Header } from '../../../src/mail/header.ts'
import { parseMessageIds } from '../../../src/mail/message-ids.ts'
import { parseContentType } from '../../../src/mail/mime/content-type.ts'
import { decodeEncodedWords } from '../../../src/mail/mime/encoded-word.ts'
import { parameterText } from '../../../src/mail/mime/parameters.ts'
import { headerDifferences } from './headers-mail-parser.differences.ts'
import { judge, suite } from './vectors.ts'

const { folder, skip } = suite('headers-mail-parser')

/** Runs one file: our reading of each header beside the expected one, both in the same shape. */
function run<T>(file: string, read: (value: string) => unknown, expect: (expected: T) => unknown): void {
  test(`${file}: header values are read as mail-parser reads them`, { skip }, (t) => {
    const cases = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { header: string; expected: T }[]
    const wrong = new Map<string, string>()
    for (const { header, expected } of cases) {
      // Their parser stops at the field's end, so the value is read as one field of a header.
      const fields = new Header(`x:${Buffer.from(header).toString('latin1')}`)
      const mine = JSON.stringify(read(fields.value(fields.fields[0]!)))
      const theirs = JSON.stringify(expect(expected))
      if (mine !== theirs) wrong.set(header, `  ours   ${mine}\n  theirs ${theirs}`)
    }
    const known = headerDifferences[file] ?? {}
    t.diagnostic(`${cases.length - wrong.size} of ${cases.length} equal, ${wrong.size} differences defended`)
    const { unexpected, outdated } = judge(wrong, known)
    assert.deepEqual(unexpected, [], unexpected.join('\n'))
    assert.deepEqual(outdated, [])
  })
}

interface TheirAddress {
  name: string | null
  address: string | null
}
interface TheirGroup {
  name: string | null
  addresses: TheirAddress[]
}

/** Mail-parser adds all comments to names; ours give a name only where there is no other. */
const plainName = (name: string | null | undefined): string => (name ?? '').replace(/ \(.*\)$/, '').trim()
const ourAddress = (one: AddressMailbox): string[] => {
  const address = one.domain === '' ? one.localPart : `${one.localPart}@${one.domain}`
  return [plainName(decodeEncodedWords(one.name ?? '')), (one.route === undefined ? '' : `${one.route}:`) + address]
}
const theirAddress = (one: TheirAddress): string[] => [plainName(one.name), (one.address ?? '').replace(/ *\. */g, '.')]

run<{ List?: TheirAddress[]; Group?: TheirGroup[] }>(
  'address.json',
  (value) =>
    parseAddressList(value).map((one) =>
      one.kind === 'mailbox'
        ? ourAddress(one)
        : { group: decodeEncodedWords(one.name), members: one.members.map(ourAddress) },
    ),
  (expected) =>
    expected.List?.map(theirAddress) ??
    expected.Group?.flatMap((one): unknown[] =>
      one.name === null
        ? one.addresses.map(theirAddress)
        : [{ group: plainName(one.name), members: one.addresses.map(theirAddress) }],
    ),
)

run<{ c_type: string; c_subtype: string | null; attributes?: [string, string][] | null } | null>(
  'content_type.json',
  (value) => {
    const type = parseContentType(value)
    if (type === undefined) return null
    const names = [...new Set(type.parameters.map((one) => one.name))].sort()
    const text = decodeEncodedWords
    return [
      text(type.type),
      text(type.subtype),
      names.map((name) => [text(name), parameterText(type.parameters, name)]),
    ]
  },
  (expected) => {
    // Without a subtype, a value is no type for us (it may be a disposition).
    if (expected === null || expected.c_subtype === null) return null
    const attributes = (expected.attributes ?? []).filter(([name]) => !name.endsWith('-language'))
    return [expected.c_type, expected.c_subtype, attributes.sort(([a], [b]) => (a < b ? -1 : 1))]
  },
)

interface TheirDate {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
  tz_before_gmt: boolean
  tz_hour: number
  tz_minute: number
}
const theirTime = (one: TheirDate | null | undefined): number | null => {
  if (one === null || one === undefined) return null
  const offset = (one.tz_hour * 60 + one.tz_minute) * (one.tz_before_gmt ? -1 : 1)
  return Date.UTC(one.year, one.month - 1, one.day, one.hour, one.minute, one.second) - offset * 60_000
}

run<TheirDate | null>('date.json', (value) => parseDate(value)?.epochMs ?? null, theirTime)

run<{ date?: TheirDate }>(
  'received.json',
  (value) => (value.includes(';') ? (parseDate(value.slice(value.lastIndexOf(';') + 1))?.epochMs ?? null) : null),
  (expected) => theirTime(expected?.date),
)

run<string[] | null>(
  'id.json',
  (value) => parseMessageIds(value),
  // White space inside an id is what folding left.
  (expected) => (expected ?? []).map((id) => id.replace(/\s+/g, '')),
)

const oneSpace = (text: string): string => text.replace(/\s+/g, ' ').trim()
run<string>(
  'unstructured.json',
  (value) => oneSpace(decodeEncodedWords(value)),
  (expected) => oneSpace(expected),
)

run<string[]>(
  'list.json',
  (value) =>
    decodeEncodedWords(value)
      .split(',')
      .map(oneSpace)
      .filter((one) => one !== ''),
  (expected) => expected.map(oneSpace),
)
