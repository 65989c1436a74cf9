/** The server's side of SMTP, submission and LMTP: states, the order of things, and how faults are answered. RFC 5321 §3, §4.1.4; RFC 2033. */
import { empty, latin1 } from '../../base/bytes.ts'
import { Refusal, status, type Status } from '../../mail/status.ts'
import { wait, type Action, type Session, type SessionHost } from '../action.ts'
import type { Authenticated } from '../sasl/authenticator.ts'
import { offeredMechanisms, type SaslMechanism } from '../sasl/mechanism.ts'
import { IncomingBody } from './body.ts'
import type { SmtpClientFacts, SmtpTransaction } from './backend.ts'
import type { Needs } from './command.ts'
import { commandNamed } from './commands.ts'
import { countedIntake, dottedIntake, type Intake } from './intake.ts'
import * as limits from './limits.ts'
import { smtpDefaults, type SmtpPolicy } from './policy.ts'
import { readResponse, SaslExchange } from './sasl-exchange.ts'
import type { ServerState, SmtpServerOptions } from './state.ts'
import { LineReader } from '../text/lines.ts'
import { formatReply, formatStatus } from './wire/reply.ts'
import { SyntaxFault } from './wire/arguments.ts'

type Mode = 'greeting' | 'command' | 'body' | 'sasl' | 'closing'

export class SmtpServerSession implements Session, ServerState {
  readonly options: SmtpServerOptions
  readonly policy: SmtpPolicy
  host!: SessionHost
  helo: string | undefined
  extended = false
  user: Authenticated | null = null
  transaction: SmtpTransaction | undefined
  recipients = 0
  smtpUtf8 = false
  binary = false
  #reader = new LineReader()
  #mode: Mode = 'greeting'
  /** What comes by BDAT, from the first piece to the last. */
  #body: IncomingBody | undefined
  /** The octets that are being read, in mode 'body'. */
  #intake: Intake | undefined
  /** The exchange that waits for its next line. */
  #sasl: SaslExchange | undefined
  #bad = 0
  #authFailures = 0
  #ended = false
  #stopping = false
  #parting: Uint8Array | undefined

  constructor(options: SmtpServerOptions) {
    this.options = options
    this.policy = { ...smtpDefaults, ...options.policy }
  }

  start(host: SessionHost): void {
    this.host = host
  }

  get idleTimeoutMs(): number {
    return this.helo === undefined ? limits.greetingTimeoutMs : limits.idleTimeoutMs
  }

  get facts(): SmtpClientFacts {
    const { service, connectionId } = this.options
    return {
      connectionId,
      service,
      peer: this.host.peer,
      tls: this.host.tls,
      helo: this.helo ?? '',
      withProtocol: this.#withProtocol(),
      user: this.user,
      trusted: this.options.trusted?.(this.host.peer) ?? false,
    }
  }

