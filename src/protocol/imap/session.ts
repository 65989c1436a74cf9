/** The server's side of an IMAP conversation: states, the order of things, and how faults are answered. RFC 3501 §2.2, §3, §5. */
import { latin1 } from '../../base/bytes.ts'
import type { TlsFacts } from '../../base/network.ts'
import { Refusal } from '../../mail/status.ts'
import { wait } from '../action.ts'
import type { Action, Session, SessionHost } from '../action.ts'
import type { CommandTable } from '../command.ts'
import { ImapRefusal } from './backend.ts'
import type { Dialogue, ImapCommand } from './command.ts'
import { imapCommands } from './commands.ts'
import { OpenConversation } from './conversation.ts'
import * as limits from './limits.ts'
import { Literals, type LiteralFrame } from './literals.ts'
import type { ImapOptions } from './options.ts'
import { speaksRev2 } from './rev2.ts'
import { imapCommandWords, replyLineMax } from '../text/dialogue-words.ts'
import { isHttpRequest } from '../text/http-request.ts'
import { sharedBytes } from './shared-bytes.ts'
import type { View } from './view.ts'
import { encodeText } from './wire/encode.ts'
import { SyntaxFault } from './wire/fault.ts'
import { Line, tagOf } from './wire/line.ts'
import type { Frame } from './wire/reader.ts'

/** A step that did its work at once: the next may follow. */
const again = 'again'
type Step = Action | typeof again

/** What is waited for: a command that goes on in a dialogue is not over yet, a line of one says itself whether it is. */
type Part = 'command' | 'literal' | 'line'

/** Replies to pipelined commands are joined up to here before the driver gets them. */
const joinBytes = 32_768

export class ImapSession extends OpenConversation implements Session {
  #command: ImapCommand | undefined
  readonly #literals = new Literals(this.reader, this.out)
  /** Commands whose end has come. */
  #ends = 0
  /** A reply that waits until the rest of its command has been swallowed. */
  #owed: string | undefined
  #queued: Action | undefined
  #bad = 0
  #commands = 0
  #stopping = false
  #ended = false

  constructor(options: ImapOptions, commands: CommandTable<ImapCommand> = imapCommands) {
    super(options, commands)
  }

  // What the driver calls.

  get idleTimeoutMs(): number {
    return this.state === 'notAuthenticated'
      ? limits.loginTimeoutMs
      : (this.options.idleTimeoutMs ?? limits.idleTimeoutMs)
  }

  /** What was begun has to come in one piece of time, its literals too: what they bring gives more. */
  get waitingFor(): number | undefined {
    return this.#literals.isStreaming || this.reader.isMidway ? this.#ends : undefined
  }

  get mayBeSlow(): boolean {
    return this.state !== 'notAuthenticated' && this.waitingFor !== undefined
  }

  get doing(): string {
    return `imap ${this.#command?.name ?? 'line'}`
  }

  start(host: SessionHost): void {
    this.host = host
    this.out.text(`* OK [CAPABILITY ${this.capabilities()}] ${encodeText(this.options.serverName)} ready\r\n`)
  }

  receive(chunk: Uint8Array): void {
    if (!this.closing) this.reader.push(chunk)
  }

  next(): Action {
    const queued = this.#queued
    if (queued) {
      this.#queued = undefined
      return queued
    }
    let step: Step
    do step = this.closing ? { kind: 'close' } : this.#step()
    while (step === again && this.out.size < joinBytes)
    if (this.out.size === 0) return step === again ? wait : step
    if (step !== again && step.kind !== 'wait') this.#queued = step
    return { kind: 'write', bytes: this.out.take() }
  }

  timedOut(): Uint8Array {
    this.out.text('* BYE Autologout: idle for too long\r\n')
    return this.out.take()
  }

  ended(): void {
    this.#ended = true
  }

  failed(): Uint8Array | undefined {
    if (!this.out.rollback()) {
      // In the middle of a response, or of a literal, any words would be taken for a part of it.
      this.out.take()
      this.closing = true
      return undefined
    }
    this.#abandon(`${this.commandTag} NO [SERVERBUG] Internal error, it was logged\r\n`)
    return this.out.take()
  }

  shutdown(): void {
    this.#stopping = true
  }

  closed(): void {
    this.gone = this.closing = true
    this.#literals.drop()
    this.dialogue = undefined
    this.reader.clear()
    this.unselect()
    this.openAccount?.close()
    this.openAccount = undefined
  }

  // The steps.

