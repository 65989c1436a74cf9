/** Random and mutated command streams: no fault leaves the session, nothing hangs, every command is answered or BYE is said. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Session, SessionHost } from '../../src/protocol/action.ts'
import { MemoryBackend } from '../../src/protocol/imap/memory/backend.ts'
import { passwordMechanisms } from '../../src/protocol/sasl/mechanisms.ts'
import { ImapSession } from '../../src/protocol/imap/session.ts'

const seconds = Number(process.env.FUZZ_SECONDS ?? 20)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)

let state = seed
/** 0 ≤ result < n; repeats with the seed. */
function random(n: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((state / 2 ** 32) * n)
}
function pick<T>(list: readonly T[]): T {
  return list[random(list.length)]!
}

/** What the transcripts' clients say, as a corpus. */
const folder = join(process.env.PENNYPOST_ROOT!, 'test', 'transcripts', 'imap')
const corpus = readdirSync(folder)
  .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
  .flatMap((line) => /^C\d*: (\S+ .*)$/.exec(line)?.[1] ?? [])
  .filter((line) => !/logout/i.test(line))
  .map((line) => line.replace(/\{#/, '{12'))

const words = [
  '1:*',
  '*',
  '$',
  '(',
  ')',
  '[',
  ']',
  '<',
  '>',
  '"',
  '\\',
  '{',
  '}',
  '%',
  'NIL',
  '4294967296',
  '0',
  '-1',
  '\0',
  '\xff',
  ' ',
]

function mutated(text: string): string {
  let result = text
  for (let times = random(4); times > 0; times--) {
    const at = random(result.length + 1)
    const length = random(6)
    switch (random(4)) {
      case 0:
        result = result.slice(0, at) + result.slice(at + length)
        break
      case 1:
        result = result.slice(0, at) + pick(words) + result.slice(at)
        break
      case 2:
        result = result.slice(0, at) + result.slice(at, at + length).repeat(1 + random(5)) + result.slice(at)
        break
      default: {
        const other = pick(corpus)
        result = result.slice(0, at) + other.slice(random(other.length))
      }
    }
  }
  return result
}

class Talk implements SessionHost {
  readonly peer = { address: '192.0.2.1', port: 1, localAddress: '192.0.2.2', localPort: 143 }
  tls = null
  readonly session: Session
  closed = false

  constructor(session: Session) {
    this.session = session
    session.start(this)
  }

  wake(): void {}

  async say(bytes: Buffer): Promise<string> {
    this.session.receive(Buffer.from(bytes))
    return this.listen()
  }

  async listen(): Promise<string> {
    let said = ''
    const hear = (bytes: Uint8Array | undefined): void => {
      if (bytes) said += Buffer.from(bytes).toString('latin1')
    }
    for (let actions = 0; !this.closed; actions++) {
      assert.ok(actions < 100_000, 'the session never waits')
      const action = this.session.next()
      if (action.kind === 'wait') break
      if (action.kind === 'write') hear(action.bytes)
      else if (action.kind === 'startTls') {
        hear(action.reply)
        action.done({ version: 'TLSv1.3', cipher: 'x', resumed: false })
      } else if (action.kind === 'close') {
        hear(action.bytes)
        this.closed = true
      } else if ('then' in action.work) hear(await action.work)
      else for await (const bytes of action.work) hear(bytes)
    }
    return said
  }
}

async function begin(): Promise<Talk> {
  const backend = new MemoryBackend({ appendLimitBytes: 100_000 })
  backend.addUser('mrc@example.org', 'secret')
  const talk = new Talk(
    new ImapSession({
      backend,
      authenticator: backend,
      mechanisms: passwordMechanisms,
      startTls: random(2) === 0,
      plaintextAuth: true,
      serverName: 'Fuzz',
    }),
  )
  await talk.listen()
  if (random(4) > 0) await talk.say(Buffer.from('L LOGIN mrc@example.org secret\r\n'))
  if (random(4) > 0) {
    const message = 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n'
    for (const flag of ['\\Seen', '\\Deleted', '$x'])
      await talk.say(Buffer.from(`L APPEND INBOX (${flag}) {${message.length}+}\r\n${message}\r\n`))
    await talk.say(Buffer.from('L SELECT INBOX\r\n'))
  }
  return talk
}

/** Whole lines without literals: each has a reply that bears its tag, or `* BAD` where it has none. */
async function lines(): Promise<void> {
  const talk = await begin()
  for (let count = 0; count < 15 && !talk.closed; count++) {
    const line = mutated(pick(corpus))
      .replace(/[\r\n]/g, '')
      .replace(/(\{\d+[+-]?\})+$/, '')
    if (line === '') continue
    let said = await talk.say(Buffer.from(`${line}\r\n`, 'latin1'))
    if (/^\+ .*\r\n$/m.test(said)) said += await talk.say(Buffer.from('*\r\n'))
    const tag = /^[^ ]*/.exec(line)![0].replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    const answer = new RegExp(`^(${tag} (OK|NO|BAD)|\\* (BAD|BYE)) `, 'm')
    assert.match(said, answer, `no answer to ${JSON.stringify(line)} (seed ${seed})`)
  }
  await end(talk)
}

/** Anything, cut anywhere. */
async function streams(): Promise<void> {
  const talk = await begin()
  let text = ''
  for (let count = random(20); count >= 0; count--) {
    text += mutated(pick(corpus))
    if (random(3) === 0) text += ` {${random(300)}${pick(['', '+', '-'])}}`
    if (random(20) > 0) text += '\r\n'
    if (random(30) === 0) text += 'x'.repeat(random(70_000))
    if (random(15) === 0) text += String.fromCharCode(...Array.from({ length: random(40) }, () => random(256)))
  }
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length && !talk.closed;) {
    const size = 1 + random(pick([3, 50, 5000]))
    await talk.say(bytes.subarray(at, at + size))
    at += size
  }
  await end(talk)
}

async function end(talk: Talk): Promise<void> {
  talk.session.ended()
  await talk.listen()
  assert.ok(talk.closed, `the session does not end (seed ${seed})`)
  talk.session.closed()
}

for (const [name, round] of Object.entries({ lines, streams }))
  test(`IMAP ${name}, seed ${seed}`, async (t) => {
    const until = Date.now() + (seconds * 1000) / 2
    let rounds = 0
    while (Date.now() < until) {
      await round()
      rounds++
    }
    t.diagnostic(`${rounds} rounds`)
    assert.ok(rounds > 0)
  })
