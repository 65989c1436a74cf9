/**
 * Text search as IMAP's HEADER, BODY and TEXT keys ask for it: substrings of decoded text, whatever the case.
 * RFC 9051 §6.4.4, RFC 3501 §6.4.4; comparison see `foldText`.
 */
import { foldText, isAsciiText } from './fold-text.ts'
import type { Header } from './header.ts'
import { decodeCharset } from './mime/charset.ts'
import { decodeEncodedWords, decodeUnlabelled } from './mime/encoded-word.ts'
import { parameterText } from './mime/parameters.ts'
import type { Part } from './mime/part.ts'
import { decodeTransfer, transferEncoding } from './mime/transfer-encoding.ts'

export interface TextMatcher {
  /** Whether a field of that lower-case name holds the needle; an empty needle asks whether there is such a field. */
  header(header: Header, name: string): boolean
  /** The text of the message: text parts decoded, and the headers of messages in it. Not the message's own header. */
  body(message: Uint8Array, root: Part): boolean
  /** Header or body. */
  text(message: Uint8Array, root: Part): boolean
}

/** Prepares one needle for many messages. */
export function createTextMatcher(needle: string): TextMatcher {
  const folded = foldText(needle)
  const matches = (text: string): boolean => foldText(text).includes(folded)
  const asciiNeedle = isAsciiText(needle) ? Buffer.from(folded, 'latin1') : undefined

  const header = (fields: Header, name: string): boolean =>
    fields.fields.some(
      (field) => field.name === name && (folded === '' || matches(decodeEncodedWords(fields.value(field)))),
    )
  const anyField = (fields: Header): boolean =>
    fields.fields.some((field) => matches(`${field.name}: ${decodeEncodedWords(fields.value(field))}`))
  const body = (message: Uint8Array, root: Part): boolean => folded === '' || inPart(message, root)

  function inPart(message: Uint8Array, part: Part): boolean {
    if (part.kind === 'multipart') return part.children.some((child) => inPart(message, child))
    if (part.message !== undefined) {
      const inner = part.message
      return (inner.header !== undefined && anyField(inner.header)) || inPart(message, inner)
    }
    if (part.kind !== 'text') return false
    const raw = message.subarray(part.bodyStart, part.bodyEnd)
    const bytes = decodeTransfer(raw, transferEncoding(part.encoding))
    if (asciiNeedle !== undefined && isAsciiSuperset(part)) {
      const lowered = lowerAscii(bytes)
      if (lowered.bytes.includes(asciiNeedle)) return true
      // Where every byte was ASCII, there is nothing that folding could still find.
      if (lowered.ascii) return false
    }
    return matches(textOf(part, bytes))
  }

  return {
    header,
    body,
    text: (message, root) => (root.header !== undefined && anyField(root.header)) || body(message, root),
  }
}

/** A text part as text: its charset decoded, UTF-8 or windows-1252 where none is named or known. */
function textOf(part: Part, bytes: Uint8Array): string {
  const charset = parameterText(part.contentType.parameters, 'charset')
  // `us-ascii` with 8-bit bytes is unlabelled text of a mailer that did not look.
  const named = charset === undefined || /^(?:us-)?ascii$/i.test(charset) ? undefined : decodeCharset(bytes, charset)
  return named ?? decodeUnlabelled(bytes)
}

/** Charsets in which a byte below 0x80 always stands for its ASCII character. The others are searched decoded. */
function isAsciiSuperset(part: Part): boolean {
  const charset = parameterText(part.contentType.parameters, 'charset')
  return (
    charset === undefined ||
    /^(?:us-ascii|utf-?8|iso-8859-\d+|windows-125\d|koi8-.|cp125\d|euc-(?:jp|kr|cn)|latin1)$/i.test(charset)
  )
}

/** A copy with A–Z in lower case, and whether all of it is ASCII. */
function lowerAscii(bytes: Uint8Array): { bytes: Buffer; ascii: boolean } {
  const out = Buffer.allocUnsafe(bytes.length)
  let all = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const code = bytes[at]!
    all |= code
    out[at] = code >= 0x41 && code <= 0x5a ? code | 0x20 : code
  }
  return { bytes: out, ascii: all < 0x80 }
}
