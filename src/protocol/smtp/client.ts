/** An SMTP and LMTP client: connects, says hello, protects, signs in, sends. RFC 5321, RFC 2920, RFC 3207, RFC 4954. */
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Network, TlsClientOptions, TlsFacts } from '../../base/network.ts'
import type { Wheel } from '../../base/wheel.ts'
import { readSliceBytes, type MessageBytes } from '../../mail/content.ts'
import type { RecipientDsn } from '../../mail/envelope.ts'
import { drive } from '../drive.ts'
import { chooseMechanism, type SaslClient } from '../sasl/client.ts'
import { decodeBase64 } from '../sasl/mechanism.ts'
import { clientTimeouts, SmtpClientSession, SmtpConnectionFault } from './client-session.ts'
import { DotStuffer } from '../text/dots.ts'
import { encodeXtext } from './wire/arguments.ts'
import { replyText, type Reply } from './wire/reply.ts'

export interface SmtpClientOptions {
  readonly network: Network
  readonly clock: Clock
  readonly wheel: Wheel
  readonly log: Log
  readonly address: string
  readonly port: number
  readonly connectTimeoutMs: number
  /** What we call ourselves in EHLO. */
  readonly hostname: string
  readonly lmtp?: boolean
  /** Implicit TLS from the first byte. */
  readonly tls?: TlsClientOptions
  readonly localAddress?: string
}

export interface OutgoingEnvelope {
  /** '' for the null reverse-path. */
  readonly reversePath: string
  readonly recipients: readonly string[]
  readonly body: '7bit' | '8bitmime'
  readonly smtpUtf8: boolean
  /** What the sender wishes to be told, recipient by recipient; said where the server takes it. RFC 3461 §4. */
  readonly dsn?: readonly RecipientDsn[]
  readonly ret?: 'full' | 'hdrs'
  readonly envelopeId?: string
}

/** What the server said to each recipient; with `data` only where the message itself was offered. */
export interface SendResult {
  readonly recipients: readonly Reply[]
}

/** The server said no, or not now, to something other than a recipient. */
export class SmtpReplyFault extends Error {
  readonly reply: Reply
  constructor(stage: string, reply: Reply) {
    super(`${stage}: ${replyText(reply)}`)
    this.name = 'SmtpReplyFault'
    this.reply = reply
  }
}

export class SmtpClient {
  readonly #session: SmtpClientSession
  readonly #options: SmtpClientOptions
  readonly #destroy: () => void
  /** Keywords of EHLO with their parameters. */
  extensions: ReadonlyMap<string, string> = new Map()
  tls: TlsFacts | null

  private constructor(
    session: SmtpClientSession,
    options: SmtpClientOptions,
    destroy: () => void,
    tls: TlsFacts | null,
  ) {
    this.#session = session
    this.#options = options
    this.#destroy = destroy
    this.tls = tls
  }

  /** Connects and says hello. Throws SmtpConnectionFault or SmtpReplyFault. */
  static async connect(options: SmtpClientOptions): Promise<SmtpClient> {
    const { network, clock, wheel, log, address, port, localAddress, tls } = options
    const connection = await network
      .connect({ address, port, localAddress, tls, timeoutMs: options.connectTimeoutMs })
      .catch((error) => Promise.reject(new SmtpConnectionFault((error as Error).message)))
    const session = new SmtpClientSession()
    const greeting = session.expect(clientTimeouts.greeting)
    const driver = drive(connection, session, { clock, wheel, log })
    const client = new SmtpClient(session, options, () => driver.destroy(), connection.tls)
    try {
      const hello = await greeting
      if (hello.code !== 220) throw new SmtpReplyFault('greeting', hello)
      await client.#hello()
      return client
    } catch (error) {
      client.destroy()
      throw error
    }
  }

