/** docs/library/mail.md: its examples are right in types, and run; its table of defects is the code's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defectNames } from '../../src/mail/inspect/defects.ts'
import { testExamples } from './examples.ts'

const page = testExamples('mail', 12)

test('every defect is in the table, in the words of the code', () => {
  for (const [name, words] of Object.entries(defectNames)) {
    const [, what, range] = /^(.*) \[(.*)\]$/.exec(words)!
    assert.ok(page.replace(/ +/g, ' ').includes(`| \`${name}\` | ${what} | ${range} |`), name)
  }
})
