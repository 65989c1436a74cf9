import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkOptions, oneOrMore, optionsOf, type OptionTable } from './option-check.ts'

interface Options {
  readonly name: string
  readonly port?: number
  readonly mode?: 'fast' | 'safe'
  readonly onMessage?: () => void
  readonly content?: string | Uint8Array
  readonly inner?: { readonly depth: number }
}
const inner = optionsOf<NonNullable<Options['inner']>>({ depth: 'number!' })
const table: OptionTable<Options> = {
  name: 'string!',
  port: 'number',
  mode: ['fast', 'safe'],
  onMessage: 'function',
  content: 'string|bytes',
  inner: oneOrMore(inner),
}

const says = (options: unknown, sentence: string): void =>
  assert.throws(() => checkOptions('Thing', options, table, { user: 'write name' }), {
    name: 'TypeError',
    message: sentence,
  })

test('what is known and of its kind passes, and so does what is undefined', () => {
  checkOptions('Thing', { name: 'x' }, table)
  checkOptions('Thing', { name: '', port: undefined, other: undefined }, table)
  const all = { name: 'x', port: 0, mode: 'safe', onMessage() {}, content: new Uint8Array(), inner: { depth: 1 } }
  checkOptions('Thing', all, table)
  checkOptions('Thing', { ...all, content: 'text', inner: [{ depth: 1 }, { depth: 2 }] }, table)
})

test('an unknown name is told with the nearest one, or with what to write instead', () => {
  says({ name: 'x', onMesage() {} }, 'Thing: unknown option onMesage: did you mean onMessage?')
  says({ name: 'x', user: 'x' }, 'Thing: unknown option user: write name')
  says({ name: 'x', elsewhere: 1 }, 'Thing: unknown option elsewhere')
  // Names that every object has are no options.
  says({ name: 'x', constructor: 1 }, 'Thing: unknown option constructor')
})

test('a missing option and one of a wrong kind are told with what they must be', () => {
  says({}, 'Thing: name is missing: text')
  says(undefined, 'Thing takes an object, not undefined')
  says([], 'Thing takes an object, not an array')
  says({ name: 1 }, 'Thing: name must be text, not 1')
  says({ name: 'x', port: '25' }, 'Thing: port must be a number, not the text "25"')
  says({ name: 'x', port: NaN }, 'Thing: port must be a number, not NaN')
  says({ name: 'x', mode: 'slow' }, 'Thing: mode must be one of "fast", "safe", not "slow"')
  says(
    { name: 'x', content: new ArrayBuffer(1) },
    'Thing: content must be text or bytes (Uint8Array), not an ArrayBuffer',
  )
  says({ name: 'x', inner: [{ depth: 1 }, {}] }, 'Thing: inner[1]: depth is missing: a number')
})

test('text that may be a secret is not repeated', () => {
  says({ name: 'x', port: 'sesame' }, 'Thing: port must be a number, not text')
})

test('an instance of a class may have fields of its own, but its options are of their kinds', () => {
  class Handlers {
    readonly name = 'x'
    readonly database = {}
    readonly port: unknown
    constructor(port: unknown) {
      this.port = port
    }
  }
  checkOptions('Thing', new Handlers(1), table)
  says(new Handlers('1'), 'Thing: port must be a number, not the text "1"')
})
