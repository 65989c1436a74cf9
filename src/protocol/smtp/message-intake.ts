/**
 * A message while it comes, by DATA or BDAT: what is kept, what is only swallowed, and what its end earns. RFC 5321 §4.1.1.4, §4.5.2;
 * RFC 3030 §2.
 */
import { running } from '../../base/running.ts'
import type { ContentSink } from '../../mail/content.ts'
import { Refusal, status, type Status } from '../../mail/status.ts'
import type { Action } from '../action.ts'
import { startBody, takeBody, type DotState } from '../text/dots.ts'
import { NewlineMender, NewlineWatch } from '../text/newlines.ts'
import type { SmtpTransaction } from './backend.ts'
import { missingFor, type ServerState } from './command.ts'
import * as limits from './limits.ts'
import { formatReply, formatStatus } from './wire/reply.ts'

/** What it needs of the session. */
export interface IntakeHost extends ServerState {
  /** The transaction leaves the session, which ends it no more whatever comes. RFC 1047. */
  release(): SmtpTransaction
  /** An answer that counts as the client's fault. */
  refused(words: Uint8Array): Action
}

export class MessageIntake {
  readonly #session: IntakeHost
  /** Why octets came out of order: they are swallowed all the same. undefined: they are in order. */
  readonly #missing: string | undefined
  readonly #sink: ContentSink<unknown> | undefined
  /** Of DATA, whose end is a dot. undefined: it comes by BDAT, counted. */
  readonly #dots: DotState | undefined
  readonly #watch: NewlineWatch | undefined
  /** Bare CR and LF are made CRLF instead of being refused. */
  readonly #mender: NewlineMender | undefined
  readonly #startedMs: number
  /** Of the piece that BDAT announced: its octets, those still to come, and whether it is the last piece. */
  #octets = 0
  #left = 0
  #isLast = false
  #sizeBytes = 0
  /** What BDAT said that the message would become, if that is more than has come. */
  #expectedBytes = 0
  /** The sink was given up: the rest is only swallowed. */
  #dropped = false
  /** The sink failed: what is answered at the end. */
  #failure: Status | undefined
  #waiting = false
  /** The receiver is being asked whether it will have the message. */
  #asked: Promise<void> | undefined
  readonly #write = (bytes: Uint8Array): void => this.#store(this.#mender ? this.#mender.push(bytes) : bytes)

