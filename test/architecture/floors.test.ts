import assert from 'node:assert/strict'
import { test } from 'node:test'
import { floors, roomOf, sourceFiles, type SourceFile } from './source.ts'

const byPath = new Map(sourceFiles.map((file) => [file.path, file]))
const program = sourceFiles.filter(({ isTest }) => !isTest)

test('every room has a floor', () => {
  const unknown = new Set(sourceFiles.map(({ path }) => roomOf(path)).filter((room) => !(room in floors)))
  assert.deepEqual([...unknown], [])
})

test('the reader of imports finds them in every form', () => {
  const system = byPath.get('system.ts')!
  assert.ok(system.imports.some(({ file, typeOnly }) => file === 'store/store.ts' && typeOnly))
  assert.ok(system.imports.some(({ file, typeOnly }) => file === 'store/sqlite/engine.ts' && !typeOnly))
  // A dynamic one, and one whose names stand on several lines.
  assert.ok(byPath.get('cli/serve.ts')!.imports.some(({ file }) => file === 'system.ts'))
  assert.ok(byPath.get('cli/account.ts')!.imports.some(({ file }) => file === 'cli/context.ts'))
  assert.ok(system.imports.some(({ file }) => file === 'system/start.ts'))
})

test('an import leads to a file that exists', () => {
  const broken = sourceFiles.flatMap(({ imports }) =>
    imports
      .filter(({ file }) => file?.endsWith('.ts') && !file.startsWith('../') && !byPath.has(file))
      .map(({ from, name }) => `${from} imports ${name}`),
  )
  assert.deepEqual(broken, [])
})

test('imports run down the floors or stay in their room, types too', () => {
  const wrong = program.flatMap(({ path, imports }) =>
    imports.flatMap(({ file, name }) => {
      if (file === undefined) return []
      const target = roomOf(file)
      // The package's own facts.
      if (file === '../package.json') return []
      if (file.startsWith('../')) return [`${path} leaves src: ${name}`]
      const own = roomOf(path)
      if (own === target || floors[target]! < floors[own]!) return []
      // system.ts is the door of the room system/.
      if (own.startsWith('system') && target.startsWith('system')) return []
      return [`${path} (floor ${floors[own]}) imports ${file} (floor ${floors[target]})`]
    }),
  )
  assert.deepEqual(wrong, [])
})

test("a protocol knows no other protocol's room", () => {
  const shared = new Set(['sasl', 'text'])
  const wrong = program.flatMap(({ path, imports }) => {
    const [room, own] = path.split('/')
    if (room !== 'protocol' || !path.includes('/', 'protocol/'.length)) return []
    return imports.flatMap(({ file }) => {
      const [to, other, inside] = file?.split('/') ?? []
      if (to !== 'protocol' || inside === undefined || other === own || shared.has(other!)) return []
      return [`${path} imports ${file}`]
    })
  })
  assert.deepEqual(wrong, [])
})

test('no file needs itself by a way round, types included', () => {
  const done = new Set<SourceFile>()
  const cycles: string[] = []
  const visit = (file: SourceFile, trail: readonly SourceFile[]): void => {
    const at = trail.indexOf(file)
    if (at >= 0) {
      cycles.push([...trail.slice(at), file].map(({ path }) => path).join(' -> '))
      return
    }
    if (done.has(file)) return
    for (const { file: target } of file.imports) {
      // Types count: two files that name each other are one idea in two places, or two ideas mixed.
      const next = target === undefined ? undefined : byPath.get(target)
      if (next) visit(next, [...trail, file])
    }
    done.add(file)
  }
  for (const file of program) visit(file, [])
  assert.deepEqual(cycles, [])
})
