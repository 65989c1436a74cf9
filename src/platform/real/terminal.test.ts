import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { Interrupted, processTerminal } from './terminal.ts'

/** A terminal in place of standard input; prompts are dropped. */
function keyboard(t: TestContext): { typed: PassThrough; raw: boolean[] } {
  const raw: boolean[] = []
  const typed = Object.assign(new PassThrough(), { isTTY: true, setRawMode: (on: boolean) => void raw.push(on) })
  const before = Object.getOwnPropertyDescriptor(process, 'stdin')!
  Object.defineProperty(process, 'stdin', { value: typed, configurable: true })
  const shown = t.mock.method(process.stderr, 'write', () => true)
  t.after(() => {
    shown.mock.restore()
    Object.defineProperty(process, 'stdin', before)
  })
  return { typed, raw }
}

test('secrets are read key by key, one after the other; the echo is off only meanwhile', async (t) => {
  const { typed, raw } = keyboard(t)
  const { readSecret } = processTerminal()
  for (const [keys, secret] of [
    ['hunter2\r', 'hunter2'],
    // Twice, as when a password is repeated: in between the terminal was paused.
    ['hunter2\n', 'hunter2'],
    // A key that is taken back, a line that is begun anew, keys without a character, an end of input.
    ['hx\u007funx\bter\r', 'hunter'],
    ['wrong\u0015hün\u0007ter\u0004', 'hünter'],
  ] as const) {
    const asked = readSecret('Password: ')
    for (const key of keys) typed.write(key)
    assert.equal(await asked, secret)
  }
  assert.deepEqual(raw, [true, false, true, false, true, false, true, false])
  const asked = readSecret('Password: ')
  typed.write('secret\u0003')
  await assert.rejects(asked, Interrupted)
  assert.equal(raw.at(-1), false)
})

test('without a keyboard no secret is asked for', async (t) => {
  const { typed } = keyboard(t)
  Object.assign(typed, { isTTY: false })
  assert.equal(await processTerminal().readSecret('Password: '), undefined)
})

test('standard input is taken up to its limit, and not beyond', async (t) => {
  for (const [text, taken] of [
    ['12345', '12345'],
    ['123456', undefined],
  ]) {
    const { typed } = keyboard(t)
    typed.end(text)
    const bytes = await processTerminal().readAll(5)
    assert.equal(bytes && Buffer.from(bytes).toString(), taken)
  }
})
