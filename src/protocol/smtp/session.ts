/** The server's side of SMTP, submission and LMTP: states, the order of things, and how faults are answered. RFC 5321 §3, §4.1.4; RFC 2033. */
import { empty, latin1, utf8 } from '../../base/bytes.ts'
import { sleep } from '../../base/clock.ts'
import { Refusal, status } from '../../mail/status.ts'
import { wait, type Action, type Session, type SessionHost } from '../action.ts'
import type { CommandTable } from '../command.ts'
import type { Authenticated } from '../sasl/authenticator.ts'
import type { SaslMechanism } from '../sasl/mechanism.ts'
import { missingFor, type SmtpCommand } from './command.ts'
import { smtpCommands } from './commands.ts'
import { OpenConversation } from './conversation.ts'
import { peerBehind, type Forwarded } from './forwarded.ts'
import * as limits from './limits.ts'
import { MessageIntake, type IntakeHost } from './message-intake.ts'
import type { SmtpServerOptions } from './options.ts'
import { readResponse, SaslExchange } from './sasl-exchange.ts'
import { withoutSecret } from '../text/dialogue-words.ts'
import { isHttpVerb } from '../text/http-request.ts'
import { LineReader } from '../text/lines.ts'
import { formatReply, formatStatus } from './wire/reply.ts'
import { SyntaxFault } from './wire/arguments.ts'

type Mode = 'greeting' | 'command' | 'body' | 'sasl' | 'closing'

const goAhead = formatReply(354, 'Go ahead, end with <CRLF>.<CRLF>')
const tooEarly = formatReply(554, '5.5.1 Client spoke before the greeting')

export class SmtpServerSession extends OpenConversation implements Session, IntakeHost {
  #reader = new LineReader()
  #mode: Mode = 'greeting'
  /** The exchange that waits for its next line. */
  #sasl: SaslExchange | undefined
  /** The newest verb. */
  #doing = 'line'
  /** Lines that were read. */
  #lines = 0
  #ended = false
  #stopping = false
  #parting: Uint8Array | undefined

  constructor(options: SmtpServerOptions, commands: CommandTable<SmtpCommand> = smtpCommands[options.service]) {
    super(options, commands)
  }

  start(host: SessionHost): void {
    this.host = host
    this.connect()
  }

  get idleTimeoutMs(): number {
    return this.helo === undefined ? limits.greetingTimeoutMs : limits.idleTimeoutMs
  }

  /** A command has to come in one piece of time, and so has a body, whose bytes give more. */
  get waitingFor(): number {
    return this.#lines
  }

  get mayBeSlow(): boolean {
    return this.#mode === 'body'
  }

  get doing(): string {
    return `${this.options.service} ${this.#mode === 'body' ? 'body' : this.#doing}`
  }

  receive(chunk: Uint8Array): void {
    this.#reader.push(chunk)
    if (this.#mode !== 'body' && this.#reader.heldBytes + this.#reader.skippedBytes > limits.heldBytesMax) {
      this.#close(formatStatus({ code: 421, enhanced: '4.7.0', text: 'Too much data sent ahead' }))
    }
  }

  next(): Action {
    switch (this.#mode) {
      case 'greeting':
        this.#mode = 'command'
        return this.#greet()
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
        this.#lines++
        if (line.kind === 'tooLong') {
          // In the middle of a SASL exchange it ends the exchange. RFC 4954 §4.
          this.#mode = 'command'
          this.#sasl = undefined
          return this.refused(formatReply(500, '5.5.6 Line too long'))
        }
        if (this.#mode === 'sasl') return this.#saslLine(line.bytes)
        return this.#command(line.bytes)
      }
    }
  }

