/** `pennypost trace --follow`: what happens to messages, as it happens. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCli } from '../../src/cli/cli.ts'
import type { Terminal } from '../../src/platform/real/terminal.ts'
import { startReal } from './real.ts'
import { bytesOfText } from './world.ts'

const alice = 'alice@a.example'

/** The command in this process, until `stop`. */
function follow(args: readonly string[]): {
  text: () => string
  until(what: RegExp): Promise<void>
  stop(): Promise<number>
} {
  let out = ''
  const signals: (() => void)[] = []
  let status = -1
  const terminal: Terminal = {
    isPerson: false,
    out: (text) => void (out += text),
    note: (text) => void (out += text),
    readSecret: async () => undefined,
    readLine: async () => '',
    environment: {},
    onSignal: (_, run) => {
      signals.push(run)
      return () => {}
    },
    exit: (code) => void (status = code),
  }
  const ended = runCli(['trace', '--follow', ...args], terminal)
  return {
    text: () => out,
    async until(what) {
      while (!what.test(out)) await new Promise((later) => setTimeout(later, 20))
    },
    async stop() {
      // It hears signals as soon as it looks.
      while (signals.length === 0) await new Promise((later) => setTimeout(later, 20))
      signals[0]!()
      status = await ended
      return status
    },
  }
}

test('a message, a refusal and the one that was asked for are told while they happen, until Ctrl-C', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'follow-'))
  const real = await startReal({ users: [alice], data })
  t.after(async () => {
    await real.stop()
    rmSync(data, { recursive: true })
  })
  const send = async (recipient: string): Promise<void> => {
    const client = await real.smtp('smtp')
    const envelope = { reversePath: 'eve@c.example', recipients: [recipient], body: '7bit' as const, smtpUtf8: false }
    await client.send(envelope, bytesOfText('Subject: x\n\nHello\n'))
    await client.quit()
  }
  await send(alice)
  // What was before is not told: it has to be on the disk before it begins to look.
  await new Promise((later) => setTimeout(later, 500))
  const [all, one] = [follow(['--data', data]), follow(['nil@a.example', '--json', '--data', data])]
  await new Promise((later) => setTimeout(later, 700))
  assert.equal(all.text(), '')
  await send('nil@a.example')
  await send(alice)
  await all.until(
    /was aborted by the client[^]*> RCPT TO:<nil@a\.example>\n {4}< 550[^]*arrived\n[^]*> RCPT TO:<alice@a\.example>/,
  )
  await one.until(/"event":"refused"/)
  assert.deepEqual([await all.stop(), await one.stop()], [0, 0])
  const lines = one.text().trimEnd().split('\n')
  assert.equal(lines.length, 1)
  assert.match(String((JSON.parse(lines[0]!) as { refused: string[] }).refused[0]), /^nil@a\.example: 550 /)
})

test('--follow and a time of the past exclude each other', async () => {
  let said = ''
  const terminal = {
    isPerson: false,
    out: () => {},
    note: (text: string) => void (said += text),
    environment: {},
    onSignal: () => () => {},
  } as unknown as Terminal
  assert.equal(await runCli(['trace', '--follow', '--since', '1h', '--data', '/nowhere'], terminal), 2)
  assert.match(said, /--follow shows new events only and cannot be used with --since/)
})