  constructor(session: IntakeHost, { dotted }: { readonly dotted: boolean }) {
    const { binary, transaction, options } = session
    // BINARYMIME: there a CR or LF is no line end.
    const bareNewline = binary ? 'keep' : (options.bareNewline ?? 'refuse')
    this.#session = session
    this.#startedMs = options.clock?.monotonic() ?? 0
    this.#missing = missingFor(['recipients'], session)
    this.#dots = dotted ? startBody() : undefined
    if (this.#missing !== undefined) return
    this.#sink = transaction!.data()
    this.#mender = bareNewline === 'normalize' ? new NewlineMender(dotted) : undefined
    // With DATA it was asked before the 354; octets of BDAT come whatever it says, and are swallowed.
    if (!dotted) this.#ask(transaction!)
    this.#watch = !dotted && bareNewline === 'refuse' ? new NewlineWatch() : undefined
  }

  #ask(transaction: SmtpTransaction): void {
    try {
      this.#asked = transaction.ready?.()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** What has to be waited for before octets are taken; undefined: nothing. */
  asked(): Promise<undefined> | undefined {
    const asked = this.#asked
    this.#asked = undefined
    return asked?.then(
      () => undefined,
      (error) => this.#failed(error),
    )
  }

  get inOrder(): boolean {
    return this.#missing === undefined
  }

  /** It takes longer than any message does. */
  get isEndless(): boolean {
    const { clock } = this.#session.options
    return clock !== undefined && clock.monotonic() - this.#startedMs > limits.bodyTimeMaxMs
  }

  /** A piece of so many octets begins: what is too large is given up before it has come. */
  expect(octets: number, isLast: boolean): void {
    this.#octets = this.#left = octets
    this.#isLast = isLast
    this.#expectedBytes = this.#sizeBytes + octets
    if (this.#isTooLarge) this.#drop()
  }

  /** @returns what stands behind the end of the message or piece, once that has come: then `end` says what to do. */
  take(chunk: Uint8Array): Uint8Array | undefined {
    if (this.#dots) {
      const rest = takeBody(this.#dots, chunk, this.#write)
      if (rest) this.#complete()
      return rest
    }
    const taken = chunk.length > this.#left ? chunk.subarray(0, this.#left) : chunk
    this.#left -= taken.length
    if (taken.length > 0) {
      this.#watch?.push(taken)
      this.#write(taken)
    }
    return this.#left === 0 ? chunk.subarray(taken.length) : undefined
  }

  /** Resolves when there is room for more; undefined when there is now. */
  drained(): Promise<undefined> | undefined {
    if (!this.#waiting) return undefined
    this.#waiting = false
    return this.#sink!.drained().then(
      () => undefined,
      (error) => this.#failed(error),
    )
  }

  /** What the end of the message or piece earns. */
  end(): Action {
    if (this.#missing !== undefined) return this.#session.refused(formatReply(503, `5.5.1 ${this.#missing}`))
    if (this.#dots) return this.#finish(true)
    if (this.#isLast) this.#complete()
    if (this.#isLast || this.#refusal) return this.#finish(this.#isLast)
    const reply = formatReply(250, `2.0.0 ${this.#octets} octets received`)
    const work = this.drained()
    return work ? { kind: 'run', work: work.then(() => reply) } : { kind: 'write', bytes: reply }
  }

  /** @param isWhole LMTP answers for each recipient, but only where the message has ended. */
  #finish(isWhole: boolean): Action {
    const session = this.#session
    const count = session.options.service === 'lmtp' && isWhole ? session.recipients : 1
    const refusal = this.#refusal
    if (refusal) {
      this.#drop()
      session.reset()
      const words = forEach(refusal, count)
      return refusal.code >= 500 ? session.refused(words) : { kind: 'write', bytes: words }
    }
    const transaction = session.release()
    running('end of a message')
    const work = transaction.finish().then(
      (replies) => Buffer.concat(replies.map(formatStatus)),
      (error) => {
        if (error instanceof Refusal) return forEach(error.status, count)
        throw error
      },
    )
    return { kind: 'run', work }
  }

  /** Its last byte has come. */
  #complete(): void {
    this.#watch?.end()
    if (this.#mender) this.#store(this.#mender.end())
  }

  get #hasBareNewline(): boolean {
    return this.#mender === undefined && (this.#dots?.bareNewline === true || this.#watch?.bare === true)
  }

  get #isTooLarge(): boolean {
    return Math.max(this.#sizeBytes, this.#expectedBytes) > this.#session.options.messageBytesMax
  }

  /** Why it cannot be taken, whatever its recipients. */
  get #refusal(): Status | undefined {
    if (this.#hasBareNewline) return status.bareNewline
    if (this.#isTooLarge) return status.messageTooLarge
    return this.#failure
  }

  #store(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length
    if (this.#dropped || !this.#sink) return
    // It will be refused: what was kept goes at once, the rest is swallowed to its true end.
    if (this.#isTooLarge || this.#hasBareNewline) return this.#drop()
    try {
      if (!this.#sink.write(bytes)) this.#waiting = true
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Nothing of it is kept. */
  #drop(): void {
    if (this.#dropped) return
    this.#dropped = true
    this.#sink?.abort()
  }

  /** The disk is full, or worse: the client hears of it after the true end. */
  #failed(error: unknown): undefined {
    this.#waiting = false
    this.#failure = error instanceof Refusal ? error.status : status.localError
    this.#dropped = true
    this.#sink!.abort()
  }
}

function forEach(status: Status, count: number): Uint8Array {
  const one = formatStatus(status)
  return count === 1 ? one : Buffer.concat(Array.from({ length: count }, () => one))
}
