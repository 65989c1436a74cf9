/** The client's side of SMTP and LMTP: commands out, replies in, in order. RFC 5321 §4.1, §4.5.3.2. */
import { assert } from '../../base/assert.ts'
import { bytesOf } from '../../base/bytes.ts'
import type { TlsClientOptions, TlsFacts } from '../../base/network.ts'
import { wait, type Action, type Session, type SessionHost } from '../action.ts'
import { withoutSecret } from '../text/dialogue-words.ts'
import { LineReader } from '../text/lines.ts'
import { closingCode, ReplyReader, replyText, type Reply } from './wire/reply.ts'

/** RFC 5321 §4.5.3.2, milliseconds. */
export const clientTimeouts = {
  greeting: 300_000,
  command: 300_000,
  dataInitiation: 120_000,
  dataBlock: 180_000,
  dataTermination: 600_000,
} as const

/** The conversation ended before an expected reply: a broken connection, a timeout, or no SMTP at all. */
export class SmtpConnectionFault extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SmtpConnectionFault'
  }
}

/** Replies that are waited for: to one command, or to a group of them that left together. */
interface Expected {
  readonly timeoutMs: number
  readonly count: number
  readonly replies: Reply[]
  readonly resolve: (replies: Reply[]) => void
  readonly reject: (error: Error) => void
}

export class SmtpClientSession implements Session {
  host!: SessionHost
  readonly #reader = new LineReader()
  readonly #replies = new ReplyReader()
  readonly #expected: Expected[] = []
  readonly #actions: Action[] = []
  /** What else waits and must hear of the conversation's end. */
  readonly #waiting = new Set<(error: Error) => void>()
  #fault: Error | undefined
  #shakesHands = false
  /** What it says then is a secret. */
  #signsIn = false
  /** The time for a reply counts from its command, whatever drips in meanwhile. RFC 5321 §4.5.3.2. */
  waitingFor = 0
  /** Messages whose bytes began to go out. */
  streams = 0

  start(host: SessionHost): void {
    this.host = host
  }

  /** Waits for the next reply that has no waiter yet: the greeting, or the reply to what was sent. */
  async expect(timeoutMs: number): Promise<Reply> {
    return (await this.expectAll(1, timeoutMs))[0]!
  }

  /** Waits for the next replies that have no waiter yet. @param timeoutMs for each of them. */
  expectAll(count: number, timeoutMs: number): Promise<Reply[]> {
    return new Promise((resolve, reject) => {
      if (this.#fault) return reject(this.#fault)
      if (this.#expected.length === 0) this.waitingFor++
      this.#expected.push({ timeoutMs, count, replies: [], resolve, reject })
    })
  }

  /** Sends a line and waits for its reply. Several may be under way: PIPELINING. */
  command(line: string, timeoutMs: number = clientTimeouts.command): Promise<Reply> {
    this.#say([line])
    return this.expect(timeoutMs)
  }

  /** Sends lines together, and waits for a reply to each. RFC 2920. */
  commands(lines: readonly string[], timeoutMs: number = clientTimeouts.command): Promise<Reply[]> {
    this.#say(lines)
    return this.expectAll(lines.length, timeoutMs)
  }

  #tell(line: string): void {
    if (line.startsWith('AUTH ')) this.#signsIn = true
    else if (this.#signsIn) return this.host.tell?.('client', '(a SASL response)')
    this.host.tell?.('client', this.#signsIn ? withoutSecret(line) : line)
  }

  #say(lines: readonly string[]): void {
    if (this.host.tell) for (const line of lines) this.#tell(line)
    for (const line of lines) assert(!line.includes('\r') && !line.includes('\n'), 'a command is one line')
    this.#act({ kind: 'write', bytes: Buffer.from(`${lines.join('\r\n')}\r\n`, 'utf8') })
  }

  /** Sends the bytes of a message that is at hand, as they go over the wire. */
  write(pieces: readonly Uint8Array[]): void {
    this.streams++
    for (const bytes of pieces) this.#actions.push({ kind: 'write', bytes })
    this.host.wake()
  }

  /** Sends bytes as a stream; resolves when all of it has been handed to the socket. */
  stream(bytes: () => AsyncGenerator<Uint8Array, void, void>): Promise<void> {
    this.streams++
    return this.#untilEnd((resolve, reject) => {
      async function* watched(): AsyncGenerator<Uint8Array, void, void> {
        try {
          yield* bytes()
          resolve()
        } catch (error) {
          reject(error as Error)
          throw error
        }
      }
      this.#act({ kind: 'run', work: watched() })
    })
  }

