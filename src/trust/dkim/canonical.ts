/** Canonical forms of header fields and bodies: what relays do to white space does not break a signature. RFC 6376 §3.4. */
import type { Hash } from 'node:crypto'

export type Canonicalization = 'simple' | 'relaxed'

const CR = 13
const LF = 10
const SPACE = 32
const TAB = 9

/** One field, its line end included, as it is hashed. Header text: one character per byte. RFC 6376 §3.4.1, §3.4.2. */
export function canonicalField(raw: string, form: Canonicalization): string {
  if (form === 'simple') return raw
  const colon = raw.indexOf(':')
  const name = raw.slice(0, colon).trimEnd().toLowerCase()
  const value = raw
    .slice(colon + 1)
    .replace(/\r\n/g, '')
    .replace(/[ \t]+/g, ' ')
  return `${name}:${trimSpaces(value)}\r\n`
}

/** Not `trim`: other white space is text here. */
function trimSpaces(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) === SPACE) start++
  while (end > start && text.charCodeAt(end - 1) === SPACE) end--
  return text.slice(start, end)
}

/**
 * Hashes a body in its canonical form, in pieces cut anywhere. RFC 6376 §3.4.3, §3.4.4, §3.4.5.
 *
 * Empty lines at the end count only if something follows them, so they are counted and not kept.
 */
export class BodyDigest {
  readonly #hash: Hash
  readonly #relaxed: boolean
  /** Bytes that `l=` still lets in; Infinity without it. */
  #left: number
  /** Canonical bytes, those beyond `l=` too. */
  #length = 0
  /** Line ends that nothing has followed yet. */
  #lineEnds = 0
  /** A CR at the end of a piece: part of a line end, or not. */
  #heldCr = false
  /** White space that nothing has followed on its line yet (relaxed). */
  #heldSpace = false
  #out = Buffer.allocUnsafe(16_384)
  #used = 0

  constructor(hash: Hash, form: Canonicalization, lengthMax: number | undefined) {
    this.#hash = hash
    this.#relaxed = form === 'relaxed'
    this.#left = lengthMax ?? Infinity
  }

  /** Canonical length so far: a signature whose `l=` is larger was cut. */
  get length(): number {
    return this.#length
  }

  write(bytes: Uint8Array): void {
    // Room for everything that one byte can bring: it, a space before it, a CR; line ends are flushed by themselves.
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (this.#heldCr) {
        this.#heldCr = false
        if (byte === LF) {
          this.#heldSpace = false
          this.#lineEnds++
          continue
        }
        this.#put(CR)
      }
      if (byte === CR) this.#heldCr = true
      else if (this.#relaxed && (byte === SPACE || byte === TAB)) this.#heldSpace = true
      else this.#put(byte)
    }
  }

  #put(byte: number): void {
    for (; this.#lineEnds > 0; this.#lineEnds--) {
      this.#push(CR)
      this.#push(LF)
    }
    if (this.#heldSpace) {
      this.#heldSpace = false
      this.#push(SPACE)
    }
    this.#push(byte)
  }

  #push(byte: number): void {
    if (this.#used === this.#out.length) this.#flush()
    this.#out[this.#used++] = byte
  }

  #flush(): void {
    const kept = Math.min(this.#used, this.#left)
    this.#hash.update(this.#out.subarray(0, kept))
    this.#left -= kept
    this.#length += this.#used
    this.#used = 0
  }

  end(): Buffer {
    if (this.#heldCr) {
      this.#heldCr = false
      this.#put(CR)
    }
    // A last line without its end gets one; an empty body is one line end for simple, nothing for relaxed.
    const any = this.#length + this.#used > 0
    if (any || !this.#relaxed) {
      this.#push(CR)
      this.#push(LF)
    }
    this.#flush()
    return this.#hash.digest()
  }
}
