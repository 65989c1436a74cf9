import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryBackend } from '../memory/backend.ts'
import { SyntaxFault } from '../wire/fault.ts'
import { Line } from '../wire/line.ts'
import { View } from '../view.ts'
import { SearchGrammar } from './grammar.ts'

async function emptyView(): Promise<View> {
  const backend = new MemoryBackend()
  backend.addUser('u', 'p')
  const account = await backend.open({ accountId: 1, name: 'u' })
  return new View(await account.select('INBOX', { readOnly: false, onChange: () => {} }))
}

const view = await emptyView()
const parse = (text: string) => new SearchGrammar(new Line(Buffer.from(text)), view).program()

test('keys in a row must all hold, parentheses group, NOT and OR take one and two', () => {
  assert.deepEqual(parse('SEEN (LARGER 5 NOT DRAFT)'), {
    kind: 'and',
    keys: [
      { kind: 'flag', flag: '\\Seen' },
      {
        kind: 'and',
        keys: [
          { kind: 'larger', sizeBytes: 5 },
          { kind: 'not', key: { kind: 'flag', flag: '\\Draft' } },
        ],
      },
    ],
  })
  assert.deepEqual(parse('OR ALL NOT FROM "x y"'), {
    kind: 'or',
    left: { kind: 'all' },
    right: { kind: 'not', key: { kind: 'header', name: 'from', needle: 'x y' } },
  })
})

test('dates are days, and everything contains the empty string', () => {
  assert.deepEqual(parse('SENTON 2-Jan-1970'), { kind: 'sentDay', first: 1, end: 2 })
  assert.deepEqual(parse('ON "31-Dec-1969"'), { kind: 'internalDay', first: -1, end: 0 })
  assert.deepEqual(parse('BODY ""'), { kind: 'all' })
})

test('deep nesting and long lists of keys are faults, not overflows', () => {
  assert.throws(() => parse('('.repeat(5000)), SyntaxFault)
  assert.throws(() => parse('NOT '.repeat(5000) + 'ALL'), SyntaxFault)
  assert.throws(() => parse('ALL '.repeat(5000) + 'ALL'), SyntaxFault)
})

test('any words give a key or a fault', () => {
  const words = [
    'ALL',
    'NOT',
    'OR',
    '(',
    ')',
    'FROM',
    'UID',
    '1:*',
    '"x"',
    'KEYWORD',
    'HEADER',
    'a',
    'ON',
    '1-Feb-1994',
    '$',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 12 }), (keys) => {
      try {
        parse(keys.join(' '))
      } catch (error) {
        assert.ok(error instanceof SyntaxFault, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})
