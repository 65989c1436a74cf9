/** The server's side of POP3: states, the order of things, and how faults are answered. RFC 1939, RFC 2449. */
import { isUtf8 } from 'node:buffer'
import { latin1, utf8 } from '../../base/bytes.ts'
import { Refusal } from '../../mail/status.ts'
import type { CommandTable } from '../command.ts'
import { wait, type Action, type Session, type SessionHost } from '../action.ts'
import type { Authenticated } from '../sasl/authenticator.ts'
import {
  decodeBase64,
  mayTellPassword,
  offeredMechanisms,
  type SaslChannel,
  type SaslMechanism,
} from '../sasl/mechanism.ts'
import { replyLineMax, withoutSecret } from '../text/dialogue-words.ts'
import { isHttpVerb } from '../text/http-request.ts'
import { LineReader } from '../text/lines.ts'
import { Pop3Refusal, type Pop3Maildrop } from './backend.ts'
import type { Pop3Command, Pop3State, State } from './command.ts'
import { pop3Commands } from './commands.ts'
import * as limits from './limits.ts'
import type { Pop3Options } from './options.ts'
import { err, ok, Pop3Fault } from './reply.ts'
import { languages, type Words } from './words.ts'

const noMaildrop: Pop3Maildrop = { messages: [], read: async () => undefined, remove: async () => {}, close() {} }

export class Pop3Session implements Session, Pop3State {
  readonly options: Pop3Options
  readonly commands: CommandTable<Pop3Command>
  host!: SessionHost
  maildrop: Pop3Maildrop = noMaildrop
  readonly deleted = new Set<number>()
  userName: string | undefined
  words: Words = languages[0]
  utf8 = false
  readonly #reader = new LineReader()
  #state: State = 'authorization'
  #greeted = false
  #sasl: ((response: Uint8Array) => Promise<Uint8Array>) | undefined
  #leaving = false
  #parting: Uint8Array | undefined
  /** Lines that were read. */
  /** The newest verb. */
  #doing = 'line'
  #lines = 0
  #ended = false
  #stopping = false
  #closed = false
  #bad = 0
  #failures = 0

  constructor(options: Pop3Options, commands: CommandTable<Pop3Command> = pop3Commands) {
    this.options = options
    this.commands = commands
  }

  start(host: SessionHost): void {
    this.host = host
  }

  get idleTimeoutMs(): number {
    return this.#state === 'authorization' ? limits.loginTimeoutMs : limits.idleTimeoutMs
  }

  get doing(): string {
    return `pop3 ${this.#doing}`
  }

  /** A command has to come in one piece of time. */
  get waitingFor(): number {
    return this.#lines
  }