  startTls(client: TlsClientOptions): Promise<TlsFacts> {
    this.#shakesHands = true
    return this.#untilEnd((resolve, reject) => {
      const done = (facts: TlsFacts | null, problem?: string): void => {
        this.#shakesHands = false
        this.#reader.clear()
        if (facts) resolve(facts)
        else reject(new SmtpConnectionFault(`the TLS handshake failed${problem === undefined ? '' : `: ${problem}`}`))
      }
      this.#act({ kind: 'startTls', reply: new Uint8Array(0), client, done })
    })
  }

  /** A promise that does not outlive the conversation: a driver that stops tells neither a stream nor a handshake. */
  #untilEnd<T>(begin: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    if (this.#fault) return Promise.reject(this.#fault)
    let lost: ((error: Error) => void) | undefined
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add((lost = reject))
      begin(resolve, reject)
    }).finally(() => this.#waiting.delete(lost!))
  }

  /** No fault so far, and the server has not said goodbye. */
  get alive(): boolean {
    return this.#fault === undefined
  }

  close(): void {
    this.#act({ kind: 'close' })
  }

  #act(action: Action): void {
    this.#actions.push(action)
    this.host.wake()
  }

  get idleTimeoutMs(): number {
    return this.#expected[0]?.timeoutMs ?? clientTimeouts.command
  }

  receive(chunk: Uint8Array): void {
    this.#reader.push(chunk)
    try {
      for (let line = this.#reader.next(); line; line = this.#reader.next()) {
        if (line.kind === 'tooLong') throw new Error('a reply line without end')
        // Some servers put one into their EHLO; it says nothing, and the deadline counts on.
        if (line.bytes.length === 0) continue
        const reply = this.#replies.push(line.bytes)
        if (!reply) continue
        if (reply.code !== 334) this.#signsIn = false
        this.host.tell?.('server', reply.code === 334 ? '334 (a SASL challenge)' : replyText(reply))
        this.waitingFor++
        const expected = this.#expected[0]
        if (expected) {
          if (expected.replies.push(reply) < expected.count) continue
          this.#expected.shift()
          expected.resolve(expected.replies)
        }
        // A 421 without a command is the server's goodbye: the next command fails with it.
        else this.#fail(new SmtpConnectionFault(replyText(reply)))
      }
    } catch (error) {
      this.#fail(new SmtpConnectionFault((error as Error).message))
      this.#actions.push({ kind: 'close' })
    }
  }

  next(): Action {
    return this.#actions.shift() ?? wait
  }

  #fail(error: Error): void {
    this.#fault ??= error
    for (const { reject, replies } of this.#expected.splice(0)) {
      const last = replies.at(-1)
      // The server's own goodbye tells more than that it went.
      reject(last?.code === closingCode ? new SmtpConnectionFault(replyText(last)) : this.#fault)
    }
    for (const reject of this.#waiting) reject(this.#fault)
  }

  timedOut(): undefined {
    this.#fail(new SmtpConnectionFault('the server did not answer in time'))
  }

  ended(): void {
    this.#fail(new SmtpConnectionFault('the server closed the connection'))
    this.#actions.push({ kind: 'close' })
  }

  failed(error: unknown): Uint8Array {
    this.#fail(error as Error)
    this.#actions.push({ kind: 'close' })
    return bytesOf('')
  }

  shutdown(): void {
    this.#fail(new SmtpConnectionFault('we are shutting down'))
    this.#actions.push({ kind: 'close' })
  }

  closed(): void {
    // A peer that hangs up in the middle of a handshake may be heard of before the handshake is.
    const during = this.#shakesHands ? 'the TLS handshake failed: ' : ''
    this.#fail(new SmtpConnectionFault(`${during}the connection is gone`))
  }
}
