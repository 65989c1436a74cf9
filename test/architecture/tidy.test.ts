import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { referenceText } from '../../src/config/explain.ts'
import { root, sourceFiles } from './source.ts'

test('every file begins with what it holds', () => {
  const silent = sourceFiles
    .filter(({ path, text }) => !path.endsWith('.test.ts') && !text.startsWith('/**'))
    .map(({ path }) => path)
  assert.deepEqual(silent, [])
})

test('no file grows beyond one sitting', () => {
  // style.md: near 400 lines, look for the second idea. Tables and shared suites stay whole.
  const long = sourceFiles
    .filter(({ text, isTest }) => !isTest && text.split('\n').length > 600)
    .map(({ path }) => path)
  assert.deepEqual(long, [])
})

test('names are exported by name', () => {
  assert.deepEqual(
    sourceFiles.filter(({ text }) => /^export default\b/m.test(text)).map(({ path }) => path),
    [],
  )
})

test('nothing is left for later without saying what', () => {
  const left = sourceFiles.filter(({ text }) => /\b(?:TODO|FIXME|XXX|HACK)\b/.test(text)).map(({ path }) => path)
  assert.deepEqual(left, [])
})

test('docs/config.md is what the options say', () => {
  assert.equal(
    readFileSync(join(root, 'docs', 'config.md'), 'utf8'),
    referenceText(),
    'print it anew: node bin/pennypost.js config reference > docs/config.md',
  )
})

test('what package.json exports exists in the sources', () => {
  const facts = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string; default: string }>
    bin: Record<string, string>
  }
  for (const target of Object.values(facts.bin)) assert.ok(existsSync(join(root, target)), target)
  for (const target of Object.values(facts.exports)) {
    if (typeof target === 'string') assert.ok(existsSync(join(root, target)), target)
    else {
      assert.ok(existsSync(join(root, target.types)), target.types)
      assert.equal(target.default, target.types.replace('./src/', './dist/').replace(/\.ts$/, '.js'))
    }
  }
})
