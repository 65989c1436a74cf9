/** The body of a message while it arrives: what is kept, what is only swallowed, and what its end earns. RFC 5321 §4.1.1.4, §4.5.2. */
import type { ContentSink } from '../../mail/content.ts'
import { Refusal, status, type Status } from '../../mail/status.ts'
import { NewlineMender } from '../text/newlines.ts'
import { startBody, takeBody, type DotState } from '../text/dots.ts'

export class IncomingBody {
  readonly #dots: DotState = startBody()
  readonly #sink: ContentSink<unknown>
  readonly #bytesMax: number
  #sizeBytes = 0
  /** The sink was given up: the rest is only swallowed. */
  #dropped = false
  /** The sink failed: what is answered at the end. */
  #failure: Status | undefined
  #waiting = false
  readonly #write = (bytes: Uint8Array): void => this.#keep(bytes)

  /** Bare CR and LF are made CRLF instead of being refused. */
  readonly #mender: NewlineMender | undefined

  constructor(sink: ContentSink<unknown>, bytesMax: number, bareNewline: 'refuse' | 'normalize' = 'refuse') {
    this.#sink = sink
    this.#bytesMax = bytesMax
    this.#mender = bareNewline === 'normalize' ? new NewlineMender() : undefined
  }

  /** @returns what stands behind the final dot, once that has come. */
  take(chunk: Uint8Array): Uint8Array | undefined {
    const rest = takeBody(this.#dots, chunk, this.#write)
    if (rest && this.#mender) this.#store(this.#mender.end())
    return rest
  }

  /** Resolves when the sink has room again; undefined when it has room now. */
  drained(): Promise<undefined> | undefined {
    if (!this.#waiting) return undefined
    this.#waiting = false
    return this.#sink.drained().then(
      () => undefined,
      (error) => this.#failed(error),
    )
  }

  /** Why it cannot be taken, whatever its recipients. */
  get refusal(): Status | undefined {
    if (this.#dots.bareNewline && !this.#mender) return status.bareNewline
    if (this.#sizeBytes > this.#bytesMax) return status.messageTooLarge
    return this.#failure
  }

  /** Nothing of it is kept. */
  drop(): void {
    if (this.#dropped) return
    this.#dropped = true
    this.#sink.abort()
  }

  #keep(bytes: Uint8Array): void {
    this.#store(this.#mender ? this.#mender.push(bytes) : bytes)
  }

  #store(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length
    if (this.#dropped) return
    // It will be refused: what was kept goes at once, the rest is swallowed to its true end.
    if (this.#sizeBytes > this.#bytesMax || (this.#dots.bareNewline && !this.#mender)) return this.drop()
    try {
      if (!this.#sink.write(bytes)) this.#waiting = true
    } catch (error) {
      this.#failed(error)
    }
  }

  /** The disk is full, or worse: the client hears of it after the true end. */
  #failed(error: unknown): undefined {
    this.#waiting = false
    this.#failure = error instanceof Refusal ? error.status : status.localError
    this.#dropped = true
    this.#sink.abort()
  }
}
