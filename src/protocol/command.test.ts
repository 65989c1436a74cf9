import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandOf, commandTable, type CommandTable } from './command.ts'

/** A protocol of three verbs: it adds, forgets, and tells what it can do. */
interface Adder {
  sum: number
  readonly known: CommandTable<ReturnType<typeof command>>
}

interface AdderTypes {
  readonly context: Adder
  readonly state: 'open' | 'closed'
  readonly line: string
  readonly capability: (adder: Adder) => string | undefined
  readonly answer: string
  readonly own: { readonly help?: string }
}

const command = commandOf<AdderTypes>()

const add = command({
  name: 'ADD',
  states: ['open'],
  capability: ({ sum }) => (sum < 10 ? 'ADD' : undefined),
  help: 'ADD number',
  grammar(line) {
    if (!/^\d+$/.test(line)) throw new RangeError('a number')
    return { number: Number(line) }
  },
  run(adder, { number }) {
    // What the grammar returns is known here: `number` is no `unknown`.
    adder.sum += number
    return String(adder.sum)
  },
})

const more = command({
  name: 'MORE',
  states: ['open'],
  grammar: (line, { sum }) => (line === '' ? sum : sum + Number(line)),
  run: (adder, sum) => String((adder.sum = sum)),
})

const capabilities = command({
  name: 'CAPABILITIES',
  states: ['open', 'closed'],
  run: (adder) => [...adder.known.values()].flatMap(({ capability }) => capability?.(adder) ?? []).join(' '),
})

const table = commandTable([add, more, capabilities])

function say(adder: Adder, name: string, line = ''): string {
  const row = adder.known.get(name)!
  return row.run(adder, row.grammar?.(line, adder))
}

test('what a grammar reads is what its run gets, and a verb without a grammar runs without', () => {
  const adder: Adder = { sum: 0, known: table }
  assert.equal(say(adder, 'ADD', '3'), '3')
  assert.equal(say(adder, 'ADD', '4'), '7')
  assert.equal(say(adder, 'CAPABILITIES', 'whatever'), 'ADD')
})

test('a line that cannot be read changes nothing', () => {
  const adder: Adder = { sum: 1, known: table }
  assert.throws(() => say(adder, 'ADD', 'x'), RangeError)
  assert.equal(adder.sum, 1)
})

test('an argument may be read in its context', () => {
  assert.equal(say({ sum: 5, known: table }, 'MORE'), '5')
  assert.equal(say({ sum: 5, known: table }, 'MORE', '2'), '7')
})

test('a verb reads the table that its session was handed, not one of its own', () => {
  assert.equal(say({ sum: 0, known: table }, 'CAPABILITIES'), 'ADD')
  assert.equal(say({ sum: 0, known: commandTable([capabilities]) }, 'CAPABILITIES'), '')
  assert.equal(say({ sum: 10, known: table }, 'CAPABILITIES'), '')
})

test('a table keeps the order of its rows, and has no name twice', () => {
  assert.deepEqual([...table.keys()], ['ADD', 'MORE', 'CAPABILITIES'])
  assert.equal(table.get('add'), undefined)
  assert.equal(table.get('constructor'), undefined)
  assert.throws(() => commandTable([add, more, add]), /two commands have one name/)
})
