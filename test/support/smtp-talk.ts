/** A client that says just what a test tells it, over a real socket, in clear or under TLS. */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface TalkOptions {
  readonly tls?: boolean
  /** The client's own certificate, PEM. */
  readonly pair?: { readonly cert: string; readonly key: string }
}

export class SmtpTalk {
  #socket: Socket
  #text = ''
  #ended = false
  #wake: (() => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#attach(socket)
  }

  static async to(port: number, { tls = false, pair }: TalkOptions = {}): Promise<SmtpTalk> {
    const socket = tls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...pair })
      : connect({ port, host: '127.0.0.1' })
    await new Promise((resolve, reject) =>
      socket.once(tls ? 'secureConnect' : 'connect', resolve as () => void).once('error', reject),
    )
    return new SmtpTalk(socket)
  }

  #attach(socket: Socket): void {
    socket.on('data', (bytes: Buffer) => {
      this.#text += bytes.toString('latin1')
      this.#wake?.()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#ended = true
      this.#wake?.()
    })
  }

  /** The next whole reply, its lines joined by LF; '' once the server has hung up. */
  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3} [^\r\n]*\r\n/.exec(this.#text)
      if (match) {
        this.#text = this.#text.slice(match[0].length)
        return match[0].trimEnd().replaceAll('\r\n', '\n')
      }
      if (this.#ended) return ''
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  write(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** Says a line and hears the reply. */
  async say(line: string): Promise<string> {
    this.write(`${line}\r\n`)
    return this.reply()
  }

  async startTls(): Promise<void> {
    this.#socket.removeAllListeners('data')
    const socket = connectTls({ socket: this.#socket, rejectUnauthorized: false })
    await new Promise((resolve, reject) => socket.once('secureConnect', resolve as () => void).once('error', reject))
    this.#socket = socket
    this.#attach(socket)
  }

  /** Gone without a word. */
  destroy(): void {
    this.#socket.destroy()
  }
}
