/** Lines out of a byte stream, for both sides. RFC 5321 §2.3.8, §4.5.3.1. */
import { empty } from '../../base/bytes.ts'

/** RFC 5321 §4.5.3.1.4 asks for 512; extensions add to it (RFC 4954 §4: 12,288 for AUTH, the largest). */
export const lineBytesMax = 12_288 + 512

export type Line =
  /** The line without its line end. `bare`: it ended in LF alone. */
  | { readonly kind: 'line'; readonly bytes: Buffer; readonly bare: boolean }
  /** A line goes beyond the limit: its end may not have come, and will be swallowed. */
  | { readonly kind: 'tooLong' }

/** Holds what has arrived and was not used yet. Nothing is held while a connection is idle. */
export class LineReader {
  #held: Buffer = empty as Buffer
  #scanned = 0
  /** A line that was told to be too long is read to its end, and not kept. */
  #skipping = false
  #skipped = 0

  push(chunk: Uint8Array): void {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
  }

  get heldBytes(): number {
    return this.#held.length
  }

  /** Bytes of a line that is too long, thrown away so far; 0 where none is being skipped. */
  get skippedBytes(): number {
    return this.#skipped
  }

  /** A line that is too long is told once, as soon as that is certain; what comes of it later is skipped. */
  next(): Line | undefined {
    for (;;) {
      const end = this.#held.indexOf(10, this.#scanned)
      if (end < 0) return this.#unended()
      const bare = end === 0 || this.#held[end - 1] !== 13
      const bytes = this.#held.subarray(0, bare ? end : end - 1)
      this.#held = end + 1 === this.#held.length ? (empty as Buffer) : this.#held.subarray(end + 1)
      this.#scanned = 0
      if (this.#skipping) {
        this.#skipping = false
        this.#skipped = 0
        continue
      }
      if (bytes.length > lineBytesMax) return { kind: 'tooLong' }
      return { kind: 'line', bytes, bare }
    }
  }

  #unended(): Line | undefined {
    this.#scanned = this.#held.length
    // Its CR may have come, and its LF not yet.
    if (!this.#skipping && this.#scanned <= lineBytesMax + 1) return undefined
    const isNew = !this.#skipping
    this.#skipping = true
    this.#skipped += this.#scanned
    this.#held = empty as Buffer
    this.#scanned = 0
    return isNew ? { kind: 'tooLong' } : undefined
  }

  /** Everything that is held, for a reader of another kind (DATA). */
  take(): Buffer {
    const bytes = this.#held
    this.#held = empty as Buffer
    this.#scanned = 0
    return bytes
  }

  /** Puts back what was read too far. */
  putBack(bytes: Uint8Array): void {
    this.#held = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes)
    this.#scanned = 0
  }

  clear(): void {
    this.take()
    this.#skipping = false
    this.#skipped = 0
  }
}
