/**
 * Finds commands (and, on a client, responses) in a stream cut anywhere: lines joined by literals. RFC 3501 §4.3, §9, RFC 7888.
 *
 * Departs: RFC 3501 §2.2, a bare LF ends a line as well, because people and scripts type at us through pipes.
 */
import { empty, view } from '../../../base/bytes.ts'

/** What the reader found. Views are valid until the next call of any method. */
export type Frame =
  /** A whole command without its last line end; its literals stand inside, announced as they came. */
  | { readonly kind: 'command'; readonly bytes: Buffer }
  /**
   * A literal is announced: `head` is the command so far, the announcement included.
   * The owner says `accept()`, `stream()` or `refuse()` before it asks for more.
   */
  | { readonly kind: 'literal'; readonly head: Buffer; readonly sizeBytes: number; readonly synchronizing: boolean }
  /** The text is longer than it may be: `head` is its beginning. The rest is being swallowed; a `swallowed` follows. */
  | { readonly kind: 'tooLong'; readonly head: Buffer }
  /** The true end of a command that was too long, or one of whose literals was refused. */
  | { readonly kind: 'swallowed' }

const lf = 10
const cr = 13
const closeBrace = 125

/** A literal's announcement is at most `{` + 10 digits + `+}` CR LF; so many bytes of a line being discarded are kept to see it. */
const tailBytes = 24

export class FrameReader {
  #buffer: Buffer = empty as Buffer
  /** Whether `#buffer` is ours to write behind `#end`; else it is a chunk of the socket's. */
  #owned = false
  /** Where the command begins, where its last piece of text begins, from where no line end was seen yet, where the bytes end. */
  #start = 0
  #piece = 0
  #scan = 0
  #end = 0
  /** Text bytes of the command in pieces before the present one. */
  #text = 0
  /** Bytes of a literal that are to be thrown away, or handed out. */
  #skip = 0
  #streaming = 0
  #swallowing = false
  /** A streamed literal came before: what follows is the same command's, even an empty line. */
  #continues = false
  #announced = 0
  #announcedSynchronizing = false
  textMaxBytes: number

  constructor(textMaxBytes: number) {
    this.textMaxBytes = textMaxBytes
  }

  /** Bytes held that are not used yet. */
  get heldBytes(): number {
    return this.#end - this.#start
  }

  /** A part of something has come, and its rest is awaited. */
  get isMidway(): boolean {
    return this.#end > this.#start || this.#swallowing || this.#skip > 0
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    if (this.#start === this.#end) {
      this.#buffer = view(chunk)
      this.#owned = false
      this.#start = this.#piece = this.#scan = 0
      this.#end = chunk.length
      return
    }
    const held = this.#end - this.#start
    const needed = held + chunk.length
    if (!this.#owned || this.#end + chunk.length > this.#buffer.length) {
      // Twice what is needed: bytes that come one by one are copied a constant number of times. Always a new buffer:
      // frames that were handed out are views of the old one, and their readers may still hold them.
      const larger = Buffer.allocUnsafeSlow(needed * 2)
      this.#buffer.copy(larger, 0, this.#start, this.#end)
      this.#buffer = larger
      this.#owned = true
      this.#piece -= this.#start
      this.#scan -= this.#start
      this.#end = held
      this.#start = 0
    }
    this.#buffer.set(chunk, this.#end)
    this.#end += chunk.length
  }

  /** Forgets everything that was received: nothing said before a TLS handshake counts. */
  clear(): void {
    this.#release(this.#end)
    this.#skip = this.#streaming = 0
    this.#swallowing = this.#continues = false
  }

