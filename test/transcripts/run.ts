/**
 * Runs written dialogues on sessions, without a socket. The format, line by line:
 *
 *   # words           a comment
 *   ! words           for the host: prepares something, or answers with lines to put here
 *   !| text           content of the `!` line above, a line each
 *   C: text           the client says a line (CRLF is added); C2: is a second client's, on a connection of its own
 *   C| text           a line of a literal; `{#}` or `{#+}` in the line above becomes the size of all of them
 *   S: text           the server says exactly this; `*` stands for anything, but `* ` at the start and `\*` are themselves
 *   S: ...            any number of lines, up to the one that follows
 *   S! closed         the server has closed the connection
 *
 * Each dialogue runs as written, a byte at a time, and cut at random: the server must say the same bytes.
 */
import assert from 'node:assert/strict'
import type { Peer, TlsFacts } from '../../src/base/network.ts'
import type { Session, SessionHost } from '../../src/protocol/action.ts'

export interface TranscriptHost {
  /** A new connection: 1 for C: and S:, 2 for C2: and S2:. */
  open(connection: number): Session
  /** Carries out a `!` line. What it answers is read as lines of the transcript. */
  prepare(words: string, content: Buffer): Promise<string | void>
  close?(): void
}

/** How what a client says is cut: 0 as written, 1 a byte at a time, else the seed of random cuts. */
export type Cuts = number

interface Step {
  readonly line: number
  readonly kind: 'client' | 'server' | 'closed' | 'host'
  readonly connection: number
  readonly text: string
  readonly content: string[]
}

/** How long the server may take to say what is expected, milliseconds. */
const patienceMs = 10_000

const peer: Peer = { address: '192.0.2.1', port: 40_000, localAddress: '192.0.2.2', localPort: 143 }
const facts: TlsFacts = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', resumed: false }

/** @returns everything that the server said, connection by connection. Throws an AssertionError that names the line. */
export async function runTranscript(text: string, host: TranscriptHost, cuts: Cuts): Promise<Map<number, string>> {
  const steps = parse(text)
  const lines = new Map<number, Speaker>()
  const speaker = (connection: number): Speaker => {
    let one = lines.get(connection)
    if (!one) lines.set(connection, (one = new Speaker(host.open(connection), cuts)))
    return one
  }
  try {
    for (let at = 0; at < steps.length;) {
      const step = steps[at]!
      const group = sameGroup(steps, at)
      at += group.length
      if (step.kind === 'host') {
        const more = await host.prepare(step.text, Buffer.from(step.content.map((line) => line + '\r\n').join('')))
        if (more) steps.splice(at, 0, ...parse(more, step.line))
        continue
      }
      const one = speaker(step.connection)
      if (step.kind === 'client') await one.say(group)
      else if (step.kind === 'server') await one.expect(group)
      else await one.expectClosed(step.line)
    }
    for (const one of lines.values()) await one.expectNothing()
    return new Map([...lines].map(([connection, one]) => [connection, one.said]))
  } finally {
    for (const one of lines.values()) one.hangUp()
    host.close?.()
  }
}

function sameGroup(steps: readonly Step[], at: number): Step[] {
  const first = steps[at]!
  let end = at + 1
  if (first.kind === 'host' || first.kind === 'closed') return [first]
  while (steps[end]?.kind === first.kind && steps[end]!.connection === first.connection) end++
  return steps.slice(at, end)
}

function parse(text: string, fixedLine?: number): Step[] {
  const steps: Step[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = fixedLine ?? index + 1
    if (raw === '' || raw.startsWith('#')) continue
    const found = /^(?:([CS])(\d*)([:|!])|(!)(\|?)) ?(.*)$/.exec(raw)
    assert.ok(found, `line ${line}: not a line of a transcript: ${raw}`)
    const [, side, number, mark, , bar, rest] = found
    const connection = Number(number || 1)
    if (mark === '|' || bar === '|') {
      steps.at(-1)!.content.push(rest!)
      continue
    }
    const kind = side === undefined ? 'host' : side === 'C' ? 'client' : mark === '!' ? 'closed' : 'server'
    steps.push({ line, kind, connection, text: rest!, content: [] })
  }
  return steps
}

/** One connection: a client that says what is written, and a driver small enough to trust. */
class Speaker implements SessionHost {
  readonly peer = peer
  tls: TlsFacts | null = null
  said = ''
  readonly #session: Session
  readonly #cuts: Cuts
  #random: number
  #read = 0
  #busy = false
  #waking = false
  #closed = false
  #failure: unknown

