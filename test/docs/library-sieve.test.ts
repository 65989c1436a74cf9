/** docs/library/sieve.md: its examples are right in types, and run; its tables are the code's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sieveCapabilities, sieveLimits } from '../../src/sieve/index.ts'
import { testExamples } from './examples.ts'

const page = testExamples('sieve', 9)

test('the table of limits has the defaults of the code', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` +\| ([\d,]+)(?: characters)? +\|$/gm)]
  assert.deepEqual(
    Object.fromEntries(rows.map(([, name, number]) => [name, Number(number!.replaceAll(',', ''))])),
    sieveLimits,
  )
})

test('every extension is in the table', () => {
  const table = /^## Extensions$([^]*?)^## /m.exec(page)![1]!
  for (const capability of sieveCapabilities) assert.ok(table.includes(`\`${capability}\``), capability)
  assert.equal([...table.matchAll(/^\| .*$/gm)].join().match(/`[^`]+`/g)?.length, sieveCapabilities.length)
})
