/** The client's side: enough to sign in, read, file and wait, for tools and tests. One command at a time. RFC 3501. */
import { bytesOf, concat } from '../../base/bytes.ts'
import type { TlsClientOptions } from '../../base/network.ts'
import { formatInternalDate } from '../../mail/internal-date.ts'
import { wait } from '../action.ts'
import type { Action, Session, SessionHost } from '../action.ts'
import type { InternalDate } from './backend.ts'
import { chooseMechanism } from '../sasl/client.ts'
import { decodeBase64 } from '../sasl/mechanism.ts'
import { encodeMailbox, encodeString } from './wire/encode.ts'
import { FrameReader } from './wire/reader.ts'
import { parseResponse } from './wire/response.ts'
import type { Response, Value } from './wire/response.ts'

/** A line of a response: SEARCH of a million messages. */
const lineMaxBytes = 16 * 1024 * 1024
/** A message that we asked for, in memory. Ask larger ones in parts. */
const literalMaxBytes = 256 * 1024 * 1024

/** All that one command is answered, in memory. */
const answerBytesMax = 512 * 1024 * 1024

export type StatusResponse = Response & { readonly kind: 'status' }
export type DataResponse = Response & { readonly kind: 'data' }

/** NO or BAD to a command, or BYE. */
export class ImapCommandError extends Error {
  readonly response: StatusResponse
  constructor(response: StatusResponse) {
    super(`${response.status} ${response.text}`)
    this.name = 'ImapCommandError'
    this.response = response
  }
}

export interface CommandResult {
  readonly ok: StatusResponse
  readonly data: readonly DataResponse[]
  /** Untagged OK, NO and BAD. */
  readonly notes: readonly StatusResponse[]
}

export interface SelectResult {
  readonly exists: number
  readonly recent: number
  readonly uidValidity: number
  readonly uidNext: number
  readonly readOnly: boolean
}

/** `FLAGS`, `UID`, `BODY[]` … as the server names them. */
export interface FetchedMessage {
  readonly sequence: number
  readonly items: ReadonlyMap<string, Value>
}

interface Running {
  readonly tag: string
  /** Each piece but the first waits for the server's `+`. */
  readonly pieces: Uint8Array[]
  readonly data: DataResponse[]
  readonly notes: StatusResponse[]
  readonly onContinue?: (text: string) => void
  readonly resolve: (result: CommandResult) => void
  readonly reject: (error: Error) => void
}

/** A command's text, or bytes that go as a literal. */
export type CommandPart = string | Uint8Array