  constructor(session: Session, cuts: Cuts) {
    this.#session = session
    this.#cuts = cuts
    this.#random = cuts
    session.start(this)
    this.#pump()
  }

  wake(): void {
    if (this.#waking) return
    this.#waking = true
    queueMicrotask(() => {
      this.#waking = false
      this.#pump()
    })
  }

  async say(steps: readonly Step[]): Promise<void> {
    let text = ''
    for (const step of steps) {
      const content = step.content.map((line) => line + '\r\n').join('')
      text += `${step.text.replace(/\{#(\+?)\}$/, `{${Buffer.byteLength(content)}$1}`)}\r\n${content}`
    }
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length;) {
      const size = this.#cutSize(bytes.length - at)
      // A copy: a session that keeps a view of what the driver reuses would be found out.
      const piece = Buffer.from(bytes.subarray(at, at + size))
      at += size
      if (this.#closed) return
      this.#session.receive(piece)
      this.#pump()
      if (this.#busy && this.#random % 3 === 0) await turn()
    }
    await this.#recordResults()
  }

  #cutSize(left: number): number {
    if (this.#cuts < 2) return this.#cuts === 0 ? left : 1
    // A small linear congruential generator: cuts repeat with their seed.
    this.#random = (this.#random * 1_103_515_245 + 12_345) & 0x7fffffff
    return Math.min(left, 1 + ((this.#random >>> 8) % 37))
  }

  async expect(steps: readonly Step[]): Promise<void> {
    for (let at = 0; at < steps.length; at++) {
      const { line, text } = steps[at]!
      if (text === '...') {
        const next = steps[++at]
        assert.ok(next, `line ${line}: "..." needs a line behind it`)
        for (;;) if (matches(next.text, await this.#line(next))) break
        continue
      }
      const heard = await this.#line(steps[at]!)
      assert.ok(matches(text, heard), `line ${line}: expected ${text}\n           heard ${heard}`)
    }
  }

  async expectClosed(line: number): Promise<void> {
    await this.#recordResults()
    assert.ok(this.#closed, `line ${line}: the connection is still open`)
  }

  async expectNothing(): Promise<void> {
    await this.#recordResults()
    assert.equal(this.said.slice(this.#read), '', 'the server said more than was expected')
  }

  hangUp(): void {
    this.#closed = true
    this.#session.closed()
  }

  async #line(step: Step): Promise<string> {
    const until = Date.now() + patienceMs
    for (;;) {
      if (this.#failure) throw this.#failure
      const end = this.said.indexOf('\r\n', this.#read)
      if (end >= 0) {
        const line = this.said.slice(this.#read, end)
        this.#read = end + 2
        return line
      }
      assert.ok(Date.now() < until && !this.#closed, `line ${step.line}: the server did not say: ${step.text}`)
      await turn()
    }
  }

  async #recordResults(): Promise<void> {
    for (let quiet = 0; quiet < 3;) {
      await turn()
      quiet = this.#busy || this.#waking ? 0 : quiet + 1
      if (this.#failure) throw this.#failure
    }
  }

  #pump(): void {
    while (!this.#busy && !this.#closed) {
      const action = this.#session.next()
      switch (action.kind) {
        case 'wait':
          return
        case 'write':
          this.#push(action.bytes)
          break
        case 'run':
          this.#busy = true
          void this.#await(action.work)
          return
        case 'startTls':
          this.#push(action.reply)
          this.tls = facts
          action.done(facts)
          break
        case 'close':
          if (action.bytes) this.#push(action.bytes)
          this.#closed = true
      }
    }
  }

  async #await(work: Promise<Uint8Array | undefined> | AsyncGenerator<Uint8Array, void, void>): Promise<void> {
    try {
      if ('then' in work) this.#push(await work)
      else for await (const bytes of work) this.#push(bytes)
    } catch (error) {
      this.#failure = error
    }
    this.#busy = false
    this.#pump()
  }

  #push(bytes: Uint8Array | undefined): void {
    if (bytes) this.said += Buffer.from(bytes).toString('latin1')
  }
}

function matches(pattern: string, heard: string): boolean {
  const wire = Buffer.from(pattern).toString('latin1')
  const start = wire.startsWith('* ') ? 2 : 0
  const source = wire
    .slice(start)
    .split(/(?<!\\)\*/)
    .map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  return heard.startsWith(wire.slice(0, start)) && new RegExp(`^${source}$`, 's').test(heard.slice(start))
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}
