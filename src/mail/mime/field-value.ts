/** The value of a MIME field, as far as its grammar begins: encoded words undone where a mailer hid the whole value in them. RFC 2045 §3, RFC 2047 §5. */
import { lowerAscii } from '../header.ts'
import { decodeEncodedWords } from './encoded-word.ts'
import { skipSpace, wordEnd } from './parameters.ts'

/**
 * A value that begins with an encoded word, decoded: no type begins so, and who encodes each field alike meant what is in it. RFC 2047 §5
 * forbids it, other programs undo it.
 *
 * @param value header text. @returns header text, what is beyond ASCII as UTF-8; other values as they are.
 */
export function mimeFieldValue(value: string): string {
  if (!value.startsWith('=?')) return value
  // A line end or NUL in it would end the field for others.
  const text = decodeEncodedWords(value).replace(/[\0-\x1f\x7f]+/g, ' ')
  return Buffer.from(text.trim()).toString('latin1')
}

/** The mechanism that a Content-Transfer-Encoding names, lower case; '' where it names none. Comments may stand around it. RFC 2045 §6.1. */
export function encodingName(value: string): string {
  const text = mimeFieldValue(value)
  const start = skipSpace(text, 0, false)
  return lowerAscii(text.slice(start, wordEnd(text, start)))
}
