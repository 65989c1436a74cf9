/** The literals of the command that is being read: small ones are gathered with its text, a message streams to the verb's sink. RFC 3501 §4.3, RFC 7888. */
import { ImapRefusal } from './backend.ts'
import type { LiteralSink } from './command.ts'
import * as limits from './limits.ts'
import type { Out } from './out.ts'
import type { Frame, FrameReader } from './wire/reader.ts'

export type LiteralFrame = Frame & { readonly kind: 'literal' }

/** Where in a command a fault would find us: it decides what has to be swallowed before the answer. */
type Phase = 'complete' | 'announced' | 'streaming' | 'rest'

export class Literals {
  readonly #reader: FrameReader
  readonly #out: Out
  #phase: Phase = 'complete'
  /** What the verb streams them to, once one was announced. */
  sink: LiteralSink | undefined
  /** The streamed literal is a synchronizing one. */
  #isAwaited = false
  #count = 0
  #sizeBytes = 0

  constructor(reader: FrameReader, out: Out) {
    this.#reader = reader
    this.#out = out
  }

  get isStreaming(): boolean {
    return this.#phase === 'streaming'
  }

  announced(): void {
    this.#phase = 'announced'
  }

  /** The command's last byte has come, or nothing more of it is read. */
  complete(): void {
    this.#phase = 'complete'
  }

  /** The announced one becomes a part of the command's text. */
  gather({ sizeBytes, synchronizing }: LiteralFrame, isSignedIn: boolean): void {
    this.#sizeBytes += sizeBytes
    if (
      sizeBytes > (isSignedIn ? limits.literalMaxBytes : limits.literalBeforeLoginMaxBytes) ||
      ++this.#count > (isSignedIn ? limits.literalsMax : limits.literalsBeforeLoginMax) ||
      this.#sizeBytes > limits.commandMaxBytes
    )
      throw new ImapRefusal('TOOBIG', 'Literals of this command are too large')
    this.#reader.accept()
    this.#phase = 'complete'
    this.#goOn(synchronizing)
  }

  /** The announced one, which the sink has admitted, is poured into it. */
  stream({ synchronizing }: LiteralFrame): void {
    this.#reader.stream()
    this.#phase = 'streaming'
    this.#isAwaited = synchronizing
    this.#goOn(synchronizing)
  }

  #goOn(synchronizing: boolean): void {
    if (synchronizing) this.#out.text('+ OK\r\n')
  }

  /** Gives the sink what has come. @returns what to wait for; undefined: more bytes. */
  pour(): Promise<void> | undefined {
    const sink = this.sink!
    for (let bytes = this.#reader.take(); bytes; bytes = this.#reader.take()) {
      if (!sink.write(bytes)) return sink.drained()
    }
    if (this.#reader.streamingBytes > 0) return undefined
    this.#phase = 'rest'
    // A client that writes the line end by itself (Python's imaplib) does not send it before the literal is acknowledged, which the system
    // puts off for 40 ms in the hope of something to send with it (RFC 1122 §4.2.3.2).
    if (this.#isAwaited && this.#reader.heldBytes === 0) this.#out.text('* OK Literal received\r\n')
    return sink.end()
  }

  /** The sink is given up. */
  drop(): void {
    const { sink } = this
    this.sink = undefined
    sink?.abort()
  }

  /** The command went wrong. @returns whether nothing of it is still to come; else a `swallowed` frame follows when that has. */
  abandon(): boolean {
    const phase = this.#phase
    this.drop()
    this.#phase = 'complete'
    if (phase === 'complete' || (phase === 'announced' && this.#reader.refuse())) return true
    if (phase === 'streaming' && this.#reader.streamingBytes > 0) this.#reader.refuse()
    else if (phase !== 'announced') this.#reader.swallow()
    return false
  }

  /** For the next command. */
  reset(): void {
    this.sink = undefined
    this.#phase = 'complete'
    this.#count = this.#sizeBytes = 0
  }
}