  #step(): Step {
    if (this.#stopping) {
      this.out.text('* BYE Server is shutting down\r\n')
      this.closing = true
      return again
    }
    if (this.dialogue) return this.#converseOn(this.dialogue)
    if (this.#literals.isStreaming) return this.#pour()
    const frame = this.reader.next()
    if (frame === null) return this.#idle()
    if (frame.kind !== 'literal') this.#ends++
    try {
      return this.#framed(frame)
    } catch (error) {
      this.#abandon(this.#answer(error))
      return again
    }
  }

  #idle(): Step {
    return this.#ended ? { kind: 'close' } : wait
  }

  #framed(frame: Frame): Step {
    switch (frame.kind) {
      case 'command':
        this.#literals.complete()
        return this.#literals.sink
          ? this.#run(this.#literals.sink.finish(new Line(frame.bytes)), 'command')
          : this.#execute(frame.bytes)
      case 'literal':
        this.#literals.announced()
        return this.#announced(frame)
      case 'tooLong': {
        this.#literals.drop()
        this.#owed = `${tagOf(frame.head)} BAD Command line is too long\r\n`
        this.#countBad()
        return again
      }
      case 'swallowed': {
        if (this.#owed) this.out.text(this.#owed)
        this.#owed = undefined
        this.#over()
        return again
      }
    }
  }

  /** Reads tag and verb. */
  #begin(bytes: Uint8Array): Line {
    const line = new Line(bytes, { utf8: speaksRev2(this) })
    this.commandTag = '*'
    this.#command = undefined
    this.byUid = false
    const tag = line.tag()
    line.space()
    this.commandTag = tag
    let word = line.word()
    if (word === 'UID') {
      this.byUid = true
      line.space()
      word = line.word()
    }
    const found = this.commands.get(word)
    if (!found || (this.byUid && !found.uid)) throw new SyntaxFault(0, 'a known command', 'command')
    if (!found.states.includes(this.state)) throw new SyntaxFault(0, `another state for ${word}`, 'RFC 3501 3')
    this.#command = found
    this.host.tell?.('client', imapCommandWords(bytes, found.name))
    return line
  }

  #execute(bytes: Uint8Array): Step {
    if (this.state === 'notAuthenticated' && isHttpRequest(latin1(bytes))) {
      this.byeAfter = 'This is no web server'
      this.#over()
      return again
    }
    const line = this.#begin(bytes)
    const verb = this.#command!
    if (this.state === 'notAuthenticated' && ++this.#commands > limits.commandsBeforeLoginMax)
      this.byeAfter = 'Too many commands before a login'
    const args = verb.grammar?.(line, this)
    line.finish()
    const work = verb.run(this, args)
    if (work === undefined) {
      if (this.handshake) return this.#shakeHands()
      if (!this.dialogue) this.#finish()
      return again
    }
    return 'then' in work ? this.#run(work, 'command') : { kind: 'run', work: this.#stream(work) }
  }

  #run(work: Promise<boolean | void>, part: Part): Step {
    return { kind: 'run', work: this.#awaited(work, part) }
  }

  async #awaited(work: Promise<boolean | void>, part: Part): Promise<Uint8Array> {
    try {
      const isOver = await work
      if (part === 'command' ? !this.dialogue : part === 'line' && isOver) this.#finish()
    } catch (error) {
      this.#abandon(this.#answer(error))
    }
    return this.out.take()
  }

  async *#stream(work: AsyncGenerator<Uint8Array, void, void>): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* work
      this.#finish()
    } catch (error) {
      if (!this.out.rollback()) throw error
      this.#abandon(this.#answer(error))
    }
    if (this.out.size > 0) yield this.out.take()
  }

  /** News first, then the tagged OK. */
  #finish(): void {
    const verb = this.#command!
    const view = this.openView
    const { out } = this
    if (view && verb.tellsExpunge !== 'never') view.flushUpdates(out, this.byUid || verb.tellsExpunge === 'always')
    const code = this.replyCode === undefined ? '' : `[${this.replyCode}] `
    const text = this.replyWords ?? `${this.byUid ? 'UID ' : ''}${verb.name} completed`
    this.#bad = 0
    out.text(`${this.commandTag} OK ${code}${text}\r\n`)
    if (view === this.openView && view?.selected.gone) this.byeAfter = 'Selected mailbox was deleted'
    this.#over()
  }

  /** What was pipelined behind STARTTLS came in clear: it is dropped unread. RFC 3501 §6.2.1. */
  #shakeHands(): Step {
    this.handshake = false
    this.out.text(`${this.commandTag} OK Begin TLS negotiation now\r\n`)
    this.#over()
    const done = (facts: TlsFacts | null): void => {
      this.reader.clear()
      if (!facts) this.closing = true
    }
    return { kind: 'startTls', reply: this.out.take(), done }
  }

  /** The line that ends a command: before it come messages. */
  wordsOf(bytes: Uint8Array): string | undefined {
    const end = latin1(bytes, Math.max(0, bytes.length - replyLineMax), bytes.length)
    const line = end.split('\r\n').at(-2) ?? ''
    return line.startsWith(`${this.commandTag} `) || /^\* (?:OK|BYE) /.test(line) ? line : undefined
  }

  /** The command is over, however it ended. */
  #over(): void {
    this.#literals.reset()
    this.dialogue = undefined
    this.replyCode = this.replyWords = undefined
    if (this.byeAfter === undefined) return
    this.out.text(`* BYE ${encodeText(this.byeAfter)}\r\n`)
    this.closing = true
  }

  /** Ends a command that went wrong: what is still to come of it is swallowed before the words are said. */
  #abandon(words: string): void {
    const isOver = this.#literals.abandon()
    this.dialogue = undefined
    this.handshake = false
    if (!isOver) {
      this.#owed = words
      return
    }
    this.out.text(words)
    this.#over()
  }

  /** The one place where faults become words. An unexpected error is thrown on: the driver logs it and asks `failed()`. */
  #answer(error: unknown): string {
    if (error instanceof SyntaxFault) {
      this.#countBad()
      return `${this.commandTag} BAD ${encodeText(error.message)}\r\n`
    }
    if (error instanceof ImapRefusal)
      return `${this.commandTag} NO ${error.code ? `[${error.code}] ` : ''}${encodeText(error.message)}\r\n`
    if (error instanceof Refusal)
      return `${this.commandTag} NO ${refusalCode(error)}${encodeText(error.status.text)}\r\n`
    throw error
  }

  #countBad(): void {
    const max = this.state === 'notAuthenticated' ? limits.badCommandsBeforeLoginMax : limits.badCommandsMax
    if (++this.#bad >= max) this.byeAfter = 'Too many bad commands'
  }

  // Literals.

  #announced(frame: LiteralFrame): Step {
    const line = this.#literals.sink ? new Line(frame.head, { utf8: speaksRev2(this) }) : this.#begin(frame.head)
    if (!frame.synchronizing && frame.sizeBytes > limits.swallowMaxBytes) {
      this.byeAfter = 'Literal is too large'
      this.#literals.complete()
      throw new SyntaxFault(0, 'a smaller literal', 'RFC 7888 4')
    }
    const sink = (this.#literals.sink ??= this.#command!.literalSink?.(this))
    if (sink) return { kind: 'run', work: this.#admitted(sink.literal(line, frame.sizeBytes), frame) }
    this.#literals.gather(frame, this.state !== 'notAuthenticated')
    return again
  }

  async #admitted(work: Promise<void>, frame: LiteralFrame): Promise<Uint8Array> {
    try {
      await work
      if (!this.gone) this.#literals.stream(frame)
    } catch (error) {
      this.#abandon(this.#answer(error))
    }
    return this.out.take()
  }

  #pour(): Step {
    const work = this.#literals.pour()
    return work ? this.#run(work, 'literal') : this.#idle()
  }

  // Dialogues.

  #converseOn(dialogue: Dialogue): Step {
    if (dialogue.listens && this.openView) {
      const news = this.#tellIdle(this.openView)
      if (news) return news
    }
    const bytes = this.reader.nextLine(dialogue.lineMaxBytes)
    if (bytes === undefined) return this.#idle()
    try {
      const over = dialogue.line(this, bytes)
      if (typeof over === 'boolean') {
        if (over) this.#finish()
        return again
      }
      return this.#run(over, 'line')
    } catch (error) {
      this.#abandon(this.#answer(error))
      return again
    }
  }

  /** News of an idle session: thousands of sessions say the same words, so their bytes are made once. */
  #tellIdle(view: View): Step | undefined {
    if (view.selected.gone) {
      this.out.text('* BYE Selected mailbox was deleted\r\n')
      this.closing = true
      return again
    }
    const quiet = this.out.size === 0
    if (!view.flushUpdates(this.out, true) || !quiet) return undefined
    return { kind: 'write', bytes: sharedBytes(this.out) }
  }
}

/** The response code of a refusal that knows SMTP's codes only. RFC 5530. */
function refusalCode({ status: { code } }: Refusal): string {
  if (code < 500) return '[UNAVAILABLE] '
  return code === 535 ? '[AUTHORIZATIONFAILED] ' : ''
}
