/** A message for hosts that take 7 bits only: its 8-bit parts encoded, everything else as it was. RFC 6152 §3, RFC 2045 §6. */
import { isAscii } from '../mime/charset.ts'
import type { Part } from '../mime/part.ts'
import { Base64Encoder, encodeQuotedPrintable, surveyText } from './transfer-encode.ts'

/** Whether bytes need no conversion. */
type Fits = (bytes: Uint8Array) => boolean

/**
 * Converts a message to 7 bits; if it is 7-bit already, returns the same bytes.
 * @param fits tells which bytes are left; for BINARYMIME, whose parts need not have lines, it is `isSevenBitData`.
 * @returns undefined if that is impossible: an 8-bit header (which needs SMTPUTF8, not 8BITMIME), or 8 bits in a signed part
 *   (multipart/signed), whose signature the conversion would break.
 */
export function toSevenBit(message: Uint8Array, root: Part, fits: Fits = isAscii): Uint8Array | undefined {
  if (fits(message)) return message
  const pieces: Uint8Array[] = []
  if (!convert(message, root, pieces, fits)) return undefined
  const converted = Buffer.concat(pieces)
  return fits(converted) ? converted : undefined
}

/** RFC 2045 §2.7: lines of at most 998 octets, each ended by CRLF, without NUL. RFC 5322 §2.1.1. */
export function isSevenBitData(bytes: Uint8Array): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (!isAscii(bytes) || view.includes(0)) return false
  for (let at = 0; at < view.length;) {
    const lf = view.indexOf(10, at)
    const end = lf < 0 ? view.length : lf
    if (lf >= 0 && (lf === at || view[lf - 1] !== 13)) return false
    const cr = view.subarray(at, end).indexOf(13)
    if (cr >= 0 && (lf < 0 || at + cr !== lf - 1)) return false
    if (end - at > 999) return false
    at = end + 1
  }
  return true
}

/** Writes a part, header and body; what stands around its children too. */
function convert(message: Uint8Array, part: Part, pieces: Uint8Array[], fits: Fits): boolean {
  const header = message.subarray(part.headerStart, part.bodyStart)
  const body = message.subarray(part.bodyStart, part.bodyEnd)
  if (!isAscii(header)) return false
  if (fits(body)) {
    // What is said to be binary, and is none, must not be said so any more. RFC 3030 §3.
    pieces.push(part.encoding === 'binary' ? withEncoding(header, '7bit') : header, body)
    return true
  }
  const children = part.message === undefined ? part.children : [part.message]
  if (children.length > 0) {
    if (part.contentType.subtype === 'signed') return false
    pieces.push(withEncoding(header, '7bit'))
    let at = part.bodyStart
    for (const child of children) {
      const between = message.subarray(at, child.headerStart)
      if (!isAscii(between)) return false
      pieces.push(between)
      if (!convert(message, child, pieces, fits)) return false
      at = child.bodyEnd
    }
    const after = message.subarray(at, part.bodyEnd)
    if (!isAscii(after)) return false
    pieces.push(after)
    return true
  }
  if (part.encoding === 'base64' || part.encoding === 'quoted-printable') {
    // Eight bits in what claims to be encoded: readers skip them, and so do we.
    pieces.push(
      header,
      body.map((byte) => (byte > 0x7f ? 0x3f : byte)),
    )
    return true
  }
  const { eightBit, odd } = surveyText(body)
  const isText = part.contentType.type === 'text' && !odd && eightBit * 6 <= body.length
  if (isText) pieces.push(withEncoding(header, 'quoted-printable'), encodeQuotedPrintable(body))
  else {
    const encoder = new Base64Encoder()
    const encoded = Buffer.concat([encoder.write(body), encoder.end()])
    // The line end before a delimiter is the delimiter's.
    pieces.push(withEncoding(header, 'base64'), encoded.subarray(0, Math.max(0, encoded.length - 2)))
  }
  return true
}

/** The header with that Content-Transfer-Encoding instead of its own. */
function withEncoding(header: Uint8Array, encoding: string): Uint8Array {
  const text = Buffer.from(header.buffer, header.byteOffset, header.length).toString('latin1')
  const without = text.replace(/^content-transfer-encoding[ \t]*:.*\r?\n(?:[ \t].*\r?\n)*/gim, '')
  if (encoding === '7bit') return Buffer.from(without, 'latin1')
  const end = /\r?\n$/.exec(without)
  const field = `Content-Transfer-Encoding: ${encoding}\r\n`
  // Before the blank line; a header that has none is followed by its body at once.
  if (/(?:^|\r?\n)\r?\n$/.test(without)) return Buffer.from(without.replace(/\r?\n$/, '') + field + end![0], 'latin1')
  return Buffer.from(without + field, 'latin1')
}