  async #hello(): Promise<void> {
    const { hostname, lmtp } = this.#options
    const reply = await this.#session.command(`${lmtp ? 'LHLO' : 'EHLO'} ${hostname}`)
    if (reply.code === 250) {
      this.extensions = new Map(
        reply.lines.slice(1).map((line) => {
          const [keyword = '', ...parameters] = line.split(' ')
          return [keyword.toUpperCase(), parameters.join(' ')]
        }),
      )
      return
    }
    // Very old servers know HELO only. RFC 5321 §3.2.
    if (lmtp || reply.code < 500) throw new SmtpReplyFault('EHLO', reply)
    const old = await this.#session.command(`HELO ${hostname}`)
    if (old.code !== 250) throw new SmtpReplyFault('HELO', old)
    this.extensions = new Map()
  }

  has(keyword: string): boolean {
    return this.extensions.has(keyword)
  }

  /** STARTTLS and a new hello. Throws when the server does not want it or the handshake fails: the connection is then useless. */
  async startTls(options: TlsClientOptions): Promise<TlsFacts> {
    const reply = await this.#session.command('STARTTLS')
    if (reply.code !== 220) throw new SmtpReplyFault('STARTTLS', reply)
    this.tls = await this.#session.startTls(options)
    await this.#hello()
    return this.tls
  }

  /**
   * Signs in with the strongest mechanism that both have: SCRAM, bound to the channel if it can be, else a password under TLS.
   * @param options.plaintext a password may be said without TLS: to this machine.
   */
  async authenticate(
    username: string,
    password: string,
    options: { readonly plaintext?: boolean } = {},
  ): Promise<void> {
    const offered = (this.extensions.get('AUTH') ?? '').toUpperCase().split(' ')
    const channel = { tls: this.tls, plaintext: options.plaintext ?? false }
    const choose = (names: readonly string[]): SaslClient | undefined =>
      chooseMechanism(names, { username, password }, channel)
    const best = choose(offered)
    if (!best) throw new SmtpConnectionFault('the server offers no way to sign in that we know')
    let reply = await this.#converse(best)
    // It may have SCRAM and no keys of this account: those are made when a password is set.
    const plain =
      reply.code >= 500 && best.name.startsWith('SCRAM') && choose(offered.filter((name) => !name.startsWith('SCRAM')))
    if (plain) reply = await this.#converse(plain)
    if (reply.code !== 235) throw new SmtpReplyFault('AUTH', reply)
  }

  /** One SASL exchange; the reply that ended it. RFC 4954 §4. */
  async #converse(client: SaslClient): Promise<Reply> {
    const initial = client.initial()
    let reply = await this.#session.command(
      `AUTH ${client.name}${initial ? ` ${Buffer.from(initial).toString('base64') || '='}` : ''}`,
    )
    while (reply.code === 334) {
      const challenge = decodeBase64(reply.lines[0] ?? '')
      const answer = challenge && (await client.answer(challenge).catch((error: unknown) => error as Error))
      if (!(answer instanceof Uint8Array)) {
        await this.#session.command('*')
        throw answer instanceof Error ? new SmtpConnectionFault(answer.message) : new SmtpReplyFault('AUTH', reply)
      }
      reply = await this.#session.command(Buffer.from(answer).toString('base64'))
    }
    if (reply.code === 235) {
      try {
        client.succeeded()
      } catch (error) {
        throw new SmtpConnectionFault((error as Error).message)
      }
    }
    return reply
  }

  /**
   * Sends one message. Answers for each recipient the reply that decides about it: RCPT's refusal, or the one to the data.
   * Throws SmtpReplyFault when MAIL or the message as a whole is refused before any recipient counts.
   */
  async send(envelope: OutgoingEnvelope, bytes: MessageBytes): Promise<SendResult> {
    const lines = [
      this.#mailLine(envelope, bytes.sizeBytes),
      ...envelope.recipients.map((address, i) => this.#recipientLine(address, envelope.dsn?.[i])),
    ]
    const pipelining = this.has('PIPELINING')
    const replies: Reply[] = []
    let data: Promise<Reply> | undefined
    if (pipelining) {
      const waiting = lines.map((line) => this.#session.command(line))
      data = this.#session.command('DATA', clientTimeouts.dataInitiation)
      data.catch(() => {})
      replies.push(...(await Promise.all(waiting)))
    } else {
      for (const line of lines) {
        replies.push(await this.#session.command(line))
        if (replies[0]!.code >= 300) break
      }
    }
    const [mail, ...recipients] = replies as [Reply, ...Reply[]]
    const taken = recipients.filter(({ code }) => code < 300).length
    if (mail.code >= 300 || taken === 0) {
      // DATA was pipelined though no recipient is left: a 354 is answered by an empty message, which goes to nobody. RFC 2920 §3.1.
      if ((await data)?.code === 354) await this.#session.command('.', clientTimeouts.dataTermination)
      else if (mail.code < 300) await this.#session.command('RSET')
      if (mail.code >= 300) throw new SmtpReplyFault('MAIL', mail)
      return { recipients }
    }
    const go = await (data ?? this.#session.command('DATA', clientTimeouts.dataInitiation))
    if (go.code !== 354) throw new SmtpReplyFault('DATA', go)
    const finals = await this.#sendData(bytes, this.#options.lmtp ? taken : 1)
    let next = 0
    return {
      recipients: recipients.map((reply) => {
        if (reply.code >= 300) return reply
        return this.#options.lmtp ? finals[next++]! : finals[0]!
      }),
    }
  }

  #mailLine(envelope: OutgoingEnvelope, sizeBytes: number): string {
    const parameters = [
      this.has('SIZE') ? ` SIZE=${sizeBytes}` : '',
      envelope.body === '8bitmime' && this.has('8BITMIME') ? ' BODY=8BITMIME' : '',
      envelope.smtpUtf8 && this.has('SMTPUTF8') ? ' SMTPUTF8' : '',
      envelope.ret !== undefined && this.has('DSN') ? ` RET=${envelope.ret.toUpperCase()}` : '',
      envelope.envelopeId !== undefined && this.has('DSN') ? ` ENVID=${encodeXtext(envelope.envelopeId)}` : '',
    ]
    return `MAIL FROM:<${envelope.reversePath}>${parameters.join('')}`
  }

  #recipientLine(address: string, dsn: RecipientDsn | undefined): string {
    if (!dsn || !this.has('DSN')) return `RCPT TO:<${address}>`
    const notify = dsn.notify === undefined ? '' : ` NOTIFY=${dsn.notify.join(',').toUpperCase()}`
    const original = dsn.originalRecipient === undefined ? '' : ` ORCPT=${formatOrcpt(dsn.originalRecipient)}`
    return `RCPT TO:<${address}>${notify}${original}`
  }

  async #sendData(bytes: MessageBytes, finals: number): Promise<Reply[]> {
    const waiting = Array.from({ length: finals }, () => this.#session.expect(clientTimeouts.dataTermination))
    for (const reply of waiting) reply.catch(() => {})
    await this.#session.stream(async function* () {
      const stuffer = new DotStuffer()
      for (let at = 0; at < bytes.sizeBytes; at += readSliceBytes) {
        yield stuffer.push(await bytes.read(at, Math.min(at + readSliceBytes, bytes.sizeBytes)))
      }
      yield stuffer.end()
    })
    return Promise.all(waiting)
  }

  async noop(): Promise<void> {
    await this.#session.command('NOOP')
  }

  /** Says goodbye and does not wait for long. */
  async quit(): Promise<void> {
    await this.#session.command('QUIT', 5000).catch(() => {})
    this.#session.close()
  }

  destroy(): void {
    this.#destroy()
  }
}

/** `type;address` as ORCPT spells it; a utf-8 address keeps RFC 6533's own escapes. */
function formatOrcpt(original: string): string {
  const semicolon = original.indexOf(';')
  const type = original.slice(0, semicolon)
  const address = original.slice(semicolon + 1)
  return `${type};${type === 'utf-8' ? address.replace(/[^!-*,-<>-~\u0080-\uffff]/g, '?') : encodeXtext(address)}`
}
