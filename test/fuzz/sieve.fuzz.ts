/** Random and mutated Sieve scripts over mutated messages: faults or a result, in bounded steps, never anything that is thrown. RFC 5228. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/platform/simulated/random.ts'
import { compileScript } from '../../src/sieve/index.ts'
import { runOver } from '../support/sieve.ts'
import { messageOf, scriptOf } from '../support/sieve-cases.ts'

const seconds = Number(process.env.FUZZ_SECONDS ?? 20)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)
const { below } = seededRandom(seed)

const pieces = [
  '"',
  '{',
  '}',
  ';',
  '${',
  '${1}',
  '\\',
  '*',
  '?',
  '\0',
  'text:\n',
  '\n.\n',
  '/*',
  '[',
  ']',
  '(',
  ')',
  ',',
  ':is',
  ':count',
  '9G',
  'not ',
]

function mutated(text: string): string {
  let out = text
  for (let times = below(6); times > 0; times -= 1) {
    const at = below(out.length + 1)
    const length = below(30)
    const piece = below(2) === 0 ? pieces[below(pieces.length)]! : out.slice(below(out.length + 1)).slice(0, below(60))
    out = out.slice(0, at) + piece + out.slice(at + length)
  }
  return out
}

test(`scripts and messages at random (FUZZ_SEED=${seed})`, () => {
  const end = Date.now() + seconds * 1000
  let runs = 0
  while (Date.now() < end) {
    const script = mutated(scriptOf(below, 1 + below(10)))
    const compiled = compileScript(script)
    if (compiled.kind === 'faults') {
      assert.ok(
        compiled.faults.length > 0 && compiled.faults.every(({ line, column }) => line > 0 && column > 0),
        script,
      )
      continue
    }
    runs += 1
    const mail = mutated(messageOf(below))
    const result = runOver(compiled.script, { mail, from: 'a@b.c', to: 'd+e@f.g', explain: below(2) === 0 })
    assert.ok(result.actions.length > 0 && (result.kind === 'done' || result.actions.length === 1), script)
  }
  assert.ok(runs > 0)
})
