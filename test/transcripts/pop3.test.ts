/** The POP3 transcripts on the store's maildrop. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commands } from '../../src/protocol/pop3/commands.ts'
import { pop3Host } from './pop3-host.ts'
import { runTranscript } from './run.ts'

const folder = join(process.env.PENNYPOST_ROOT!, 'test', 'transcripts', 'pop3')
const texts = readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }))

for (const { name, text } of texts) {
  test(`${name}: ${/^# (.*)/.exec(text)?.[1] ?? ''}`, async () => {
    const said = await runTranscript(text, await pop3Host(), 0)
    for (const cuts of [1, 2, 3, 4])
      assert.deepEqual(await runTranscript(text, await pop3Host(), cuts), said, `cut ${cuts}`)
  })
}

test('each verb of POP3 occurs in a transcript', () => {
  const spoken = new Set(
    texts.flatMap(({ text }) => [...text.matchAll(/^C\d*: ([A-Z0-9]+)/gm)].map(([, verb]) => verb!)),
  )
  for (const { name } of commands) assert.ok(spoken.has(name), `no transcript says ${name}`)
})

test('each verb of POP3 is said in the state that it has not', () => {
  const { text } = texts.find(({ name }) => name === 'states.txt')!
  const [before, after] = text.split('C: PASS secret\nS: +OK')
  for (const { name, states } of commands) {
    if (states.length > 1) continue
    const wrong = states.includes('transaction') ? before! : after!
    assert.match(wrong, new RegExp(`^C: ${name}(?: .*)?\nS: -ERR `, 'm'), `${name} in its wrong state`)
  }
})