  /** RFC 3848; RFC 6531 §4.3. */
  #withProtocol(): string {
    const base = this.options.service === 'lmtp' ? 'LMTP' : this.extended ? 'ESMTP' : 'SMTP'
    const secured = `${this.host.tls ? 'S' : ''}${this.user ? 'A' : ''}`
    return this.smtpUtf8 ? `UTF8${this.options.service === 'lmtp' ? 'LMTP' : 'SMTP'}${secured}` : `${base}${secured}`
  }

  get submission(): boolean {
    return this.options.service === 'submission' || this.options.service === 'submissions'
  }

  get known(): boolean {
    return this.user !== null || (this.options.trusted?.(this.host.peer) ?? false)
  }

  get nowMs(): number | undefined {
    return this.options.now?.()
  }

  get mayStartTls(): boolean {
    return this.options.startTls && this.host.tls === null
  }

  get mechanisms(): readonly SaslMechanism[] {
    const { startTls, plaintextAuth, mechanisms } = this.options
    return this.submission ? offeredMechanisms(mechanisms, { tls: this.host.tls, startTls, plaintextAuth }) : []
  }

  receive(chunk: Uint8Array): void {
    this.#reader.push(chunk)
    if (this.#mode !== 'body' && this.#reader.heldBytes > limits.heldBytesMax) {
      this.#close(formatStatus({ code: 421, enhanced: '4.7.0', text: 'Too much sent ahead' }))
    }
  }

  next(): Action {
    switch (this.#mode) {
      case 'greeting':
        this.#mode = 'command'
        return { kind: 'write', bytes: this.#greeting() }
      case 'closing': {
        const bytes = this.#parting
        this.#parting = undefined
        return { kind: 'close', bytes }
      }
      case 'body':
        return this.#nextOfBody()
      case 'sasl':
      case 'command': {
        if (this.#stopping && !this.transaction) {
          this.#close(formatStatus(status.serviceClosing))
          return this.next()
        }
        const line = this.#reader.next()
        if (!line) {
          if (!this.#ended) return wait
          return { kind: 'close' }
        }
        if (line.kind === 'tooLong') {
          // In the middle of a SASL exchange it ends the exchange. RFC 4954 §4.
          this.#mode = 'command'
          this.#sasl = undefined
          return this.#refused(500, '5.5.6', 'Line too long')
        }
        if (this.#mode === 'sasl') return this.#saslLine(line.bytes)
        return this.#command(line.bytes)
      }
    }
  }

  #greeting(): Uint8Array {
    const protocol = this.options.service === 'lmtp' ? 'LMTP' : 'ESMTP'
    return formatReply(220, `${this.options.hostname} ${protocol} Pennypost`)
  }

  #close(words: Uint8Array): void {
    this.reset()
    this.#parting = words
    this.#mode = 'closing'
    this.#reader.clear()
  }

  /** A fault of the client: counted, answered, and the session goes on, up to a limit. */
  #refused(code: number, enhanced: string, text: string): Action {
    if (++this.#bad >= limits.badCommandsMax) {
      this.#close(formatReply(421, '4.7.0 Too many errors, closing connection'))
      return this.next()
    }
    return { kind: 'write', bytes: formatReply(code, `${enhanced} ${text}`) }
  }

  #command(line: Buffer): Action {
    const space = line.indexOf(32)
    const name = latin1(line, 0, space < 0 ? line.length : space).toUpperCase()
    const command = commandNamed(name, this.options.service)
    if (!command) return this.#refused(500, '5.5.1', 'Unknown command')
    const argument = space < 0 ? line.subarray(line.length) : trim(line.subarray(space + 1))
    const missing = this.#missing(command.needs)
    if (missing) return this.#refused(503, '5.5.1', missing)
    try {
      const answer = command.run(this, argument)
      if (answer instanceof Uint8Array) return { kind: 'write', bytes: answer }
      if ('kind' in answer) return answer
      return { kind: 'run', work: answer.catch((error) => this.#faultBytes(error)) }
    } catch (error) {
      return { kind: 'write', bytes: this.#faultBytes(error) }
    }
  }

  /** Why the verb is out of order. RFC 5321 §4.1.4. */
  #missing(needs: Needs): string | undefined {
    if (needs === 'nothing') return undefined
    if (this.helo === undefined) return `Say ${this.options.service === 'lmtp' ? 'LHLO' : 'EHLO'} first`
    if (needs === 'hello') return undefined
    if (!this.transaction) return 'Say MAIL first'
    if (needs === 'recipients' && this.recipients === 0) return 'Say RCPT first'
    return undefined
  }

  /** Every fault that a verb can have, in one place. */
  #faultBytes(error: unknown): Uint8Array {
    if (error instanceof Refusal) {
      // Guessing recipients is a fault of the client too. A temporary trouble of ours is not.
      if (error.status.code >= 500) this.#countBad()
      return formatStatus(error.status)
    }
    if (error instanceof SyntaxFault) {
      this.#countBad()
      return formatReply(501, `${error.enhanced} Expected ${error.rule}`)
    }
    throw error
  }

  #countBad(): void {
    if (++this.#bad < limits.badCommandsMax) return
    this.#close(formatReply(421, '4.7.0 Too many errors, closing connection'))
  }

  failed(): Uint8Array {
    const inBody = this.#mode === 'body'
    this.reset()
    if (inBody) {
      // Where the message ends is not known any more, and its rest must not be taken for commands.
      this.#close(formatStatus(status.serviceClosing))
      return new Uint8Array(0)
    }
    if (this.#mode === 'sasl') this.#mode = 'command'
    return formatStatus(status.localError)
  }

  reset(): void {
    this.transaction?.abort()
    this.transaction = undefined
    this.recipients = 0
    this.smtpUtf8 = false
    this.binary = false
    this.#body = undefined
  }

  startTls(): Action {
    return {
      kind: 'startTls',
      reply: formatReply(220, '2.0.0 Ready to start TLS'),
      done: () => {
        // Nothing that was said in clear counts any more. RFC 3207 §4.2.
        this.#reader.clear()
        this.reset()
        this.helo = undefined
        this.extended = false
        this.user = null
      },
    }
  }

  authenticate(mechanism: SaslMechanism, initial: Uint8Array | undefined): Promise<Uint8Array> {
    const { peer, tls } = this.host
    this.#sasl = new SaslExchange(mechanism.begin({ authenticator: this.options.receiver, peer, tls }))
    return this.#saslStep(initial)
  }

  async #saslStep(response: Uint8Array | undefined): Promise<Uint8Array> {
    const exchange = this.#sasl!
    this.#sasl = undefined
    const answer = await exchange.step(response)
    if (answer.kind === 'challenge') {
      this.#mode = 'sasl'
      this.#sasl = exchange
      return answer.bytes
    }
    if (answer.kind === 'user') {
      this.user = answer.user
      return formatReply(235, '2.7.0 Authentication successful')
    }
    if (++this.#authFailures >= limits.authFailuresMax)
      this.#close(formatReply(421, '4.7.0 Too many failed authentications'))
    return formatStatus(status.authFailed)
  }

  #saslLine(line: Buffer): Action {
    this.#mode = 'command'
    const response = readResponse(line)
    if (response instanceof Uint8Array)
      return { kind: 'run', work: this.#saslStep(response).catch((error) => this.#faultBytes(error)) }
    this.#sasl = undefined
    const { code, enhanced, text } = response
    return this.#refused(code, enhanced, text)
  }

  get chunking(): boolean {
    return this.#body !== undefined
  }

  #startBody(dotted: boolean): IncomingBody {
    const { messageBytesMax, bareNewline = 'refuse' } = this.options
    const rules = { bytesMax: messageBytesMax, bareNewline: this.binary ? ('keep' as const) : bareNewline, dotted }
    return new IncomingBody(this.transaction!.data(), rules)
  }

  #read(intake: Intake): void {
    this.#intake = intake
    this.#mode = 'body'
  }

  takeData(): Uint8Array {
    const body = this.#startBody(true)
    this.#read(dottedIntake(body, () => this.#finishBody(body)))
    return formatReply(354, 'Go ahead, end with <CRLF>.<CRLF>')
  }

  takeChunk(octets: number, last: boolean): Uint8Array {
    const missing = this.#missing('recipients')
    const body = missing === undefined ? (this.#body ??= this.#startBody(false)) : undefined
    const end = (): Action => {
      if (!body) return this.#refused(503, '5.5.1', missing!)
      if (last) body.end()
      if (last || body.refusal) return this.#finishBody(body, last)
      const reply = formatReply(250, `2.0.0 ${octets} octets received`)
      const work = body.drained()
      return work ? { kind: 'run', work: work.then(() => reply) } : { kind: 'write', bytes: reply }
    }
    this.#read(countedIntake(octets, body, end))
    return empty
  }

  #nextOfBody(): Action {
    const intake = this.#intake!
    const chunk = this.#reader.take()
    const rest = intake.take(chunk)
    if (rest) {
      this.#reader.putBack(rest)
      this.#intake = undefined
      this.#mode = 'command'
      return intake.end()
    }
    if (chunk.length === 0) {
      if (!this.#ended) return wait
      // It broke off: nothing of it counts. RFC 5321 §3.8.
      this.reset()
      return { kind: 'close' }
    }
    const work = intake.drained()
    return work ? { kind: 'run', work } : this.#nextOfBody()
  }

  /** @param whole LMTP answers for each recipient, but only where the message has ended. */
  #finishBody(body: IncomingBody, whole = true): Action {
    const transaction = this.transaction!
    const count = this.options.service === 'lmtp' && whole ? this.recipients : 1
    const { refusal } = body
    if (refusal) {
      body.drop()
      this.reset()
      if (refusal.code >= 500) this.#countBad()
      return { kind: 'write', bytes: all(refusal, count) }
    }
    // The transaction is over for us whatever becomes of it; a client that leaves now changes nothing. RFC 1047.
    this.transaction = undefined
    this.#body = undefined
    this.reset()
    const work = transaction.finish().then(
      (replies) => Buffer.concat(replies.map(formatStatus)),
      (error) => {
        if (error instanceof Refusal) return all(error.status, count)
        throw error
      },
    )
    return { kind: 'run', work }
  }

  timedOut(): Uint8Array {
    this.reset()
    return formatStatus(status.timeout)
  }

  ended(): void {
    this.#ended = true
  }

  shutdown(): void {
    this.#stopping = true
  }

  closed(): void {
    this.reset()
    this.#reader.clear()
  }
}

function all(status: Status, count: number): Uint8Array {
  const one = formatStatus(status)
  return count === 1 ? one : Buffer.concat(Array.from({ length: count }, () => one))
}

/** Spaces at the ends of an argument mean nothing; some clients send them. RFC 5321 §4.1.1. */
function trim(argument: Buffer): Buffer {
  let start = 0
  let end = argument.length
  while (start < end && argument[start] === 32) start++
  while (end > start && (argument[end - 1] === 32 || argument[end - 1] === 9)) end--
  return argument.subarray(start, end)
}
