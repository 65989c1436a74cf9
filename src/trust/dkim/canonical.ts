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

/** Where canonical bytes wait for the hash, within one call: shared by all bodies. */
const scratch = Buffer.allocUnsafe(16_384)
/** Beyond that it is flushed: so much may come of one byte, a line end, a space and a CR that were held, and itself. */
const usedMax = scratch.length - 8

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

  constructor(hash: Hash, form: Canonicalization, lengthMax: number | undefined) {
    this.#hash = hash
    this.#relaxed = form === 'relaxed'
    this.#left = lengthMax ?? Infinity
  }

  /** Canonical length so far: a signature whose `l=` is larger was cut. */
  get length(): number {
    return this.#length
  }

  /** The state stands in variables of the function, and nearly every byte takes the short way: this runs over all mail. */
  write(bytes: Uint8Array): void {
    const out = scratch
    const relaxed = this.#relaxed
    let used = 0
    let lineEnds = this.#lineEnds
    let heldCr = this.#heldCr
    let heldSpace = this.#heldSpace
    let pending = lineEnds > 0 || heldCr || heldSpace
    const { length } = bytes
    for (let at = 0; at < length; at++) {
      const byte = bytes[at]!
      if (byte <= SPACE) {
        if (byte === CR && !heldCr) {
          heldCr = pending = true
          continue
        }
        if (byte === LF && heldCr) {
          heldCr = heldSpace = false
          lineEnds++
          continue
        }
        if (relaxed && !heldCr && (byte === SPACE || byte === TAB)) {
          heldSpace = pending = true
          continue
        }
      }
      if (used > usedMax) used = this.#flush(used)
      if (pending) {
        // Text: what was held back before it counts now.
        for (; lineEnds > 0; lineEnds--) {
          if (used > usedMax) used = this.#flush(used)
          out[used++] = CR
          out[used++] = LF
        }
        if (heldSpace) out[used++] = SPACE
        heldSpace = pending = false
        if (heldCr) {
          // It ended no line: it is text, and this byte may be held in its turn.
          out[used++] = CR
          heldCr = byte === CR
          heldSpace = relaxed && (byte === SPACE || byte === TAB)
          pending = heldCr || heldSpace
          if (pending) continue
        }
      }
      out[used++] = byte
    }
    this.#flush(used)
    this.#lineEnds = lineEnds
    this.#heldCr = heldCr
    this.#heldSpace = heldSpace
  }

  /** @returns how much is used then. */
  #flush(used: number): 0 {
    const kept = Math.min(used, this.#left)
    if (kept > 0) this.#hash.update(scratch.subarray(0, kept))
    this.#left -= kept
    this.#length += used
    return 0
  }

  end(): Buffer {
    if (this.#heldCr) this.#endWithCr()
    // A last line without its end gets one; an empty body is one line end for simple, nothing for relaxed.
    if (this.#length > 0 || !this.#relaxed) this.#endLine()
    return this.#hash.digest()
  }

  /** A CR that nothing follows is text. */
  #endWithCr(): void {
    this.#heldCr = false
    let used = 0
    for (; this.#lineEnds > 0; this.#lineEnds--) {
      if (used > usedMax) used = this.#flush(used)
      scratch[used++] = CR
      scratch[used++] = LF
    }
    if (this.#heldSpace) scratch[used++] = SPACE
    this.#heldSpace = false
    scratch[used++] = CR
    this.#flush(used)
  }

  #endLine(): void {
    scratch[0] = CR
    scratch[1] = LF
    this.#flush(2)
  }
}
