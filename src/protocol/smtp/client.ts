/** An SMTP and LMTP client: connects, says hello, protects, signs in, sends. RFC 5321, RFC 2920, RFC 3207, RFC 4954. */
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Network, TlsClientOptions, TlsFacts } from '../../base/network.ts'
import type { Wheel } from '../../base/wheel.ts'
import type { MessageBytes } from '../../mail/content.ts'
import { drive } from '../drive.ts'
import { chooseMechanism, chooseTokenMechanism, type SaslClient } from '../sasl/client.ts'
import { decodeBase64 } from '../sasl/mechanism.ts'
import { clientTimeouts, SmtpClientSession, SmtpConnectionFault } from './client-session.ts'
import { brokenOff, SmtpNeedFault, SmtpReplyFault } from './client-faults.ts'
import { groupsOf, noLimits, parseLimits, type PeerLimits } from './peer-limits.ts'
import { lackOf, type Need, type OutgoingEnvelope, type SendResult } from './outgoing.ts'
import { transact, type RecipientReply } from './transact.ts'
import type { Reply } from './wire/reply.ts'

export { SmtpChunkingFault, SmtpNeedFault, SmtpReplyFault } from './client-faults.ts'
export type { Need, OutgoingEnvelope, SendResult } from './outgoing.ts'

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

/** Transactions more than were planned that a server can ask for by refusing recipients as too many: each carries the message again. */
const moreTransactionsMax = 20

export class SmtpClient {
  readonly #session: SmtpClientSession
  readonly #options: SmtpClientOptions
  readonly #destroy: () => void
  /** Keywords of EHLO with their parameters. */
  extensions: ReadonlyMap<string, string> = new Map()
  #limits: PeerLimits = noLimits
  #mails = 0
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
    const driver = drive(connection, session, { clock, wheel, log, facts: { to: `${address}:${port}` } })
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
      this.extensions = extensionsOf(reply.lines.slice(1))
      this.#limits = parseLimits(this.extensions.get('LIMITS'))
      return
    }
    // Very old servers know HELO only. RFC 5321 §3.2.
    if (lmtp || reply.code < 500) throw new SmtpReplyFault('EHLO', reply)
    const old = await this.#session.command(`HELO ${hostname}`)
    if (old.code !== 250) throw new SmtpReplyFault('HELO', old)
    this.extensions = new Map()
  }

  /** The connection stands, as far as we have heard. */
  get alive(): boolean {
    return this.#session.alive
  }

  /** Grows when bytes of a message go out: if the connection is lost after that, the message may have been accepted or not. */
  get streams(): number {
    return this.#session.streams
  }

  has(keyword: string): boolean {
    return this.extensions.has(keyword)
  }

  /** Messages go by DATA, whatever was offered. */
  withoutChunking(): void {
    this.extensions = new Map([...this.extensions].filter(([keyword]) => !/^(?:CHUNKING|BINARYMIME)$/.test(keyword)))
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
    let left = offered
    let reply: Reply | undefined
    for (;;) {
      const client = choose(left)
      if (!client && !reply) throw new SmtpConnectionFault('the server offers no way to sign in that we know')
      if (!client) throw new SmtpReplyFault('AUTH', reply!)
      reply = await this.#converse(client)
      if (reply.code === 235) return
      // It may have SCRAM and no keys of this account: those are made when a password is set. And what it offers it may not know.
      const isScram = (name: string): boolean => name.startsWith('SCRAM')
      if (reply.code === 504) left = left.filter((name) => name !== client.name)
      else if (reply.code >= 500 && isScram(client.name)) left = left.filter((name) => !isScram(name))
      else throw new SmtpReplyFault('AUTH', reply)
    }
  }

  /** Signs in with a token of the login page that the server trusts: OAUTHBEARER (RFC 7628) or XOAUTH2. */
  async authenticateToken(
    username: string,
    token: string,
    { plaintext = false }: { readonly plaintext?: boolean } = {},
  ): Promise<void> {
    const offered = (this.extensions.get('AUTH') ?? '').toUpperCase().split(' ')
    const client = chooseTokenMechanism(offered, { username, token }, { tls: this.tls, plaintext })
    if (!client) throw new SmtpConnectionFault('the server takes no tokens, or not without TLS')
    const reply = await this.#converse(client)
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

  /** What this server cannot do that the message needs; undefined where it can it all. */
  lacks(envelope: OutgoingEnvelope): Need | undefined {
    return lackOf(this.extensions, this.tls, envelope, this.#options.clock.now())
  }

  /** How many more messages the server takes on this connection. RFC 9422 §4.1. */
  get mailsLeft(): number {
    return this.#limits.mailMax - this.#mails
  }

  /**
   * Sends one message. Answers for each recipient the reply that decides about it: RCPT's refusal, or the one to the data.
   * Throws SmtpNeedFault when the server cannot do what the message needs, SmtpReplyFault when MAIL or the message as a whole is refused
   * before any recipient counts. More recipients than the server takes at a time go in several transactions, whether it told its limit
   * before (RFC 9422) or at RCPT.
   */
  async send(envelope: OutgoingEnvelope, bytes: MessageBytes): Promise<SendResult> {
    const lack = this.lacks(envelope)
    if (lack) throw new SmtpNeedFault(lack)
    const groups = groupsOf(envelope.recipients, this.#limits)
    let more = 0
    const recipients: Reply[] = []
    for (const [n, group] of groups.entries()) {
      try {
        const replies = await this.#sendGroup(envelope, group, bytes)
        const left = group.filter((_, i) => replies[i]!.tooMany)
        // One that was too many before may be the first of those that are too many now.
        group.forEach((at, i) => (recipients[at] = (replies[i]!.code === 552 && recipients[at]) || replies[i]!))
        // Entries that are pushed are visited too; each transaction has taken some.
        if (left.length > 0 && this.mailsLeft > 0 && more++ < moreTransactionsMax) groups.push(left)
      } catch (error) {
        // What the groups before it were told stands.
        if (n === 0 || !(error instanceof SmtpReplyFault || error instanceof SmtpConnectionFault)) throw error
        const reply = error instanceof SmtpReplyFault ? error.reply : brokenOff(error)
        for (const at of group) recipients[at] ??= reply
      }
    }
    return { recipients }
  }

  async #sendGroup(
    envelope: OutgoingEnvelope,
    group: readonly number[],
    bytes: MessageBytes,
  ): Promise<RecipientReply[]> {
    if (this.mailsLeft <= 0) throw new SmtpConnectionFault('the server takes no more messages on this connection')
    this.#mails++
    const { lmtp = false, clock } = this.#options
    const wire = { session: this.#session, extensions: this.extensions, lmtp, nowMs: clock.now() }
    if (group.length === envelope.recipients.length) return transact(wire, envelope, bytes)
    const recipients = group.map((at) => envelope.recipients[at]!)
    return transact(
      wire,
      { ...envelope, recipients, dsn: envelope.dsn && group.map((at) => envelope.dsn![at]!) },
      bytes,
    )
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

/** What EHLO says. Mechanisms may come in the spelling of before RFC 2554 too, `AUTH=LOGIN PLAIN`. */
function extensionsOf(lines: readonly string[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of lines) {
    const [keyword = '', ...parameters] = line.replace(/^AUTH=/i, 'AUTH ').split(' ')
    const name = keyword.toUpperCase()
    const before = name === 'AUTH' ? (found.get(name)?.split(' ') ?? []) : []
    found.set(name, [...before, ...parameters].join(' '))
  }
  return found
}