  get #greeting(): Uint8Array {
    const protocol = this.options.service === 'lmtp' ? 'LMTP' : 'ESMTP'
    return formatReply(220, `${this.options.hostname} ${protocol} Pennypost`)
  }

  /** An unauthenticated client may have to wait for it: programs that send without reading do not, and show themselves. RFC 5321 §3.1. */
  #greet(): Action {
    const { clock, service } = this.options
    const { greetPauseMs } = this.policy
    if (!clock || greetPauseMs === 0 || service !== 'smtp' || this.trusted || this.mayForward)
      return { kind: 'write', bytes: this.#greeting }
    const work = sleep(clock, greetPauseMs).then(() =>
      this.#reader.heldBytes > 0 ? this.part(tooEarly) : this.#greeting,
    )
    return { kind: 'run', work }
  }

  wordsOf(bytes: Uint8Array): string {
    const words = latin1(bytes).trimEnd()
    return words.startsWith('334') ? '334 (a SASL challenge)' : words
  }

  #close(words: Uint8Array): void {
    this.reset()
    this.#parting = words
    this.#mode = 'closing'
    this.#reader.clear()
  }

  part(words: Uint8Array): Uint8Array {
    this.#close(words)
    return empty
  }

  /** A fault of the client: counted, answered, and the session goes on, up to a limit. */
  refused(words: Uint8Array): Action {
    return say(this.#slowly(words))
  }

  /** Who makes mistake after mistake is answered ever later, and then no more. */
  #slowly(words: Uint8Array): Said {
    const parting = this.errorLimits.bad()
    if (parting) this.#close(parting)
    const { clock } = this.options
    const { delayMs } = this.errorLimits
    return clock && delayMs > 0 ? sleep(clock, delayMs).then(() => words) : words
  }

  #command(line: Buffer): Action {
    const space = line.indexOf(32)
    const name = latin1(line, 0, space < 0 ? line.length : space).toUpperCase()
    const command = this.commands.get(name)
    if (!command && isHttpVerb(name)) {
      this.#close(formatReply(221, '2.7.0 This is not a web server'))
      return this.next()
    }
    if (!command) return this.refused(formatReply(500, '5.5.1 Unknown command'))
    this.#doing = command.name
    const parting = this.errorLimits.said(command.name)
    if (parting) return { kind: 'write', bytes: this.part(parting) }
    this.host.tell?.('client', command.name === 'AUTH' ? withoutSecret(latin1(line)) : utf8(line))
    const argument = space < 0 ? line.subarray(line.length) : trim(line.subarray(space + 1))
    const missing = missingFor(command.states, this)
    if (missing) return this.refused(formatReply(503, `5.5.1 ${missing}`))
    try {
      const answer = command.declines?.(this) ?? command.run(this, command.grammar?.(argument, this))
      if ('kind' in answer) return answer
      return say('then' in answer ? answer.catch((error) => this.#faultWords(error)) : answer)
    } catch (error) {
      return say(this.#faultWords(error))
    }
  }

  /** Every fault that a verb can have, in one place. */
  #faultWords(error: unknown): Said {
    if (error instanceof SyntaxFault) return this.#slowly(formatReply(501, `${error.enhanced} Expected ${error.rule}`))
    if (!(error instanceof Refusal)) throw error
    const words = formatStatus(error.status)
    // Guessing recipients is a fault of the client too. A temporary trouble of ours is not.
    return error.status.code < 500 ? words : this.#slowly(words)
  }

  failed(): Uint8Array {
    const inBody = this.#mode === 'body'
    this.reset()
    // Where the message ends is not known any more, and its rest must not be taken for commands.
    if (inBody) return this.part(formatStatus(status.serviceClosing))
    if (this.#mode === 'sasl') this.#mode = 'command'
    return formatStatus(status.localError)
  }

  startTls(): Action {
    return {
      kind: 'startTls',
      reply: formatReply(220, '2.0.0 Ready to start TLS'),
      done: () => {
        // Nothing that was said in clear counts any more. RFC 3207 §4.2.
        this.#reader.clear()
        this.beginAnew(null)
      },
    }
  }

  speakFor(given: Forwarded): Uint8Array | Promise<Uint8Array> {
    const client = { ...this.proxied, ...given }
    const begin = (user: Authenticated | null): Uint8Array => {
      this.beginAnew(user)
      this.connection.closed?.()
      this.proxied = client
      this.connect()
      return this.#greeting
    }
    if (typeof given.login !== 'string') return begin(null)
    const unknown = new Refusal({ code: 550, enhanced: '5.7.8', text: 'This user cannot sign in' })
    const { vouched } = this.options
    if (!vouched || !this.submission) throw unknown
    return vouched.signInVouched([given.login], '', peerBehind(this.host.peer, client)).then((user) => {
      if (!user) throw unknown
      return begin(user)
    })
  }

  authenticate(mechanism: SaslMechanism, initial: Uint8Array | undefined): Promise<Uint8Array> {
    const { peer } = this
    this.#sasl = new SaslExchange(mechanism.begin({ authenticator: this.options.receiver, peer, tls: this.host.tls }))
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
      this.host.signedIn?.(answer.user)
      return formatReply(235, '2.7.0 Authentication successful')
    }
    const parting = this.errorLimits.failedSignIn()
    if (parting) this.#close(parting)
    return formatStatus(status.authFailed)
  }

  #saslLine(line: Buffer): Action {
    this.#mode = 'command'
    this.host.tell?.('client', '(a SASL response)')
    const response = readResponse(line)
    if (response instanceof Uint8Array) return say(this.#saslStep(response).catch((error) => this.#faultWords(error)))
    this.#sasl = undefined
    return this.refused(formatStatus(response))
  }

  takeData(): Uint8Array {
    this.intake = new MessageIntake(this, { dotted: true })
    this.#mode = 'body'
    return goAhead
  }

  takeChunk(octets: number, last: boolean): Uint8Array {
    if (!this.chunking) this.intake = new MessageIntake(this, { dotted: false })
    this.intake!.expect(octets, last)
    this.#mode = 'body'
    return empty
  }

  #nextOfBody(): Action {
    const intake = this.intake!
    const asked = intake.asked()
    if (asked) return { kind: 'run', work: asked }
    const chunk = this.#reader.take()
    const rest = intake.take(chunk)
    if (rest) {
      this.#reader.putBack(rest)
      this.#mode = 'command'
      return intake.end()
    }
    if (chunk.length === 0) {
      if (!this.#ended) return wait
      // It broke off: nothing of it counts. RFC 5321 §3.8.
      this.reset()
      return { kind: 'close' }
    }
    if (intake.isEndless) {
      this.#close(formatStatus(status.timeout))
      return this.next()
    }
    const work = intake.drained()
    return work ? { kind: 'run', work } : this.#nextOfBody()
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
    this.connection.closed?.()
    this.#reader.clear()
  }
}

/** What is said now, or in a while. */
type Said = Uint8Array | Promise<Uint8Array>

function say(words: Said): Action {
  return 'then' in words ? { kind: 'run', work: words } : { kind: 'write', bytes: words }
}

/** Spaces at the ends of an argument mean nothing; some clients send them. RFC 5321 §4.1.1. */
function trim(argument: Buffer): Buffer {
  let start = 0
  let end = argument.length
  while (start < end && argument[start] === 32) start++
  while (end > start && (argument[end - 1] === 32 || argument[end - 1] === 9)) end--
  return argument.subarray(start, end)
}
