/** An IMAP client that costs little: it counts what it reads and looks for its tag, nothing more. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface Answer {
  readonly bytes: number
  /** The last bytes, the tagged line among them. */
  readonly tail: string
  readonly ms: number
}

/** What is kept of an answer: enough for a short one, and for the tagged line of any. */
const tailBytes = 2048

export class ImapClient {
  readonly socket: Socket
  /** Called with all that comes while no command waits, and during IDLE. */
  heard: ((chunk: Buffer) => void) | undefined
  #tag = 0
  #pattern: Buffer | undefined
  #bytes = 0
  #tail: Buffer = Buffer.alloc(0)
  #resolve: ((tail: string) => void) | undefined
  #reject: ((error: Error) => void) | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('error', (error) => this.#reject?.(error))
    socket.on('close', () => this.#reject?.(new Error('the server closed the connection')))
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  static async connect(port: number, tls = false): Promise<ImapClient> {
    const socket = tls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connectTcp({ port, host: '127.0.0.1' })
    const client = new ImapClient(socket)
    await client.until('* OK')
    return client
  }

  static async login(
    port: number,
    user: { readonly name: string; readonly password: string },
    options: { readonly tls?: boolean; readonly select?: string } = {},
  ): Promise<ImapClient> {
    const client = await ImapClient.connect(port, options.tls)
    await client.ask(`LOGIN ${user.name} ${user.password}`)
    if (options.select !== undefined) await client.ask(`SELECT ${options.select}`)
    return client
  }

  #take(chunk: Buffer): void {
    this.heard?.(chunk)
    if (!this.#pattern) return
    this.#bytes += chunk.length
    // A large chunk is looked at from behind: what is waited for stands at the end of a long answer.
    const kept =
      chunk.length >= tailBytes
        ? chunk.subarray(chunk.length - tailBytes)
        : this.#tail.length === 0
          ? chunk
          : Buffer.concat([this.#tail, chunk])
    const at = kept.indexOf(this.#pattern)
    const isWhole = at >= 0 && kept.indexOf('\r\n', at) >= 0
    if (!isWhole) {
      this.#tail = Buffer.from(kept.subarray(Math.max(0, kept.length - tailBytes)))
      return
    }
    this.#pattern = undefined
    this.#tail = Buffer.alloc(0)
    this.#resolve!(kept.subarray(Math.max(0, kept.length - tailBytes)).toString('latin1'))
  }

  /** Waits for these bytes and the end of their line. */
  async until(text: string): Promise<{ bytes: number; tail: string }> {
    this.#pattern = Buffer.from(text)
    this.#bytes = 0
    const tail = await new Promise<string>((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#reject = undefined
    return { bytes: this.#bytes, tail }
  }

  /** One command to its tagged answer. Throws unless it is OK. */
  async ask(command: string, ...literals: readonly Buffer[]): Promise<Answer> {
    const tag = `T${++this.#tag}T`
    const at = performance.now()
    const waiting = this.until(`${tag} `)
    this.socket.write(
      literals.length === 0
        ? `${tag} ${command}\r\n`
        : Buffer.concat([Buffer.from(`${tag} ${command}\r\n`), ...literals, Buffer.from('\r\n')]),
    )
    const { bytes, tail } = await waiting
    if (!tail.includes(`${tag} OK`)) throw new Error(`${command.slice(0, 80)}: ${tail.slice(-200)}`)
    return { bytes, tail, ms: performance.now() - at }
  }

  async idle(): Promise<void> {
    const waiting = this.until('+ ')
    this.socket.write('I1 IDLE\r\n')
    await waiting
  }

  async done(): Promise<void> {
    const waiting = this.until('I1 ')
    this.socket.write('DONE\r\n')
    await waiting
  }

  close(): void {
    this.#reject = undefined
    this.socket.destroy()
  }
}

/** Messages in a mailbox, by STATUS. */
export async function messageCount(client: ImapClient, mailbox: string): Promise<number> {
  const { tail } = await client.ask(`STATUS ${mailbox} (MESSAGES)`)
  return Number(/MESSAGES (\d+)/.exec(tail)?.[1] ?? NaN)
}
