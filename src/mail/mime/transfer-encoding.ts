/** Content-Transfer-Encoding undone: base64, quoted-printable and uuencode, read kindly, in streams or at once. RFC 2045 §6. */
import { UuencodeDecoder } from './uuencode-decoder.ts'

/** Decodes piece by piece. The joined result does not depend on where the pieces were cut. */
export interface TransferDecoder {
  /** The returned bytes are the caller's. */
  write(bytes: Uint8Array): Uint8Array
  end(): Uint8Array
}

/**
 * Transfer encodings. 'other' is any unknown one: the part counts as application/octet-stream. RFC 2045 §6.4.
 * 'uuencode' is not an encoding of MIME, but some mailers use it in the field.
 */
export type TransferEncoding = 'identity' | 'base64' | 'quoted-printable' | 'uuencode' | 'other'

/** @param name the lower-case value of the field. */
export function transferEncoding(name: string): TransferEncoding {
  switch (name) {
    case '':
    case '7bit':
    case '8bit':
    case 'binary':
      return 'identity'
    case 'base64':
    case 'quoted-printable':
      return name
    case 'x-uuencode':
    case 'uuencode':
    case 'x-uue':
    case 'uue':
      return 'uuencode'
    default:
      return 'other'
  }
}

export function transferDecoder(encoding: TransferEncoding): TransferDecoder {
  if (encoding === 'base64') return new Base64Decoder()
  if (encoding === 'uuencode') return new UuencodeDecoder()
  return encoding === 'quoted-printable' ? new QuotedPrintableDecoder() : identity
}

