/** The body of a message while it arrives: what is kept, what is only swallowed, and what its end earns. RFC 5321 §4.1.1.4, §4.5.2; RFC 3030 §2. */
import type { ContentSink } from '../../mail/content.ts'
import { Refusal, status, type Status } from '../../mail/status.ts'
import { NewlineMender, NewlineWatch } from '../text/newlines.ts'
import { startBody, takeBody, type DotState } from '../text/dots.ts'

export interface BodyRules {
  readonly bytesMax: number
  /** What becomes of a CR or LF that stands alone; 'keep' is for BINARYMIME, where it is no line end. */
  readonly bareNewline: 'refuse' | 'normalize' | 'keep'
  /** It comes by DATA, with dots doubled at line starts; else by BDAT, as it is. */
  readonly dotted: boolean
}

export class IncomingBody {
  readonly #sink: ContentSink<unknown>
  readonly #bytesMax: number
  #sizeBytes = 0
  /** What BDAT said that it would become, if that is more than has come. */
  #expectedBytes = 0
  /** The sink was given up: the rest is only swallowed. */
  #dropped = false
  /** The sink failed: what is answered at the end. */
  #failure: Status | undefined
  #waiting = false
  readonly #dots: DotState | undefined
  readonly #watch: NewlineWatch | undefined
  /** Bare CR and LF are made CRLF instead of being refused. */
  readonly #mender: NewlineMender | undefined
  readonly #write = (bytes: Uint8Array): void => this.#store(this.#mender ? this.#mender.push(bytes) : bytes)

  constructor(sink: ContentSink<unknown>, { bytesMax, bareNewline, dotted }: BodyRules) {
    this.#sink = sink
    this.#bytesMax = bytesMax
    this.#mender = bareNewline === 'normalize' ? new NewlineMender(dotted) : undefined
    this.#dots = dotted ? startBody() : undefined
    this.#watch = !dotted && bareNewline === 'refuse' ? new NewlineWatch() : undefined
  }

  /** Of DATA. @returns what stands behind the final dot, once that has come. */
  takeDotted(chunk: Uint8Array): Uint8Array | undefined {
    const rest = takeBody(this.#dots!, chunk, this.#write)
    if (rest) this.end()
    return rest
  }

  /** So many octets are announced: what is too large is given up before it has come. */
  expect(octets: number): void {
    this.#expectedBytes = this.#sizeBytes + octets
    if (this.#expectedBytes > this.#bytesMax) this.drop()
  }

  /** Of BDAT: bytes as they are. */
  takeOctets(bytes: Uint8Array): void {
    this.#watch?.push(bytes)
    this.#write(bytes)
  }

  /** No more comes. */
  end(): void {
    this.#watch?.end()
    if (this.#mender) this.#store(this.#mender.end())
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

  get #hasBareNewline(): boolean {
    return this.#mender === undefined && (this.#dots?.bareNewline === true || this.#watch?.bare === true)
  }

  /** Why it cannot be taken, whatever its recipients. */
  get refusal(): Status | undefined {
    if (this.#hasBareNewline) return status.bareNewline
    if (Math.max(this.#sizeBytes, this.#expectedBytes) > this.#bytesMax) return status.messageTooLarge
    return this.#failure
  }

  /** Nothing of it is kept. */
  drop(): void {
    if (this.#dropped) return
    this.#dropped = true
    this.#sink.abort()
  }

  #store(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length
    if (this.#dropped) return
    // It will be refused: what was kept goes at once, the rest is swallowed to its true end.
    if (this.#sizeBytes > this.#bytesMax || this.#hasBareNewline) return this.drop()
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
