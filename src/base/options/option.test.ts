import assert from 'node:assert/strict'
import { test } from 'node:test'
import { count, list, text } from './kinds.ts'
import { defaultsOf, formerly, option, table } from './option.ts'

test('the defaults of a table have its keys, also those without a value', () => {
  const options = table({
    hopsMax: option(count(1, 1000), 100, 'Maximum number of hops.'),
    names: formerly('called', option(list(text), ['a'], 'Names.')),
    file: option(text, undefined, 'A file.', './file'),
  })
  const defaults = defaultsOf(options)
  assert.deepEqual(defaults, { hopsMax: 100, names: ['a'], file: undefined })
  assert.deepEqual(Object.keys(defaults), ['hopsMax', 'names', 'file'])
  const hops: number = defaults.hopsMax
  const file: string | undefined = defaults.file
  assert.deepEqual([hops, file], [100, undefined])
})
