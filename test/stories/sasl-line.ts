/** A client of any of the line protocols that knows how each wraps SASL: for tests that ask the same of all of them. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { Service } from '../../src/config/config.ts'

export type SaslAnswer =
  { readonly kind: 'challenge'; readonly bytes: Buffer } | { readonly kind: 'in' | 'refused'; readonly line: string }

type Protocol = 'smtp' | 'imap' | 'pop3'

export function protocolOf(service: Service): Protocol {
  return service.startsWith('imap') ? 'imap' : service.startsWith('pop3') ? 'pop3' : 'smtp'
}

export class SaslLine {
  #socket: Socket
  readonly #protocol: Protocol
  readonly #hello: string
  #text = ''
  #resolved: (() => void) | undefined
  #closed = false
  #tags = 0

  private constructor(socket: Socket, service: Service) {
    this.#protocol = protocolOf(service)
    this.#hello = service === 'lmtp' ? 'LHLO' : 'EHLO'
    this.#socket = socket
    this.#listen(socket)
  }

  static async open(service: Service, port: number, tls?: ConnectionOptions): Promise<SaslLine> {
    const implicit = service.endsWith('s') || service === 'submissions'
    const socket = implicit
      ? connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...tls })
      : connectTcp({ host: '127.0.0.1', port })
    const line = new SaslLine(socket, service)
    await line.line()
    if (tls && !implicit) await line.#startTls(tls)
    if (line.#protocol === 'smtp') await line.#lines(`${line.#hello} client.example`)
    return line
  }

  get tls(): TLSSocket {
    return this.#socket as TLSSocket
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#resolved?.()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#closed = true
      this.#resolved?.()
    })
  }

  async #startTls(options: ConnectionOptions): Promise<void> {
    if (this.#protocol === 'smtp') {
      await this.#lines(`${this.#hello} client.example`)
      await this.say('STARTTLS')
    } else await this.say(this.#protocol === 'imap' ? 'S STARTTLS' : 'STLS')
    const plain = this.#socket
    plain.removeAllListeners('data')
    plain.removeAllListeners('close')
    const secure = connectTls({ socket: plain, rejectUnauthorized: false, ...options })
    await new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject))
    this.#socket = secure
    this.#listen(secure)
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#text.indexOf('\r\n')
      if (end >= 0) {
        const line = this.#text.slice(0, end)
        this.#text = this.#text.slice(end + 2)
        return line
      }
      if (this.#closed) return ''
      await new Promise<void>((resolve) => (this.#resolved = resolve))
    }
  }

  async say(text: string): Promise<string> {
    this.#socket.write(`${text}\r\n`)
    return this.line()
  }

  /** A reply of several lines, as the protocol ends it. */
  async #lines(text: string): Promise<string[]> {
    const lines = [await this.say(text)]
    const isLast = (line: string): boolean =>
      this.#protocol === 'smtp'
        ? !/^\d{3}-/.test(line)
        : this.#protocol === 'pop3'
          ? line === '.' || line.startsWith('-')
          : /^C\d* /.test(line)
    while (!isLast(lines.at(-1)!)) lines.push(await this.line())
    return lines
  }

  /** The mechanisms that the server names now. */
  async advertised(): Promise<string[]> {
    if (this.#protocol === 'smtp') {
      const lines = await this.#lines(`${this.#hello} client.example`)
      return words(lines.find((line) => /^250[- ]AUTH /.test(line))?.slice(9))
    }
    if (this.#protocol === 'pop3')
      return words((await this.#lines('CAPA')).find((line) => line.startsWith('SASL '))?.slice(5))
    const [line] = await this.#lines('C1 CAPABILITY')
    return line!.split(' ').flatMap((word) => (word.startsWith('AUTH=') ? [word.slice(5)] : []))
  }

  auth(mechanism: string, initial?: string | Buffer): Promise<SaslAnswer> {
    const verb = this.#protocol === 'imap' ? `A${++this.#tags} AUTHENTICATE` : 'AUTH'
    const response = initial === undefined ? '' : ` ${Buffer.from(initial).toString('base64') || '='}`
    return this.#answer(`${verb} ${mechanism}${response}`)
  }

  respond(response: string | Buffer): Promise<SaslAnswer> {
    return this.#answer(Buffer.from(response).toString('base64'))
  }

  /** A line as it is in the middle of an exchange: `*`, or nonsense. */
  raw(text: string): Promise<SaslAnswer> {
    return this.#answer(text)
  }

  async #answer(text: string): Promise<SaslAnswer> {
    const line = await this.say(text)
    const challenge = /^(?:334|\+) (.*)$/.exec(line)
    if (challenge) return { kind: 'challenge', bytes: Buffer.from(challenge[1]!, 'base64') }
    return { kind: /^(?:235|A\d+ OK|\+OK)/.test(line) ? 'in' : 'refused', line }
  }

  close(): void {
    this.#socket.destroy()
  }
}

function words(text: string | undefined): string[] {
  return text === undefined ? [] : text.split(' ').filter((word) => word !== '')
}