  next(): Frame | null {
    for (;;) {
      if (this.#swallowing) {
        if (this.#swallow()) return { kind: 'swallowed' }
        return null
      }
      const at = this.#lineEnd()
      if (at < 0) {
        if (this.#text + this.#end - this.#piece > this.textMaxBytes) return this.#tooLong()
        return null
      }
      this.#text += at + 1 - this.#piece
      if (this.#text > this.textMaxBytes) return this.#tooLong()
      const lineEnd = at > this.#piece && this.#buffer[at - 1] === cr ? at - 1 : at
      if (!this.#announcement(lineEnd)) {
        const bytes = this.#buffer.subarray(this.#start, lineEnd)
        this.#release(at + 1)
        // Empty lines between commands are let pass: some clients send CRLF CRLF behind a literal.
        if (bytes.length === 0 && !this.#continues) continue
        this.#continues = false
        return { kind: 'command', bytes }
      }
      this.#scan = at + 1
      return {
        kind: 'literal',
        head: this.#buffer.subarray(this.#start, lineEnd),
        sizeBytes: this.#announced,
        synchronizing: this.#announcedSynchronizing,
      }
    }
  }

  /** A line that is no command: DONE, a SASL response. Undefined: not there yet; null: longer than `maxBytes`, and cut off. */
  nextLine(maxBytes: number): Buffer | undefined | null {
    if (this.#swallowing) return this.#swallow() ? null : undefined
    const at = this.#lineEnd()
    if (at < 0) {
      if (this.#end - this.#start <= maxBytes) return undefined
      this.#swallowing = true
      return this.nextLine(maxBytes)
    }
    const lineEnd = at > this.#start && this.#buffer[at - 1] === cr ? at - 1 : at
    const bytes = this.#buffer.subarray(this.#start, lineEnd)
    this.#release(at + 1)
    return bytes.length > maxBytes ? null : bytes
  }

  /** The announced literal becomes part of the command's bytes. */
  accept(): void {
    this.#scan += this.#announced
    this.#piece = this.#scan
  }

  /** The announced literal is taken by `take()`; what follows it is framed as if a command began there. */
  stream(): void {
    this.#streaming = this.#announced
    this.#continues = true
    const text = this.#text
    this.#release(this.#scan)
    this.#text = text
  }

  /** What is there of a streamed literal, at most. Undefined: nothing at present. The literal is over when `streamingBytes` is 0. */
  take(): Uint8Array | undefined {
    const size = Math.min(this.#streaming, this.#end - this.#start)
    if (size === 0) return undefined
    const bytes = this.#buffer.subarray(this.#start, this.#start + size)
    this.#streaming -= size
    const text = this.#text
    this.#release(this.#start + size)
    this.#text = text
    return bytes
  }

  get streamingBytes(): number {
    return this.#streaming
  }

  /**
   * The announced (or streamed) literal is not wanted. After a synchronizing one the command is over, for the client waits for our word;
   * a non-synchronizing one comes all the same, and is swallowed with all that follows up to the command's end (RFC 7888 §4).
   * @returns whether the command is over at once; else a `swallowed` follows.
   */
  refuse(): boolean {
    if (this.#streaming > 0) {
      this.#skip = this.#streaming
      this.#streaming = 0
    } else {
      this.#release(this.#scan)
      this.#continues = false
      if (this.#announcedSynchronizing) return true
      this.#skip = this.#announced
    }
    this.#swallowing = true
    return false
  }

  /** Throws away the rest of a command of which something was already streamed: a `swallowed` follows. */
  swallow(): void {
    this.#swallowing = true
  }

  #lineEnd(): number {
    // While a literal is not complete, #scan lies behind #end.
    if (this.#scan >= this.#end) return -1
    const at = this.#buffer.indexOf(lf, this.#scan)
    if (at >= 0 && at < this.#end) return at
    this.#scan = this.#end
    return -1
  }

  /** `{n}`, `{n+}` or `{n-}` at the end of a line. No atom holds a brace and no quoted string a line end, so it can be nothing else. */
  #announcement(lineEnd: number): boolean {
    const buffer = this.#buffer
    let at = lineEnd - 1
    if (at < this.#piece || buffer[at] !== closeBrace) return false
    at--
    const sign = buffer[at]
    this.#announcedSynchronizing = sign !== 0x2b && sign !== 0x2d
    if (!this.#announcedSynchronizing) at--
    const digitsEnd = at
    let size = 0
    let scale = 1
    while (at >= this.#piece && buffer[at]! >= 0x30 && buffer[at]! <= 0x39 && digitsEnd - at < 15) {
      size += (buffer[at]! - 0x30) * scale
      scale *= 10
      at--
    }
    if (at === digitsEnd || at < this.#piece || buffer[at] !== 0x7b) return false
    this.#announced = size
    return true
  }

  #tooLong(): Frame {
    this.#swallowing = true
    const head = this.#buffer.subarray(this.#start, Math.min(this.#start + 256, this.#end))
    // From the piece's first unseen byte on, so that a literal at its end is still found.
    this.#start = this.#piece
    this.#scan = this.#piece
    return { kind: 'tooLong', head }
  }

  /** @returns true at the command's end. */
  #swallow(): boolean {
    for (;;) {
      if (this.#skip > 0) {
        const size = Math.min(this.#skip, this.#end - this.#start)
        this.#skip -= size
        this.#release(this.#start + size)
        if (this.#skip > 0) return false
      }
      const at = this.#lineEnd()
      if (at < 0) {
        if (this.#end - this.#start > tailBytes) this.#start = this.#piece = this.#end - tailBytes
        return false
      }
      this.#piece = this.#start
      const literal = this.#announcement(at > this.#start && this.#buffer[at - 1] === cr ? at - 1 : at)
      this.#release(at + 1)
      if (literal && !this.#announcedSynchronizing) {
        this.#skip = this.#announced
        continue
      }
      this.#swallowing = this.#continues = false
      return true
    }
  }

  /** Everything before `upTo` is used; an empty reader holds no memory. */
  #release(upTo: number): void {
    this.#text = 0
    if (upTo >= this.#end) {
      this.#buffer = empty as Buffer
      this.#owned = false
      this.#start = this.#piece = this.#scan = this.#end = 0
    } else {
      this.#start = this.#piece = this.#scan = upTo
    }
  }
}
