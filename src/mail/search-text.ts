/**
 * Text search for IMAP's HEADER, BODY and TEXT keys: substrings of decoded text, ignoring case.
 * RFC 9051 §6.4.4, RFC 3501 §6.4.4; comparison see `foldText`.
 */
import { mailboxesOf, parseAddressList, type AddressMailbox } from './address-list.ts'
import { foldText, isAsciiText } from './fold-text.ts'
import { parseHeader, unfold, type Header, type HeaderField } from './header.ts'
import { decodeCharset, decodeUnlabelled, isUtf8 } from './mime/charset.ts'
import { fileName } from './mime/content-disposition.ts'
import { decodeEncodedWords } from './mime/encoded-word.ts'
import { parameterText } from './mime/parameters.ts'
import type { Part } from './mime/part.ts'
import { decodeTransfer, transferEncoding } from './mime/transfer-encoding.ts'
import { decodeEntities } from './view/entities.ts'
import { likelyCharset } from './view/part-content.ts'

type LikelyCharset = () => string | undefined

export interface TextMatcher {
  /**
   * Whether a field of that lower-case name contains the needle; an empty needle asks whether there is such a field. Address fields are
   * searched as written, and as ENVELOPE parses them: `name <local@domain>`.
   * @param likely the charset of raw 8-bit text that is not UTF-8; called only if there is such text.
   */
  header(header: Header, name: string, likely?: LikelyCharset): boolean
  /** The text of the message and of messages in it, and of bounces and other reports; no header. */
  body(message: Uint8Array, root: Part): boolean
  /** Everything that `body` searches, and all headers: of the message, of messages in it, and of parts with file names. */
  text(message: Uint8Array, root: Part): boolean
}

/** Prepares one needle for many messages. */
export function createTextMatcher(needle: string): TextMatcher {
  const folded = foldText(needle)
  const matches = (text: string): boolean => foldText(text).includes(folded)
  const asciiNeedle = isAsciiText(needle) ? Buffer.from(folded, 'latin1') : undefined
  const inLine = oneBlank(folded)
  const matchesInLine = (text: string): boolean => oneBlank(foldText(text)).includes(inLine)

  const header = (fields: Header, name: string, likely?: LikelyCharset): boolean =>
    fields.fields.some(
      (field) => field.name === name && (folded === '' || matchesInLine(decoded(valueOf(fields, field), likely))),
    ) ||
    (addressFields.has(name) && fields.all(name).some((field) => inAddresses(fields.value(field), likely)))

  /** Whether a parsed address matches. Only if it is not written in the usual form, which was searched as text before. */
  const inAddresses = (value: string, likely: LikelyCharset | undefined): boolean =>
    /[(\\"]|=\?/.test(value) &&
    mailboxesOf(parseAddressList(value)).some((mailbox) => matchesInLine(formatAddress(mailbox, likely)))

  const anyField = (fields: Header, likely: LikelyCharset): boolean =>
    fields.fields.some((field) => matchesInLine(`${field.name}:${decoded(valueOf(fields, field), likely)}`))

  const isFileName = (part: Part): boolean => {
    const name = fileName(part.contentType, part.disposition)
    return name !== undefined && matchesInLine(name)
  }

  function inHeaders(message: Uint8Array, part: Part, likely: LikelyCharset): boolean {
    const fields = part.header ?? parseHeader(message, part.headerStart, part.bodyStart)
    if (anyField(fields, likely) || isFileName(part)) return true
    if (part.message !== undefined) return inHeaders(message, part.message, likelyOf(part.message))
    return part.children.some((child) => inHeaders(message, child, likely))
  }

  function inBodies(message: Uint8Array, part: Part): boolean {
    if (part.kind === 'multipart') return part.children.some((child) => inBodies(message, child))
    if (part.message !== undefined) return inBodies(message, part.message)
    // The body of a message/* part that is not a message is text: the addresses in a report, for example.
    if (part.kind !== 'text' && part.contentType.type !== 'message') return false
    const raw = message.subarray(part.bodyStart, part.bodyEnd)
    const bytes = decodeTransfer(raw, transferEncoding(part.encoding))
    if (asciiNeedle !== undefined && isAsciiSuperset(part)) {
      const lowered = lowerAscii(bytes)
      if (lowered.bytes.includes(asciiNeedle)) return true
      // If every byte is ASCII, case folding cannot find more.
      if (lowered.ascii && !(isHtml(part) && bytes.includes(ampersand))) return false
    }
    const text = textOf(part, bytes)
    // HTML is searched as it is written, and with its character references decoded: `Mikul&aacute;&scaron;`.
    return matches(text) || (isHtml(part) && text.includes('&') && matches(decodeEntities(text)))
  }

  return {
    header,
    body: (message, root) => folded === '' || inBodies(message, root),
    text: (message, root) => folded === '' || inHeaders(message, root, likelyOf(root)) || inBodies(message, root),
  }
}

const addressFields = new Set(['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'])

/** "What comes after the colon" (RFC 9051 §6.4.4), unfolded. */
function valueOf(fields: Header, field: HeaderField): string {
  return unfold(fields.raw(field).slice(field.valueStart - field.start))
}

/** Readers do not see where a field is folded, nor by how many blanks or tabs. */
function oneBlank(text: string): string {
  return /[\t]|  /.test(text) ? text.replace(/[ \t]+/g, ' ') : text
}

function formatAddress({ name, localPart, domain }: AddressMailbox, likely: LikelyCharset | undefined): string {
  return `${decoded(name ?? '', likely)} <${localPart}@${domain}>`
}

function decoded(text: string, likely: LikelyCharset | undefined): string {
  const isOdd = likely !== undefined && /[\x80-\xff]/.test(text) && !isUtf8(Buffer.from(text, 'latin1'))
  return decodeEncodedWords(text, isOdd ? likely() : undefined)
}

/** Determined once, and only if needed. */
function likelyOf(root: Part): LikelyCharset {
  let found: { readonly charset: string | undefined } | undefined
  return () => (found ??= { charset: likelyCharset(root) }).charset
}

const ampersand = 0x26
const isHtml = ({ contentType: { type, subtype } }: Part): boolean => type === 'text' && subtype === 'html'

/** A text part as text: decoded by its charset; by UTF-8 or windows-1252 if none is named or known. */
function textOf(part: Part, bytes: Uint8Array): string {
  const charset = parameterText(part.contentType.parameters, 'charset')
  const named = charset === undefined ? undefined : decodeCharset(bytes, charset)
  return named ?? decodeUnlabelled(bytes)
}

/** Charsets in which a byte below 0x80 is always its ASCII character. Text in others is decoded before the search. */
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