/** Decodes a whole body. Identity returns the same bytes. */
export function decodeTransfer(bytes: Uint8Array, encoding: TransferEncoding): Uint8Array {
  if (encoding === 'identity' || encoding === 'other') return bytes
  if (encoding === 'base64' && isOneBase64Text(bytes)) {
    // Three times as fast as we are.
    return Buffer.from(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'), 'base64')
  }
  const decoder = transferDecoder(encoding)
  const body = decoder.write(bytes)
  const rest = decoder.end()
  return rest.length === 0 ? body : Buffer.concat([body, rest])
}

/** Nothing of it stands behind padding: there the platform would end, while several texts may have been joined. */
function isOneBase64Text(bytes: Uint8Array): boolean {
  const padding = bytes.indexOf(0x3d)
  if (padding < 0) return true
  for (let at = padding + 1; at < bytes.length; at++) if (base64Values[bytes[at]!]! < 64) return false
  return true
}

const none = new Uint8Array(0)
const identity: TransferDecoder = { write: (bytes) => new Uint8Array(bytes), end: () => none }

/** 0–63 for the alphabet (and the URL-safe one), 64 for padding, 255 for what is to be skipped. RFC 2045 §6.8. */
const base64Values = new Uint8Array(256).fill(255)
for (const [at, char] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
  base64Values[char.charCodeAt(0)] = at
base64Values[0x2d] = 62
base64Values[0x5f] = 63
base64Values[0x3d] = 64

/** Padding ends a group, not the stream: some mailers join several encoded texts. */
class Base64Decoder implements TransferDecoder {
  #bits = 0
  #count = 0

  write(bytes: Uint8Array): Uint8Array {
    const out = Buffer.allocUnsafe(Math.ceil((bytes.length * 3) / 4) + 3)
    let length = 0
    let bits = this.#bits
    let count = this.#count
    let at = 0
    while (at < bytes.length) {
      if (count === 0) {
        // Whole groups of four, the common case, in one step each.
        while (at + 3 < bytes.length) {
          const a = base64Values[bytes[at]!]!
          const b = base64Values[bytes[at + 1]!]!
          const c = base64Values[bytes[at + 2]!]!
          const d = base64Values[bytes[at + 3]!]!
          if ((a | b | c | d) > 63) break
          const group = (a << 18) | (b << 12) | (c << 6) | d
          out[length] = group >> 16
          out[length + 1] = group >> 8
          out[length + 2] = group
          length += 3
          at += 4
        }
        if (at >= bytes.length) break
      }
      const value = base64Values[bytes[at]!]!
      at += 1
      if (value < 64) {
        bits = (bits << 6) | value
        count += 1
        if (count === 4) {
          out[length] = bits >> 16
          out[length + 1] = bits >> 8
          out[length + 2] = bits
          length += 3
          bits = 0
          count = 0
        }
      } else if (value === 64) {
        length = flushGroup(out, length, bits, count)
        bits = 0
        count = 0
      }
    }
    this.#bits = bits
    this.#count = count
    return out.subarray(0, length)
  }

  end(): Uint8Array {
    const out = Buffer.allocUnsafe(2)
    const length = flushGroup(out, 0, this.#bits, this.#count)
    this.#bits = 0
    this.#count = 0
    return out.subarray(0, length)
  }
}

/** The bytes of a group that padding or the end cut short. */
function flushGroup(out: Uint8Array, length: number, bits: number, count: number): number {
  if (count === 2) out[length++] = bits >> 4
  if (count === 3) {
    out[length++] = bits >> 10
    out[length++] = bits >> 2
  }
  return length
}

const equals = 0x3d
const lf = 0x0a
const cr = 0x0d

/** White space held back because a line end may follow it (RFC 2045 §6.7 rule 3). More than this is no accident of transport. */
const heldSpaceMax = 1_000

/** 0–15, or 255. Lower case is let pass. */
const hexValues = new Uint8Array(256).fill(255)
for (const [value, digit] of [...'0123456789ABCDEF'].entries()) {
  hexValues[digit.charCodeAt(0)] = value
  hexValues[digit.toLowerCase().charCodeAt(0)] = value
}
/** Where `decodeRun` stopped. */
let runEnd = 0

/**
 * Decodes up to the first thing that takes thought: a `=` that is no escape of two digits, or white space that something else than
 * text follows. A function of its own and small, since the engine makes that three times as fast. @returns the length of `out` then.
 */
function decodeRun(input: Uint8Array, start: number, out: Uint8Array, startLength: number): number {
  const end = input.length
  let at = start
  let length = startLength
  while (at < end) {
    const code = input[at]!
    if (code === equals) {
      if (at + 2 >= end) break
      const high = hexValues[input[at + 1]!]!
      const low = hexValues[input[at + 2]!]!
      if ((high | low) > 15) break
      out[length++] = (high << 4) | low
      at += 3
      continue
    }
    if ((code === 0x20 || code === 0x09) && (at + 1 === end || input[at + 1]! <= 0x20)) break
    out[length++] = code
    at += 1
  }
  runEnd = at
  return length
}

class QuotedPrintableDecoder implements TransferDecoder {
  /** The undecided end of the last piece: white space, or an escape that was cut. */
  #held: Uint8Array = none

  write(bytes: Uint8Array): Uint8Array {
    return this.#decode(this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]), false)
  }

  end(): Uint8Array {
    return this.#decode(this.#held, true)
  }

  #decode(input: Uint8Array, final: boolean): Uint8Array {
    const out = Buffer.allocUnsafe(input.length)
    let length = 0
    let at = 0
    this.#held = none
    const end = input.length
    while (at < end) {
      length = decodeRun(input, at, out, length)
      at = runEnd
      if (at === end) break
      const code = input[at]!
      if (code === equals) {
        const behind = this.#escape(input, at, final)
        if (behind < 0) {
          this.#held = new Uint8Array(input.subarray(at))
          break
        }
        if (behind === at + 1 && behind < end) out[length++] = equals
        at = behind
      } else {
        let behind = at + 1
        while (behind < end && (input[behind] === 0x20 || input[behind] === 0x09) && behind - at < heldSpaceMax)
          behind += 1
        const next = input[behind]
        const undecided = next === undefined || (next === cr && behind + 1 === end)
        if (undecided && !final && behind - at < heldSpaceMax) {
          this.#held = new Uint8Array(input.subarray(at))
          break
        }
        // Before a line end, or the end of all, it was added on the way.
        const added = next === lf || next === undefined || (next === cr && (input[behind + 1] ?? lf) === lf)
        if (!added || behind - at === heldSpaceMax) while (at < behind) out[length++] = input[at++]!
        at = behind
      }
    }
    return out.subarray(0, length)
  }

  /** The index behind an escape that begins at `at`: at + 1 when it is none and stands for itself; -1 when more is needed. */
  #escape(input: Uint8Array, at: number, final: boolean): number {
    const first = input[at + 1]
    if (first === undefined) return final ? at + 1 : -1
    if (first === lf) return at + 2
    const second = input[at + 2]
    if (first === cr) return second === undefined ? (final ? at + 2 : -1) : second === lf ? at + 3 : at + 2
    if (first === 0x20 || first === 0x09) return this.#softBreak(input, at, final)
    if (hexValues[first]! > 15) return at + 1
    // Two digits were seen to before; here the second one misses.
    return second === undefined && !final ? -1 : at + 1
  }

  /** `=` and white space up to a line end is a soft line break too. */
  #softBreak(input: Uint8Array, at: number, final: boolean): number {
    let end = at + 1
    while (end < input.length && (input[end] === 0x20 || input[end] === 0x09) && end - at < heldSpaceMax) end += 1
    if (end - at >= heldSpaceMax) return at + 1
    if (end === input.length || (input[end] === cr && end + 1 === input.length)) return final ? input.length : -1
    if (input[end] === lf) return end + 1
    return input[end] === cr && input[end + 1] === lf ? end + 2 : at + 1
  }
}
