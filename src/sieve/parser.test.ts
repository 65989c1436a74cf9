import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compiledScript, faultsOf } from '../../test/support/sieve.ts'
import { Faults } from './fault.ts'
import { sieveLimits } from './limits.ts'
import { parseScript } from './parser.ts'
import type { CommandNode } from './syntax.ts'

function parse(text: string): { commands: CommandNode[]; faults: Faults } {
  const faults = new Faults(text, sieveLimits.faultsMax)
  return { commands: parseScript(text, faults, sieveLimits), faults }
}

const argumentsOf = (text: string): unknown => {
  const { commands, faults } = parse(text)
  assert.deepEqual(faults.found, [])
  return commands[0]!.arguments.map((one) => ({ ...one, at: 0 }))
}

test('numbers have units of 1024', () => {
  assert.deepEqual(argumentsOf('x 1 2K 3m 4G;'), [
    { kind: 'number', at: 0, value: 1 },
    { kind: 'number', at: 0, value: 2048 },
    { kind: 'number', at: 0, value: 3 * 1024 ** 2 },
    { kind: 'number', at: 0, value: 4 * 1024 ** 3 },
  ])
  assert.deepEqual(faultsOf('if size :over 10X { keep; }'), [
    'line 1, column 15: "10X" is no number; a number may end in K, M or G, as 100K',
  ])
  assert.deepEqual(faultsOf('if size :over 99999999999999999G { keep; }'), [
    'line 1, column 15: this number is too large',
  ])
})

test('a backslash takes the next character as it is', () => {
  assert.deepEqual(argumentsOf(String.raw`x "a\"b\\c\d";`), [{ kind: 'string', at: 0, text: 'a"b\\cd' }])
})

test('a text ends with a dot alone, and a dot before a dot is taken away', () => {
  const text = 'x text: # why\r\nfirst\r\n..second\r\n.third\r\n.\r\n;'
  assert.deepEqual(argumentsOf(text), [{ kind: 'string', at: 0, text: 'first\r\n.second\r\n.third\r\n' }])
  assert.deepEqual(argumentsOf(text.replaceAll('\r\n', '\n')), argumentsOf(text))
  assert.deepEqual(argumentsOf('x text:\n.\n;'), [{ kind: 'string', at: 0, text: '' }])
})

test('comments of both kinds are white space', () => {
  assert.deepEqual(argumentsOf('x/* a * / b **/"y"# to the end\n;'), [{ kind: 'string', at: 0, text: 'y' }])
})

test('names are read in any case, strings are not changed', () => {
  assert.equal(parse('KEEP;').commands[0]!.name, 'keep')
  assert.deepEqual(argumentsOf('x :Tag "String";'), [
    { kind: 'tag', at: 0, name: 'tag' },
    { kind: 'string', at: 0, text: 'String' },
  ])
})

test('several faults are told at a time, each with its place and a hint', () => {
  const script = `require "filinto";
if header "Subject" "x" { kep; }
fileinto "a"
keep;
if tru { stop; } else if false { }
`
  assert.deepEqual(faultsOf(script), [
    'line 1, column 9: there is no extension "filinto"; did you mean "fileinto"?',
    'line 2, column 27: there is no command "kep"; did you mean "keep"?',
    'line 4, column 1: "fileinto" takes no test; a semicolon is missing before "keep"',
    'line 5, column 4: there is no test "tru"; did you mean "true"?',
    'line 5, column 18: "else" takes no test',
  ])
})

test('what is not closed is told at its beginning', () => {
  assert.deepEqual(faultsOf('keep; if true { stop;'), ['line 1, column 15: this block has no end; a } is missing'])
  assert.deepEqual(faultsOf('keep; }'), ['line 1, column 7: this } closes no block'])
  assert.match(faultsOf('redirect "a@example.org').join(), /column 10: this string has no end/)
  assert.match(faultsOf('keep; /* a').join(), /this comment has no end; comments end with \*\//)
  assert.match(faultsOf('redirect text:\nhello\n').join(), /this text has no end/)
})

test('lists of strings and of tests say what is wrong with them', () => {
  assert.match(faultsOf('if header ["a" "b"] "c" { }').join(), /strings in a list are separated by commas/)
  assert.match(faultsOf('if header ["a",] "c" { }').join(), /the last comma of the list is one too many/)
  assert.match(faultsOf('if header [] "c" { }').join(), /a list must hold a string/)
  assert.match(faultsOf('if anyof (true false) { }').join(), /tests in a list are separated by commas|takes no test/)
  assert.match(faultsOf('if (true) { }').join(), /several tests stand in allof/)
  assert.match(faultsOf('redirect “a@example.org”;').join(), /straight quotation marks/)
})

test('blocks and tests may be nested as deep as the limit, and no deeper', () => {
  const { nestingMax } = sieveLimits
  const blocks = (depth: number): string => `${'if true {'.repeat(depth)}keep;${'}'.repeat(depth)}`
  // The test of the innermost `if` is a step deeper than its block.
  compiledScript(blocks(nestingMax - 1))
  assert.match(faultsOf(blocks(nestingMax + 1)).join(), /may be nested 32 deep/)
  assert.match(faultsOf(blocks(10_000)).join(), /may be nested 32 deep/)
  assert.match(faultsOf(`if ${'not '.repeat(10_000)}true { }`).join(), /may be nested 32 deep/)
  assert.ok(nestingMax > 15, 'RFC 5228 §2.10.7')
})

test('lengths are limited by name', () => {
  const { listItemsMax, scriptLengthMax, stringLengthMax, faultsMax } = sieveLimits
  assert.match(faultsOf(' '.repeat(scriptLengthMax + 1)).join(), /the script is longer/)
  assert.match(faultsOf(`redirect "${'a'.repeat(stringLengthMax + 1)}";`).join(), /this string is longer/)
  assert.match(faultsOf(`if exists [${'"a",'.repeat(listItemsMax)}"a"] { }`).join(), /more than 10000 strings/)
  assert.equal(faultsOf('kep;\n'.repeat(1000)).length, faultsMax)
})

const token = fc.constantFrom(
  ...[
    'if',
    'elsif',
    'else',
    'require',
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    ',',
    ';',
    ':is',
    ':',
    '"a"',
    '"',
    'text:\n',
    '.\n',
    '\\',
    '/*',
    '*/',
  ],
  ...[
    '#',
    '\n',
    '\r\n',
    '10K',
    'keep',
    'header',
    'allof',
    'not',
    '"fileinto"',
    ' ',
    'fileinto',
    '"variables"',
    '"${a}"',
    ':comparator',
  ],
)

test('no script makes the compiler throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(token, { maxLength: 60 }).map((tokens) => tokens.join(' ')),
        fc.string({ maxLength: 200 }),
      ),
      (text) => {
        for (const fault of faultsOf(text)) assert.match(fault, /^line \d+, column \d+: ./)
      },
    ),
    { numRuns: 2000 },
  )
})