export class ImapClient implements Session {
  readonly idleTimeoutMs: number
  /** What the server said that it can do: in capitals. */
  capabilities: ReadonlySet<string> = new Set()
  /** News that came while no command ran, or during one. */
  onData: ((data: DataResponse) => void) | undefined
  readonly greeting: Promise<StatusResponse>
  #greeted!: { resolve: (greeting: StatusResponse) => void; reject: (error: Error) => void }
  #host: SessionHost | undefined
  /** Time counts from the command, whatever comes meanwhile; for news that are waited for (IDLE), and without a command, from the last of them. */
  get waitingFor(): number | undefined {
    if (this.#running) return this.#listening ? undefined : Number(this.#running.tag.slice(1))
    return this.#wasGreeted ? undefined : 0
  }
  #listening = false
  #wasGreeted = false
  /** What the running command was answered so far. */
  #answerBytes = 0
  readonly #answerBytesMax: number
  readonly #reader = new FrameReader(lineMaxBytes)
  readonly #waiting: Running[] = []
  #running: Running | undefined
  #out: Uint8Array[] = []
  #tags = 0
  #closing = false
  #startTls: Action | undefined
  #fault: Error | undefined

  /**
   * @param options.timeoutMs for the whole answer to a command.
   * @param options.answerBytesMax all that one command may be answered; it is held in memory.
   */
  constructor(options: { readonly timeoutMs?: number; readonly answerBytesMax?: number } = {}) {
    this.#answerBytesMax = options.answerBytesMax ?? answerBytesMax
    this.idleTimeoutMs = options.timeoutMs ?? 31 * 60_000
    this.greeting = new Promise((resolve, reject) => (this.#greeted = { resolve, reject }))
    this.greeting.catch(() => {})
  }

  // What the user says.

  /** Sends a command without its tag. Literals are synchronizing unless the server has LITERAL+. */
  command(parts: CommandPart | readonly CommandPart[], onContinue?: (text: string) => void): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      if (this.#fault) return reject(this.#fault)
      const tag = `A${++this.#tags}`
      const pieces = this.#pieces(tag, Array.isArray(parts) ? parts : [parts as CommandPart])
      this.#waiting.push({ tag, pieces, data: [], notes: [], onContinue, resolve, reject })
      this.#begin()
    })
  }

  async login(user: string, password: string): Promise<void> {
    await this.command(['LOGIN ', ...astring(user), ' ', ...astring(password)])
  }

  /**
   * Signs in by the best mechanism that both have, else by LOGIN. RFC 9051 §6.2.2.
   * @param options.plaintext a password may be said without TLS: to this machine.
   */
  async authenticate(user: string, password: string, options: { readonly plaintext?: boolean } = {}): Promise<void> {
    if (this.capabilities.size === 0) await this.command('CAPABILITY')
    const offered = [...this.capabilities].filter((name) => name.startsWith('AUTH=')).map((name) => name.slice(5))
    const channel = { tls: this.#host?.tls ?? null, plaintext: options.plaintext ?? false }
    const client = chooseMechanism(offered, { username: user, password }, channel)
    if (!client && !channel.tls && !channel.plaintext)
      throw new Error('The server offers no way to sign in without TLS')
    if (!client) return this.login(user, password)
    const initial = this.capabilities.has('SASL-IR') ? client.initial() : undefined
    let begun = initial !== undefined
    let fault: unknown
    const say = (bytes: Uint8Array): void => this.#say(bytesOf(`${Buffer.from(bytes).toString('base64')}\r\n`))
    const challenged = async (text: string): Promise<void> => {
      const first = begun ? undefined : client.initial()
      begun = true
      if (first) return say(first)
      const challenge = decodeBase64(text)
      if (!challenge) throw new Error('The challenge is no base64')
      say(await client.answer(challenge))
    }
    const line = initial === undefined ? '' : ` ${Buffer.from(initial).toString('base64') || '='}`
    const ended = this.command(`AUTHENTICATE ${client.name}${line}`, (text) => {
      challenged(text).catch((error: unknown) => {
        fault = error
        this.#say(bytesOf('*\r\n'))
      })
    })
    await ended.catch((error: unknown) => Promise.reject(fault ?? error))
    client.succeeded()
  }

  async startTls(client: TlsClientOptions): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      this.#afterTls = (facts) => (facts ? resolve() : reject(new Error('TLS handshake failed')))
    })
    await this.command('STARTTLS', undefined)
    this.#startTls = {
      kind: 'startTls',
      reply: new Uint8Array(0),
      client,
      done: (facts) => {
        this.#reader.clear()
        // What the server could do before the handshake was said in clear. RFC 3501 §6.2.1.
        this.capabilities = new Set()
        this.#afterTls?.(facts)
      },
    }
    this.#host?.wake()
    await done
    await this.command('CAPABILITY')
  }

  #afterTls: ((facts: unknown) => void) | undefined

  async select(name: string, options: { readonly readOnly?: boolean } = {}): Promise<SelectResult> {
    const { ok, data, notes } = await this.command(`${options.readOnly ? 'EXAMINE' : 'SELECT'} ${encodeMailbox(name)}`)
    const number = (word: string): number => data.find((one) => one.name === word)?.number ?? 0
    const code = (word: string): number =>
      Number(notes.find((one) => one.code?.startsWith(`${word} `))?.code?.slice(word.length + 1) ?? 0)
    return {
      exists: number('EXISTS'),
      recent: number('RECENT'),
      uidValidity: code('UIDVALIDITY'),
      uidNext: code('UIDNEXT'),
      readOnly: ok.code === 'READ-ONLY',
    }
  }

  async fetch(set: string, items: string, options: { readonly uid?: boolean } = {}): Promise<FetchedMessage[]> {
    const { data } = await this.command(`${options.uid ? 'UID ' : ''}FETCH ${set} ${items}`)
    return data.filter(({ name }) => name === 'FETCH').map(fetched)
  }

  /** @returns the new UID where the server has UIDPLUS. */
  async append(
    name: string,
    message: Uint8Array,
    options: { readonly flags?: readonly string[]; readonly internalDate?: InternalDate } = {},
  ): Promise<number | undefined> {
    const flags = options.flags ? ` (${options.flags.join(' ')})` : ''
    const date = options.internalDate ? ` "${formatInternalDate(options.internalDate)}"` : ''
    const { ok } = await this.command([`APPEND ${encodeMailbox(name)}${flags}${date} `, message])
    const found = /^APPENDUID \d+ (\d+)$/.exec(ok.code ?? '')
    return found ? Number(found[1]) : undefined
  }

  /** Waits for news; they come to `onData`. Resolves when the server listens; call the answer to end it. */
  async idle(): Promise<() => Promise<void>> {
    let listening!: () => void
    const ready = new Promise<void>((resolve) => (listening = resolve))
    const ended = this.command('IDLE', () => {
      this.#listening = true
      listening()
    }).finally(() => (this.#listening = false))
    await Promise.race([ready, ended])
    return async () => {
      this.#say(bytesOf('DONE\r\n'))
      await ended
    }
  }

  async logout(): Promise<void> {
    await this.command('LOGOUT').catch((error: unknown) => {
      if (!(error instanceof ImapCommandError)) throw error
    })
    this.#closing = true
    this.#host?.wake()
  }

  // What the driver calls.

  start(host: SessionHost): void {
    this.#host = host
  }

  receive(chunk: Uint8Array): void {
    this.#answerBytes += chunk.length
    if (this.#answerBytes <= this.#answerBytesMax) return this.#reader.push(chunk)
    this.#fail(new Error('The server says more than we can hold'))
    this.#reader.clear()
  }

  next(): Action {
    for (let frame = this.#reader.next(); frame && !this.#closing; frame = this.#reader.next()) {
      if (frame.kind === 'literal' && frame.sizeBytes <= literalMaxBytes) this.#reader.accept()
      else if (frame.kind === 'command') this.#heard(parseResponse(frame.bytes))
      else return this.#fail(new Error('The server says more than we can hold'))
    }
    if (this.#out.length > 0) {
      const bytes = concat(this.#out)
      this.#out = []
      return { kind: 'write', bytes }
    }
    const handshake = this.#startTls
    this.#startTls = undefined
    return handshake ?? (this.#closing ? { kind: 'close' } : wait)
  }

  timedOut(): undefined {
    this.#fail(new Error('The server is silent'))
  }

  ended(): void {
    this.#closing = true
  }

  failed(error: unknown): undefined {
    this.#fail(error instanceof Error ? error : new Error(String(error)))
  }

  shutdown(): void {
    this.#closing = true
  }

  closed(): void {
    this.#fail(new Error('The connection is closed'))
  }

  // Inside.

  #pieces(tag: string, parts: readonly CommandPart[]): Uint8Array[] {
    const plus = this.capabilities.has('LITERAL+')
    const pieces: Uint8Array[] = []
    let piece: Uint8Array[] = [bytesOf(`${tag} `)]
    for (const part of parts) {
      if (typeof part === 'string') {
        piece.push(bytesOf(part))
        continue
      }
      piece.push(bytesOf(`{${part.length}${plus ? '+' : ''}}\r\n`))
      if (!plus) {
        pieces.push(concat(piece))
        piece = []
      }
      piece.push(part)
    }
    piece.push(bytesOf('\r\n'))
    pieces.push(concat(piece))
    return pieces
  }

  #say(bytes: Uint8Array): void {
    this.#out.push(bytes)
    this.#host?.wake()
  }

  #begin(): void {
    if (this.#running) return
    this.#running = this.#waiting.shift()
    this.#answerBytes = 0
    if (this.#running) this.#say(this.#running.pieces.shift()!)
  }

  #heard(response: Response): void {
    const running = this.#running
    if (response.kind === 'continue') {
      const piece = running?.pieces.shift()
      if (piece) this.#say(piece)
      else running?.onContinue?.(response.text)
      return
    }
    if (this.#listening || !running) this.#answerBytes = 0
    if (response.kind === 'data') {
      if (response.name === 'CAPABILITY') this.#learn(response.values.join(' '))
      running?.data.push(response)
      this.onData?.(response)
      return
    }
    if (response.code?.startsWith('CAPABILITY ')) this.#learn(response.code.slice(11))
    if (response.tag !== '*') return this.#answered(response)
    running?.notes.push(response)
    this.#wasGreeted = true
    this.#greeted.resolve(response)
    if (response.status === 'BYE' && !this.#fault) this.#fault = new ImapCommandError(response)
  }

  #learn(names: string): void {
    this.capabilities = new Set(names.toUpperCase().split(' '))
  }

  #answered(response: StatusResponse): void {
    const running = this.#running
    if (running?.tag !== response.tag) return
    this.#running = undefined
    if (response.status === 'OK') running.resolve({ ok: response, data: running.data, notes: running.notes })
    else running.reject(new ImapCommandError(response))
    this.#begin()
  }

  /** Ends everything that waits. A BYE that came before says more than a closed connection. */
  #fail(error: Error): Action {
    this.#fault ??= error
    this.#closing = true
    this.#greeted.reject(this.#fault)
    this.#afterTls?.(null)
    const all = this.#running ? [this.#running, ...this.#waiting.splice(0)] : this.#waiting.splice(0)
    this.#running = undefined
    for (const { reject } of all) reject(this.#fault)
    return { kind: 'close' }
  }
}

/** Passwords may be UTF-8: what quotes cannot carry goes as a literal. */
function astring(text: string): CommandPart[] {
  return /^[\x20-\x7e]{0,500}$/.test(text) ? [encodeString(text)] : [Buffer.from(text)]
}

function fetched({ number, values }: DataResponse): FetchedMessage {
  const list = values[0]
  const items = new Map<string, Value>()
  if (Array.isArray(list))
    for (let i = 0; i + 1 < list.length; i += 2) items.set(String(list[i]).toUpperCase(), list[i + 1])
  return { sequence: number!, items }
}
