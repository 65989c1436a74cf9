/** A message on its way in: what the handler reads, and the sink that the session fills. Neither runs ahead of the other. */
import type { ContentSink } from '../../mail/content.ts'
import { readMessage, type ReadMessage } from '../../mail/view/read-message.ts'
import type { SmtpEnvelope } from './envelope.ts'

/** What waits unread before the client is made to wait: some reads of a socket, times the number of connections. */
const waitingBytesMax = 262_144

/** The message ended before its end: the client has gone, it was too large, or broke the rules. Nobody believes that it was delivered. */
export class SmtpAbortFault extends Error {
  constructor() {
    super('the message broke off')
    this.name = 'SmtpAbortFault'
  }
}

/**
 * One message: its envelope, and its bytes as they come, lines ended by CRLF, dot-stuffing undone.
 *
 * `for await (const chunk of message)` reads it once; the client waits while the loop does. What is not read is dropped. The loop throws
 * an SmtpAbortFault where the message breaks off: undo then what was done with it.
 */
export class IncomingMessage implements AsyncIterable<Uint8Array> {
  readonly envelope: SmtpEnvelope
  readonly #pipe: Pipe
  #bytes: Promise<Uint8Array> | undefined

  /** @param pipe what the session fills. */
  constructor(envelope: SmtpEnvelope, pipe: Pipe) {
    this.envelope = envelope
    this.#pipe = pipe
  }

  /** Bytes that have come so far; all of them once it was read. */
  get sizeBytes(): number {
    return this.#pipe.sizeBytes
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void, void> {
    return this.#pipe.read()
  }

  /** All of it, at most the server's `messageBytesMax`. */
  bytes(): Promise<Uint8Array> {
    return (this.#bytes ??= this.#gather())
  }

  async #gather(): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    for await (const piece of this) pieces.push(piece)
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }

  /** All of it, read as `pennypost/mail` reads messages: subject, people, texts, files. Never throws for what it holds. */
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
  /** Nobody reads any more. */
  #closed = false
  #begun = false
  /** The reader waits for bytes, or the writer for room. */
  #wakeReader: (() => void) | undefined
  #wakeWriter: (() => void) | undefined
  readonly #bounded: (work: Promise<void>) => Promise<void>

  /** @param bounded gives a wait for the reader an end. */
  constructor(bounded: (work: Promise<void>) => Promise<void>) {
    this.#bounded = bounded
  }

  write(bytes: Uint8Array): boolean {
    this.sizeBytes += bytes.length
    if (this.#closed || bytes.length === 0) return true
    // The view is the session's.
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

  /** It broke off. */
  get aborted(): boolean {
    return this.#fault !== undefined
  }

  /** The handler has ended: what still comes is swallowed. */
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
