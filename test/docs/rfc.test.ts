/** docs/rfc.md is fresh, and what the comments cite exists. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { citationsIn, citingFiles, rfcPage, statusesIn } from './rfc.ts'
import { titles } from './rfc-titles.ts'

const root = process.env.PENNYPOST_ROOT!
/** The texts of the standards, where they are at hand. */
const texts = join(root, '..', 'shared', 'rfc')

test('docs/rfc.md is what the comments say', () => {
  assert.equal(readFileSync(join(root, 'docs/rfc.md'), 'utf8'), rfcPage(root), 'write it anew: node scripts/rfc.mjs')
})

test('every RFC that is cited has a title, and none has one for nothing', () => {
  const cited = new Set(
    citingFiles(root)
      .flatMap(citationsIn)
      .map(({ rfc }) => rfc),
  )
  assert.deepEqual(
    [...cited].filter((rfc) => titles[rfc] === undefined),
    [],
  )
  assert.deepEqual(
    Object.keys(titles).filter((rfc) => !cited.has(Number(rfc))),
    [],
  )
})

test('citations and sentences go over the ends of lines, and sections are told apart', () => {
  const text = [
    '/**',
    ' * Reads it. RFC 5321 §4.5.3.1.8, §4.1.2 and §4.1.3; RFC',
    ' * 9051. Departs: RFC 5322 §3.4, because people write `a@b.` so. And more.',
    ' */',
    '// Not yet: RFC 6858 §2.2 for headers of',
    '// body parts.',
    "const x = 'Departs: nothing'",
  ].join('\n')
  assert.deepEqual(
    citationsIn({ path: 'x', text }).map(({ rfc, section }) => `${rfc} ${section}`),
    ['5321 4.5.3.1.8', '5321 4.1.2', '5321 4.1.3', '9051 ', '5322 3.4', '6858 2.2'],
  )
  assert.deepEqual(
    statusesIn({ path: 'x', text }).map(({ kind, text }) => `${kind}: ${text}`),
    ['Departs: RFC 5322 §3.4, because people write `a@b.` so', 'Not yet: RFC 6858 §2.2 for headers of body parts'],
  )
})

test('every section that is cited is one of its RFC', { skip: existsSync(texts) ? false : 'no RFCs' }, () => {
  const wrong: string[] = []
  const known = new Map<number, string | undefined>()
  for (const { rfc, section, path } of citingFiles(root).flatMap(citationsIn)) {
    if (!known.has(rfc)) {
      const file = join(texts, `rfc${rfc}.txt`)
      known.set(rfc, existsSync(file) ? readFileSync(file, 'utf8') : undefined)
    }
    const text = known.get(rfc)
    if (text === undefined || section === '') continue
    const heading = new RegExp(`^ {0,6}(?:Appendix )?${section.replaceAll('.', '\\.')}\\.?(?:\\s|:)`, 'm')
    if (!heading.test(text)) wrong.push(`${path}: RFC ${rfc} §${section}`)
  }
  assert.deepEqual([...new Set(wrong)], [])
})
