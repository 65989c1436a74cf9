/** Encodes bytes for transfer: base64 and quoted-printable, in streams, and the choice between them. RFC 2045 §6. */

export type ContentEncoding = '7bit' | '8bit' | 'binary' | 'quoted-printable' | 'base64'

/** RFC 2045 §6.8: 76 characters a line, which are 57 bytes. */
const lineBytes = 57
const encodedLineMax = 76
/** RFC 5322 §2.1.1, without CRLF. */
export const lineOctetsMax = 998

const CR = 13
const LF = 10
const SPACE = 32
const TAB = 9
const EQUALS = 61

/** Encodes piece by piece; the pieces, joined, do not depend on where they were cut. Lines end in CRLF, the last one too. */
export class Base64Encoder {
  #rest: Uint8Array = new Uint8Array(0)

  write(bytes: Uint8Array): Uint8Array {
    const all =
      this.#rest.length === 0
        ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
        : Buffer.concat([this.#rest, bytes])
    const whole = all.length - (all.length % lineBytes)
    this.#rest = Uint8Array.prototype.slice.call(all, whole)
    return wrapped(all.subarray(0, whole))
  }

  end(): Uint8Array {
    return wrapped(Buffer.from(this.#rest))
  }
}

function wrapped(bytes: Buffer): Uint8Array {
  if (bytes.length === 0) return new Uint8Array(0)
  const text = bytes.toString('base64')
  const lines = Math.ceil(text.length / encodedLineMax)
  const out = Buffer.allocUnsafe(text.length + lines * 2)
  let at = 0
  for (let start = 0; start < text.length; start += encodedLineMax) {
    at += out.write(text.slice(start, start + encodedLineMax), at, 'latin1')
    out[at++] = CR
    out[at++] = LF
  }
  return out.subarray(0, at)
}

/** 1 for bytes that quoted-printable lets stand: RFC 2045 §6.7 (2), without the dot and F of `From ` and SMTP's stuffing, which are seen to by line. */
const literal = new Uint8Array(256)
for (let code = 33; code <= 126; code++) if (code !== EQUALS) literal[code] = 1
literal[SPACE] = 1
literal[TAB] = 1

const hex = Buffer.from('0123456789ABCDEF')

/**
 * Text to quoted-printable. Its line ends (CRLF) stay line ends; a bare CR or LF is data.
 *
 * A line never ends in white space, begins with `From ` or is a dot alone: mbox writers and old gateways change those.
 */
export function encodeQuotedPrintable(text: Uint8Array): Uint8Array {
  // Three bytes for one, and a soft line break each 75.
  const out = Buffer.allocUnsafe(text.length * 3 + Math.ceil((text.length * 3) / (encodedLineMax - 3)) * 3 + 8)
  let at = 0
  let column = 0
  const put = (byte: number, escaped: boolean): void => {
    const width = escaped ? 3 : 1
    if (column + width > encodedLineMax - 1) {
      out[at++] = EQUALS
      out[at++] = CR
      out[at++] = LF
      column = 0
    }
    if (escaped) {
      out[at++] = EQUALS
      out[at++] = hex[byte >> 4]!
      out[at++] = hex[byte & 15]!
    } else out[at++] = byte
    column += width
  }
  for (let i = 0; i < text.length; i++) {
    const byte = text[i]!
    if (byte === CR && text[i + 1] === LF) {
      out[at++] = CR
      out[at++] = LF
      column = 0
      i++
      continue
    }
    const ends = i + 1 === text.length || (text[i + 1] === CR && text[i + 2] === LF)
    const trailing = ends && (byte === SPACE || byte === TAB)
    const start = column === 0 && ((byte === 0x2e && ends) || (byte === 0x46 && beginsFrom(text, i)))
    put(byte, literal[byte] === 0 || trailing || start)
  }
  return out.subarray(0, at)
}

function beginsFrom(text: Uint8Array, at: number): boolean {
  return text[at + 1] === 0x72 && text[at + 2] === 0x6f && text[at + 3] === 0x6d && text[at + 4] === SPACE
}

/** The properties of a text that its encoding depends on. */
export function surveyText(bytes: Uint8Array): {
  readonly eightBit: number
  readonly longLine: boolean
  readonly odd: boolean
} {
  let eightBit = 0
  let line = 0
  let longLine = false
  let odd = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte === LF && i > 0 && bytes[i - 1] === CR) {
      if (line - 1 > lineOctetsMax) longLine = true
      line = 0
      continue
    }
    if (byte === 0 || byte === LF || (byte === CR && bytes[i + 1] !== LF)) odd = true
    if (byte > 0x7f) eightBit++
    line++
  }
  return { eightBit, longLine: longLine || line > lineOctetsMax, odd }
}

/** The best encoding of text (CRLF lines) if the transport allows at most `allowed`. */
export function encodingForText(bytes: Uint8Array, allowed: '7bit' | '8bit' | 'binary'): ContentEncoding {
  const { eightBit, longLine, odd } = surveyText(bytes)
  if (!odd && !longLine) {
    if (eightBit === 0) return '7bit'
    if (allowed !== '7bit') return '8bit'
  }
  if (allowed === 'binary') return 'binary'
  // Where most of it would be escaped, base64 is shorter, and neither is readable.
  return eightBit * 6 > bytes.length ? 'base64' : 'quoted-printable'
}