  get #channel(): SaslChannel {
    return { tls: this.host.tls, startTls: this.options.startTls, plaintextAuth: this.options.plaintextAuth }
  }

  get mayTellPassword(): boolean {
    return this.#state === 'authorization' && mayTellPassword(this.#channel)
  }

  get mechanisms(): readonly SaslMechanism[] {
    return this.#state === 'authorization' ? offeredMechanisms(this.options.mechanisms, this.#channel) : []
  }

  get mayStartTls(): boolean {
    return this.options.startTls && this.host.tls === null
  }

  receive(chunk: Uint8Array): void {
    this.#reader.push(chunk)
    if (this.#reader.heldBytes + this.#reader.skippedBytes > limits.heldBytesMax)
      this.#part(err(this.words.tooMuchAhead))
  }

  next(): Action {
    if (!this.#greeted) {
      this.#greeted = true
      return { kind: 'write', bytes: ok(`${this.options.hostname} POP3 Pennypost`) }
    }
    if (this.#leaving) {
      const bytes = this.#parting
      this.#parting = undefined
      return { kind: 'close', bytes }
    }
    if (this.#stopping) {
      this.#part(err(this.words.stopping, 'SYS/TEMP'))
      return this.next()
    }
    const line = this.#reader.next()
    if (!line) return this.#ended ? { kind: 'close' } : wait
    this.#lines++
    // A response that cannot be one ends its exchange. RFC 5034 §4.
    const sasl = this.#sasl
    this.#sasl = undefined
    if (line.kind === 'tooLong') return this.#refused(err(this.words.lineTooLong))
    if (!isUtf8(line.bytes)) return this.#refused(err(this.words.notUtf8))
    const text = utf8(line.bytes)
    return sasl ? this.#respond(sasl, text) : this.#command(text)
  }

  #respond(step: (response: Uint8Array) => Promise<Uint8Array>, text: string): Action {
    if (text === '*') return this.#refused(err(this.words.cancelled))
    const response = decodeBase64(text)
    return response ? { kind: 'run', work: this.#answered(step(response)) } : this.#refused(err(this.words.notBase64))
  }

  #command(line: string): Action {
    const [name = '', ...args] = line.split(' ')
    const command = this.commands.get(name.toUpperCase())
    if (!command && isHttpVerb(name.toUpperCase())) {
      this.#part(err('This is not a web server'))
      return this.next()
    }
    if (!command) return this.#refused(err(this.words.unknownCommand))
    if (!command.states.includes(this.#state)) {
      return this.#refused(err(this.#state === 'authorization' ? this.words.signInFirst : this.words.signedInAlready))
    }
    this.#doing = command.name
    this.host.tell?.(
      'client',
      command.name === 'PASS' ? 'PASS (a password)' : command.name === 'AUTH' ? withoutSecret(line) : line,
    )
    return this.#run(command, args)
  }

  #run(command: Pop3Command, args: readonly string[]): Action {
    try {
      const answer = command.run(this, command.grammar?.(args, this))
      if (answer instanceof Uint8Array) return { kind: 'write', bytes: answer }
      if ('kind' in answer) return answer
      return { kind: 'run', work: this.#answered(answer) }
    } catch (error) {
      return this.#refused(this.#words(error))
    }
  }

  #answered(work: Promise<Uint8Array>): Promise<Uint8Array> {
    return work.catch((error) => this.#words(error))
  }

  /** Every fault that a verb can have, in one place. An unexpected error is thrown on: the driver logs it and asks `failed()`. */
  #words(error: unknown): Uint8Array {
    if (error instanceof Pop3Fault) return err(error.say(this.words))
    if (error instanceof Pop3Refusal) return err(this.words[error.phrase], error.code)
    if (error instanceof Refusal) {
      return error.status.code < 500 ? err(this.words.tryLater, 'SYS/TEMP') : err(this.words.notPermitted, 'AUTH')
    }
    throw error
  }

  #refused(words: Uint8Array): Action {
    if (++this.#bad >= limits.badCommandsMax) {
      this.#part(err(this.words.tooManyErrors))
      return this.next()
    }
    return { kind: 'write', bytes: words }
  }

  /** A message may follow the first line. */
  wordsOf(bytes: Uint8Array): string | undefined {
    const words = latin1(bytes, 0, Math.min(bytes.length, replyLineMax)).split('\r\n', 1)[0]!
    return /^(?:\+OK|-ERR)/.test(words) ? words : undefined
  }

  async signIn(user: Authenticated | null): Promise<Uint8Array> {
    if (!user) {
      if (++this.#failures >= limits.authFailuresMax) this.#part(undefined)
      return err(this.words.wrong, 'AUTH')
    }
    const maildrop = await this.options.backend.open(user)
    if (this.#closed) {
      maildrop.close()
      return err(this.words.tryLater)
    }
    this.maildrop = maildrop
    this.#state = 'transaction'
    this.host.signedIn?.(user)
    return ok(this.words.signedIn(maildrop.messages.length))
  }

  authenticate(mechanism: SaslMechanism, initial: Uint8Array | undefined): Promise<Uint8Array> {
    const exchange = mechanism.begin({
      authenticator: this.options.authenticator,
      peer: this.host.peer,
      tls: this.host.tls,
    })
    const step = async (response: Uint8Array | undefined): Promise<Uint8Array> => {
      const answer = await exchange.step(response)
      if (!(answer instanceof Uint8Array)) return this.signIn(answer)
      this.#sasl = step
      return Buffer.from(`+ ${Buffer.from(answer).toString('base64')}\r\n`)
    }
    return step(initial)
  }

  startTls(reply: Uint8Array): Action {
    return {
      kind: 'startTls',
      reply,
      done: () => {
        // Nothing that was said in clear counts any more. RFC 2595 §4.
        this.#reader.clear()
        this.userName = undefined
        this.utf8 = false
        this.words = languages[0]
      },
    }
  }

  leave(): void {
    this.#leaving = true
    this.#reader.clear()
  }

  #part(words: Uint8Array | undefined): void {
    this.#parting = words
    this.leave()
  }

  failed(): Uint8Array {
    return err(this.words.tryLater, 'SYS/TEMP')
  }

  /** RFC 1939 §3: the connection is closed without a word, and nothing is removed. */
  timedOut(): undefined {
    return undefined
  }

  ended(): void {
    this.#ended = true
  }

  shutdown(): void {
    this.#stopping = true
  }

  closed(): void {
    this.#closed = true
    this.maildrop.close()
  }
}
