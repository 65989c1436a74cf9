/** A message while it arrives: what the handler reads, and the sink that the session fills, with back-pressure between them. */
import type { ContentSink } from '../../mail/content.ts'
import { readMessage, type ReadMessage } from '../../mail/view/read-message.ts'
import type { SmtpEnvelope } from './envelope.ts'

/** Bytes held unread before the client has to wait. A few socket reads; it counts once for each connection. */
const waitingBytesMax = 262_144

/** The message is incomplete: the client disconnected, or it was too large or malformed. The client got no 250 for it. */
export class SmtpAbortFault extends Error {
  constructor() {
    super('the message broke off')
    this.name = 'SmtpAbortFault'
  }
}

/**
 * One message: its envelope, and its bytes as they arrive, with CRLF line ends, dot-stuffing removed.
 *
 * `for await (const chunk of message)` reads it once; the client waits while the loop does. Unread bytes are dropped. The loop throws
 * an SmtpAbortFault if the message is cut off: discard then what was read.
 */
export class IncomingMessage implements AsyncIterable<Uint8Array> {
  readonly envelope: SmtpEnvelope
  readonly #pipe: Pipe
  #bytes: Promise<Uint8Array> | undefined

  /** @param pipe filled by the session. */
  constructor(envelope: SmtpEnvelope, pipe: Pipe) {
    this.envelope = envelope
    this.#pipe = pipe
  }

  /** Bytes received so far; the whole size once the message was read. */
  get sizeBytes(): number {
    return this.#pipe.sizeBytes
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void, void> {
    return this.#pipe.read()
  }

  /** The whole message, at most the server's `messageBytesMax`. */
  bytes(): Promise<Uint8Array> {
    return (this.#bytes ??= this.#gather())
  }

  async #gather(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    for await (const piece of this) pieces.push(piece)
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }

  /** The whole message, parsed by `pennypost/mail`: subject, addresses, texts, files. Malformed content does not throw. */
  async parse(): Promise<ReadMessage> {
    return readMessage(await this.bytes())
  }
}

/** Bytes from a session to a handler. */
export class Pipe implements ContentSink<undefined> {
  sizeBytes = 0
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #ended = false
  #fault: Error | undefined
  /** The handler has stopped reading. */
  #closed = false
  #begun = false
  #wakeReader: (() => void) | undefined
  #wakeWriter: (() => void) | undefined
  readonly #bounded: (work: Promise<void>) => Promise<void>

  /** @param bounded limits how long the writer waits for the reader. */
  constructor(bounded: (work: Promise<void>) => Promise<void>) {
    this.#bounded = bounded
  }

  write(bytes: Uint8Array): boolean {
    this.sizeBytes += bytes.length
    if (this.#closed || bytes.length === 0) return true
    // Copied: the view belongs to the session.
    this.#waiting.push(Buffer.from(bytes))
    this.#waitingBytes += bytes.length
    this.#wake()
    return this.#waitingBytes < waitingBytesMax
  }

  drained(): Promise<void> {
    if (this.#closed || this.#fault || this.#waitingBytes < waitingBytesMax) return Promise.resolve()
    return this.#bounded(new Promise((resolve) => (this.#wakeWriter = resolve)))
  }

  async finish(): Promise<undefined> {
    this.#ended = true
    this.#wake()
  }

  abort(): void {
    if (this.#ended) return
    this.#fault ??= new SmtpAbortFault()
    this.#drop()
    this.#wake()
  }

  /** The message was cut off. */
  get aborted(): boolean {
    return this.#fault !== undefined
  }

  /** The handler has ended: further bytes are dropped. */
  close(): void {
    this.#closed = true
    this.#drop()
  }

  #drop(): void {
    this.#waiting = []
    this.#waitingBytes = 0
    this.#wakeWriter?.()
    this.#wakeWriter = undefined
  }

  #wake(): void {
    this.#wakeReader?.()
    this.#wakeReader = undefined
  }

  async *read(): AsyncGenerator<Uint8Array, void, void> {
    if (this.#begun) throw new Error('a message can be read once')
    this.#begun = true
    try {
      for (;;) {
        if (this.#fault) throw this.#fault
        const pieces = this.#waiting
        if (pieces.length > 0) {
          this.#drop()
          yield pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
        } else if (this.#ended) return
        else await new Promise<void>((resolve) => (this.#wakeReader = resolve))
      }
    } finally {
      this.close()
    }
  }
}
