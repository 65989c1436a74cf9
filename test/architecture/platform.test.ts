import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sourceFiles } from './source.ts'

const program = sourceFiles.filter(({ isTest }) => !isTest)

/** What reaches the outside world. */
const outside =
  /^(?:node:)?(?:net|tls|dgram|dns|http|https|http2|fs|timers|worker_threads|child_process|cluster|readline)(?:\/|$)/

const isPlatform = (path: string): boolean => path.startsWith('platform/real/')
/** The engines' drivers: docs/architecture.md §13. */
const isEngine = (path: string): boolean => path.startsWith('store/')

test('sockets, files, names, threads and programs are touched in platform/real, and by the store engine', () => {
  const wrong = program.flatMap(({ path, imports }) =>
    isPlatform(path) || isEngine(path)
      ? []
      : imports.filter(({ name }) => outside.test(name)).map(({ name }) => `${path} imports ${name}`),
  )
  assert.deepEqual(wrong, [])
})

test('the store touches files, nothing else of the world', () => {
  const wrong = program.flatMap(({ path, imports }) =>
    imports
      .filter(({ name }) => isEngine(path) && outside.test(name) && !/fs/.test(name))
      .map(({ name }) => `${path} imports ${name}`),
  )
  assert.deepEqual(wrong, [])
})

test('threads are started, and ended between two of their tasks, by platform/real/threads.ts alone', () => {
  // One that is ended within a native call may end the process: N-API throws where nothing catches it.
  const wrong = program
    .filter(
      ({ path, imports }) =>
        path !== 'platform/real/threads.ts' && imports.some(({ name }) => /worker_threads/.test(name)),
    )
    .map(({ path }) => path)
  assert.deepEqual(wrong, [])
})

test('timers belong to the platform', () => {
  const wrong = program
    // Virtual time still has to give the real loop back: its clock may, and nothing else of the simulated platform.
    .filter(({ path }) => !isPlatform(path) && path !== 'platform/simulated/clock.ts')
    .filter(({ text }) => /\b(?:setTimeout|setInterval|setImmediate)\s*\(/.test(code(text)))
    .map(({ path }) => path)
  assert.deepEqual(wrong, [])
})

test('the wall clock is asked through Clock', () => {
  const wrong = program
    .filter(({ path, text }) => !isPlatform(path) && /\bDate\.now\(|\bperformance\.now\(|new Date\(\)/.test(code(text)))
    .map(({ path }) => path)
  assert.deepEqual(wrong, [])
})

test('the process is touched at the doorway and by the platform', () => {
  // The version of Node and the working folder are facts, not deeds.
  const deeds = /\bprocess\.(?:on|once|exit|exitCode|stdin|stdout|stderr|env|kill|umask|chdir|nextTick)\b/
  const wrong = program
    .filter(({ path, text }) => !isPlatform(path) && path !== 'main.ts' && deeds.test(code(text)))
    .map(({ path }) => path)
  assert.deepEqual(wrong, [])
})

function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
}
