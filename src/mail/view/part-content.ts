/** The content of a part, decoded on request. RFC 2045 §6, RFC 2046 §4.1.2. */
import { decodeCharset, decodeUnlabelled } from '../mime/charset.ts'
import { fileName } from '../mime/content-disposition.ts'
import { parameterText } from '../mime/parameters.ts'
import { leaves, type Part } from '../mime/part.ts'
import { decodeTransfer, transferEncoding } from '../mime/transfer-encoding.ts'

/** `text/plain`, lower case. */
export function typeOf({ contentType: { type, subtype } }: Part): string {
  return `${type}/${subtype}`
}

/** The suggested file name of a part, decoded. Not made safe as a file name. */
export function nameOf(part: Part): string | undefined {
  return fileName(part.contentType, part.disposition)
}

/** The Content-ID without angle brackets: the target of `cid:`. RFC 2392. */
export function contentIdOf(part: Part): string | undefined {
  return part.id?.trim().replace(/^<(.*)>$/s, '$1')
}

/** The charset that a text part names, lower case; undefined if none. */
export function charsetOf(part: Part): string | undefined {
  return parameterText(part.contentType.parameters, 'charset')?.trim().toLowerCase()
}

/** The likely charset of raw 8-bit header text that is not UTF-8: that of the first text part, since mailers use one for both. */
export function likelyCharset(root: Part): string | undefined {
  for (const part of leaves(root)) {
    const charset = part.contentType.type === 'text' ? charsetOf(part) : undefined
    // A part without Content-Type is text/plain in its default charset, which says nothing about the mailer.
    if (charset !== undefined && part.typed) return charset
  }
  return undefined
}

/** The bytes with the transfer encoding undone; without an encoding, a view of the message. */
export function partBytes(message: Uint8Array, part: Part): Uint8Array {
  return decodeTransfer(message.subarray(part.bodyStart, part.bodyEnd), transferEncoding(part.encoding))
}

/** How many bytes of an HTML text are searched for its charset. HTML Standard §13.2.3.2. */
const metaWithin = 1_024

/** The charset in a `<meta>` element: Exchange sends HTML without a charset parameter. RFC 2854 §6. */
function metaCharset(part: Part, bytes: Uint8Array): string | undefined {
  if (typeOf(part) !== 'text/html') return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', 0, metaWithin)
  return /<meta\s[^>]*?charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(text)?.[1]
}

export interface PartText {
  readonly text: string
  /** The transfer encoding or the charset is unknown: some of the text may be wrong. RFC 8621 §4.1.4. */
  readonly isEncodingProblem: boolean
}

/** A text part as text. Line ends are not changed. */
export function partText(message: Uint8Array, part: Part): PartText {
  const encoding = transferEncoding(part.encoding)
  const bytes = partBytes(message, part)
  const charset = charsetOf(part)
  if (charset === undefined || charset === '')
    return { text: decodeUnlabelled(bytes, metaCharset(part, bytes)), isEncodingProblem: encoding === 'other' }
  const text = decodeCharset(bytes, charset)
  if (text === undefined) return { text: decodeUnlabelled(bytes), isEncodingProblem: true }
  return { text, isEncodingProblem: encoding === 'other' || text.includes('\ufffd') }
}
