import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { matchesPattern } from './list.ts'

test('wildcards match as a regular expression would', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 })
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '%'), maxLength: 6 })
  fc.assert(
    fc.property(word, pattern, (name, text) => {
      const source = text.replaceAll('*', '.*').replaceAll('%', '[^/]*')
      assert.equal(matchesPattern(name, text), new RegExp(`^${source}$`).test(name))
    }),
    { numRuns: 2000 },
  )
})

test('many wildcards cost no more than name times pattern', () => {
  assert.equal(matchesPattern('a'.repeat(1000), '*a'.repeat(400) + 'b'), false)
})
