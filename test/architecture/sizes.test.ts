import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classesOf, functionsOf } from './sizes.ts'
import { sourceFiles } from './source.ts'

const program = sourceFiles.filter(({ isTest }) => !isTest)

test('functions and collections are found as they are written', () => {
  const text = `export class Room {
  readonly #a = new Map<string, number>()
  b: string[] = []
  #c = new BoundedMap<string>(10)
  readonly d = 3

  async *#go(one: string): AsyncGenerator<string> {
    yield one
  }
}

export function long(
  one: string,
  two: string,
): string {
  if (one) {
    return two
  }
  return one
}

const arrow = (one: number): number => {
  return one
}
`
  assert.deepEqual(functionsOf(text), [
    { name: '#go', size: 3 },
    { name: 'long', size: 6 },
    { name: 'arrow', size: 3 },
  ])
  assert.deepEqual(classesOf(text), [{ name: 'Room', size: 3 }])
})

/** style.md: a file is read in a sitting. Tables and unions stay whole, however long: `path`, and what it is a table of. */
const longFiles: Readonly<Record<string, string>> = {}
const fileLinesMax = 400

test(`no file has more than ${fileLinesMax} lines, but for tables`, () => {
  const long = program.filter(({ text }) => text.split('\n').length - 1 > fileLinesMax).map(({ path }) => path)
  assert.deepEqual(long, Object.keys(longFiles))
})

/** A function fits a screen: one parent decides, helpers compute. */
const longFunctions: Readonly<Record<string, string>> = {}
const functionLinesMax = 80

test(`no function has more than ${functionLinesMax} lines`, () => {
  const long = program.flatMap(({ path, text }) =>
    functionsOf(text).flatMap(({ name, size }) => (size > functionLinesMax ? [`${path} ${name}`] : [])),
  )
  assert.deepEqual(long, Object.keys(longFunctions))
})

/** More is two ideas in one class: who holds what where can no longer be said. */
const collectionsMax = 5

test(`no class has more than ${collectionsMax} collections`, () => {
  const many = program.flatMap(({ path, text }) =>
    classesOf(text).flatMap(({ name, size }) => (size > collectionsMax ? [`${path} ${name}: ${size}`] : [])),
  )
  assert.deepEqual(many, [])
})
