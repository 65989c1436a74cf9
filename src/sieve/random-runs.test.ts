/** Scripts and messages at random, and damaged: whatever they hold, a run ends with a result. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runOver } from '../../test/support/sieve.ts'
import { diceOf, messageOf, scriptOf, type Dice } from '../../test/support/sieve-cases.ts'
import { replayScript, runScript, type RecordedAnswer } from './evaluate.ts'
import { compileScript } from './index.ts'
import { parseHeader } from '../mail/header.ts'

/** Some characters are gone, doubled, swapped or strange. */
function damaged(dice: Dice, text: string): string {
  let out = text
  for (let times = 1 + dice(4); times > 0; times -= 1) {
    const at = dice(out.length + 1)
    const piece = out.slice(at, at + dice(20))
    const strange = ['"', '{', '}', ';', '${', '\\', '*', '\0', '\u{1f600}', '=?', '\r', ':last ', '[', ']', '(', '9'][
      dice(16)
    ]!
    out = out.slice(0, at) + [strange, piece + piece, '', strange + piece][dice(4)]! + out.slice(at + piece.length)
  }
  return out
}

test('no run throws, and each ends with actions', () => {
  let runs = 0
  for (let seed = 1; seed <= 600; seed += 1) {
    const dice = diceOf(seed)
    const script = dice(2) === 0 ? damaged(dice, scriptOf(dice, 8)) : scriptOf(dice, 8)
    const compiled = compileScript(script)
    if (compiled.kind === 'faults') continue
    runs += 1
    const mail = damaged(dice, messageOf(dice))
    const result = runOver(compiled.script, { mail, from: dice(3) === 0 ? '' : 'a@b.c', explain: dice(2) === 0 })
    assert.ok(result.actions.length > 0, script)
  }
  assert.ok(runs > 300, `${runs} scripts were compiled`)
})

test('a run that is repeated from its answers comes to the same, with and without its steps', () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const dice = diceOf(seed)
    const compiled = compileScript(scriptOf(dice, 8))
    assert.equal(compiled.kind, 'script')
    if (compiled.kind !== 'script') continue
    const header = parseHeader(Buffer.from(messageOf(dice), 'utf8'))
    const input = { message: { header, sizeBytes: 1000 }, explain: true }
    const answers: RecordedAnswer[] = []
    const running = runScript(compiled.script, input)
    let step = running.next()
    while (step.done !== true) {
      const answer = step.value.kind === 'body' ? ['hello', 'text of a body'] : undefined
      answers.push({ question: step.value, answer })
      step = running.next(answer)
    }
    assert.deepEqual(replayScript(compiled.script, input, answers), step.value)
    const short = replayScript(compiled.script, { ...input, explain: false }, answers)
    assert.deepEqual(short, { ...step.value, steps: [] })
  }
})
