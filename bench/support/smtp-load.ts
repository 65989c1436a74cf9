/** An SMTP client that measures: MAIL to 250 of each message, command by command or pipelined (which smtp-source cannot). */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface SmtpLoad {
  readonly messages: number
  readonly sessions: number
  readonly bytes: number
  /** MAIL, RCPT and DATA in one write. RFC 2920. */
  readonly pipelined: boolean
  /** After EHLO, and EHLO again. RFC 3207. */
  readonly startTls?: boolean
  /** Each message has a connection of its own. */
  readonly newConnections?: boolean
}

/** A message of about so many bytes: a header as programs send it and lines of text, dot-stuffed and ended. */
export function messageData(bytes: number): Buffer {
  const header =
    'Received: from client.bench.test by relay.bench.test with ESMTP id 1; Tue, 1 Jul 2025 10:52:30 +0200\r\n' +
    'Message-ID: <20250701.1@bench.test>\r\nDate: Tue, 1 Jul 2025 10:52:29 +0200\r\nMIME-Version: 1.0\r\n' +
    'From: "Doe, John" <sender@example.org>\r\nTo: admin@bench.test\r\nSubject: A subject of the usual length\r\n' +
    'Content-Type: text/plain; charset=utf-8\r\n\r\n'
  const line = 'It was a bright cold day in April, and the clocks were striking thirteen.\r\n'
  const lines = Math.max(1, Math.ceil((bytes - header.length) / line.length))
  return Buffer.from(`${header}${line.repeat(lines)}.\r\n`)
}

/** One session: what it reads is cut into replies; each reply calls `next`. */
class SmtpTalk {
  socket: Socket
  #buffer = ''
  #waiting: ((reply: string) => void) | undefined
  readonly #replies: string[] = []

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#listen()
  }

  /** Opens a session as far as MAIL. */
  static async open(port: number, startTls: boolean): Promise<SmtpTalk> {
    const talk = new SmtpTalk(port)
    await talk.reply('220')
    await talk.say('EHLO client.bench.test\r\n', '250')
    if (!startTls) return talk
    await talk.say('STARTTLS\r\n', '220')
    const plain = talk.socket
    plain.removeAllListeners('data')
    talk.socket = connectTls({ socket: plain, rejectUnauthorized: false })
    await new Promise((resolve) => talk.socket.once('secureConnect', resolve))
    talk.#listen()
    await talk.say('EHLO client.bench.test\r\n', '250')
    return talk
  }

  #listen(): void {
    this.socket.setEncoding('latin1')
    this.socket.on('error', (error) => this.#tell(`599 ${error.message}`))
    this.socket.on('data', (text: string) => {
      this.#buffer += text
      for (;;) {
        const end = this.#buffer.indexOf('\r\n')
        if (end < 0) return
        const line = this.#buffer.slice(0, end)
        this.#buffer = this.#buffer.slice(end + 2)
        if (line[3] !== '-') this.#tell(line)
      }
    })
  }

  #tell(reply: string): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) waiting(reply)
    else this.#replies.push(reply)
  }

  async reply(expected: string): Promise<void> {
    const reply = this.#replies.shift() ?? (await new Promise<string>((resolve) => (this.#waiting = resolve)))
    if (!reply.startsWith(expected)) throw new Error(`expected ${expected}, heard ${reply}`)
  }

  async say(text: string, expected: string): Promise<void> {
    this.socket.write(text)
    await this.reply(expected)
  }
}

export interface SmtpMeasured {
  readonly perSecond: number
  /** MAIL to 250 of every message, ms. */
  readonly latencies: number[]
}

/** @param to the recipient, or that of the nth message. */
export async function smtpLoad(
  port: number,
  to: string | ((n: number) => string),
  load: SmtpLoad,
): Promise<SmtpMeasured> {
  const { startTls = false } = load
  const recipient = typeof to === 'string' ? () => to : to
  const data = messageData(load.bytes)
  const talks = await Promise.all(Array.from({ length: load.sessions }, () => SmtpTalk.open(port, startTls)))
  const latencies: number[] = []
  let left = load.messages
  const startedAt = performance.now()
  await Promise.all(
    talks.map(async (first, i) => {
      let talk = first
      while (left-- > 0) {
        const rcpt = `RCPT TO:<${recipient(left)}>\r\n`
        const at = performance.now()
        if (load.pipelined) {
          talk.socket.write(`MAIL FROM:<sender@example.org>\r\n${rcpt}DATA\r\n`)
          await talk.reply('250')
          await talk.reply('250')
          await talk.reply('354')
        } else {
          await talk.say('MAIL FROM:<sender@example.org>\r\n', '250')
          await talk.say(rcpt, '250')
          await talk.say('DATA\r\n', '354')
        }
        talk.socket.write(data)
        await talk.reply('250')
        latencies.push(performance.now() - at)
        if (!load.newConnections || left <= 0) continue
        talk.socket.end('QUIT\r\n')
        talks[i] = talk = await SmtpTalk.open(port, startTls)
      }
    }),
  )
  const seconds = (performance.now() - startedAt) / 1000
  for (const talk of talks) talk.socket.end('QUIT\r\n')
  return { perSecond: load.messages / seconds, latencies }
}
