import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
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

/** The function that `position` stands in: up to the line that is indented less. */
function restOfBlock(text: string, position: number): string {
  const lineStart = text.lastIndexOf('\n', position) + 1
  const indent = /^ */.exec(text.slice(lineStart))![0].length
  const end = new RegExp(`\\n {0,${indent - 1}}\\S`).exec(text.slice(position))
  return text.slice(position, end === null ? text.length : position + end.index)
}

/** What V8 holds for pure, and moves: also into a loop. */
const search = '(?:indexOf|includes|charCodeAt|codePointAt|charAt|slice|substring|toLowerCase|toUpperCase|startsWith)'

test('a string that a loop builds is not searched in the same function', () => {
  // A search that is used behind the loop and on one way through it is done at each turn, and each time copies all that was built:
  // 1 MiB of `b (x). ` in To held the event loop up for minutes on Node 20, in the run in four whose optimizer had so decided.
  const found: string[] = []
  for (const { path, text, isTest } of sourceFiles) {
    if (isTest) continue
    for (const { 1: name, index } of text.matchAll(/^ +let (\w+)(?:: string)? = ''$/gm)) {
      const block = restOfBlock(text, index + 1)
      if (!new RegExp(`\\b${name} \\+= `).test(block) || !/\b(?:while|for) \(/.test(block)) continue
      const called = [...block.matchAll(new RegExp(`\\b(\\w+)\\(${name}\\)`, 'g'))].some(({ 1: callee }) => {
        const own = new RegExp(`^function ${callee}\\((\\w+)[^]*?^}`, 'm').exec(text)
        return own !== null && new RegExp(`\\b${own[1]}\\.${search}\\(`).test(own[0])
      })
      if (called || new RegExp(`\\b${name}(?:\\.${search}\\(|\\[)`).test(block)) found.push(`${path}: ${name}`)
    }
  }
  assert.deepEqual(found, [])
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

test('tests signal processes by signalProcess: a pid that was read as 0 would end the whole run', () => {
  const own = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' }).filter(
    (path) =>
      path.endsWith('.ts') &&
      path !== join('support', 'signal-process.ts') &&
      /\bprocess\.kill\(/.test(readFileSync(join(root, 'test', path), 'utf8')),
  )
  assert.deepEqual(own, [])
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
      const source = target.default.replace('./dist/', './src/').replace(/\.js$/, '.ts')
      assert.ok(existsSync(join(root, source)), source)
      assert.equal(target.types, target.default.replace(/\.js$/, '.d.ts'))
    }
  }
})
