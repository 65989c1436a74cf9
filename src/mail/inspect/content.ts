/** What is odd about the bodies of parts: encodings, charsets, boundaries. RFC 2045 §6, RFC 2046 §4.1.2, §5.1.1. */
import type { Header } from '../header.ts'
import { decodeCharset, isAscii } from '../mime/charset.ts'
import { parameterText, parameterValue } from '../mime/parameters.ts'
import type { Part } from '../mime/part.ts'
import { transferEncoding } from '../mime/transfer-encoding.ts'
import { charsetOf, partBytes } from '../view/part-content.ts'
import type { DefectList, DefectName } from './defects.ts'
import { means } from './encoded-words.ts'

/** The range of a field, or of the header where that field is not there. */
export function fieldRange(header: Header, name: string, part: Part): [start: number, end: number] {
  const field = header.get(name)
  return field === undefined ? [part.headerStart, part.bodyStart] : [field.start, field.end]
}

export function inspectContent(bytes: Uint8Array, part: Part, header: Header, list: DefectList): void {
  const encoding = transferEncoding(part.encoding)
  if (encoding === 'other') list.add('encodingUnknown', ...fieldRange(header, 'content-transfer-encoding', part), part)
  if (encoding === 'base64') inspectBase64(bytes, part, list)
  else if (encoding === 'quoted-printable') inspectQuotedPrintable(bytes, part, list)
  if (part.encoding === '7bit' || encoding === 'quoted-printable') inspectSevenBit(bytes, part, list)
  if (part.kind !== 'text') return
  const charset = charsetOf(part)
  const decoded = partBytes(bytes, part)
  if (charset === undefined || charset === '') {
    // Without a charset a text is ASCII; where UTF-8 was meant instead, the encoding's defect tells it. RFC 2046 §4.1.2.
    if (part.encoding !== '7bit' && part.contentType.subtype === 'plain' && !isAscii(decoded))
      list.add('charsetBytes', part.bodyStart, part.bodyEnd, part)
  } else if (decodeCharset(new Uint8Array(0), charset) === undefined)
    list.add('charsetUnknown', ...fieldRange(header, 'content-type', part), part)
  else if (!means(decoded, charset)) list.add('charsetBytes', part.bodyStart, part.bodyEnd, part)
}

/** 1 for the alphabet, 2 for white space, 3 for padding, 0 for what is wrong. */
const base64Kinds = new Uint8Array(256)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/')
  base64Kinds[char.charCodeAt(0)] = 1
for (const char of ' \t\r\n') base64Kinds[char.charCodeAt(0)] = 2
base64Kinds[0x3d] = 3

function inspectBase64(bytes: Uint8Array, part: Part, list: DefectList): void {
  let characters = 0
  let padding = -1
  let paddingEnd = -1
  let behindTold = false
  for (let at = part.bodyStart; at < part.bodyEnd; at += 1) {
    const kind = base64Kinds[bytes[at]!]!
    if (kind === 1) {
      characters += 1
      if (padding >= 0 && !behindTold) {
        list.add('base64Padding', padding, paddingEnd, part)
        behindTold = true
      }
    } else if (kind === 3) {
      characters += 1
      if (padding < 0) padding = at
      paddingEnd = at + 1
    } else if (kind === 0) {
      const start = at
      while (at + 1 < part.bodyEnd && base64Kinds[bytes[at + 1]!] === 0) at += 1
      list.add('base64Character', start, at + 1, part)
    }
  }
  if (!behindTold && characters % 4 !== 0) list.add('base64Padding', part.bodyEnd, part.bodyEnd, part)
}

const equals = 0x3d

function inspectQuotedPrintable(bytes: Uint8Array, part: Part, list: DefectList): void {
  const body = bytes.subarray(part.bodyStart, part.bodyEnd)
  for (let at = body.indexOf(equals); at >= 0; at = body.indexOf(equals, at + 1)) {
    if (isHex(body[at + 1]) && isHex(body[at + 2])) continue
    let end = at + 1
    // White space that was added on the way; a little only, or a body of such would be walked again and again.
    while (end - at < 80 && (body[end] === 0x20 || body[end] === 0x09)) end += 1
    if (body[end] === 0x0a || (body[end] === 0x0d && body[end + 1] === 0x0a)) continue
    list.add('quotedPrintableEscape', part.bodyStart + at, part.bodyStart + Math.min(at + 3, body.length), part)
  }
}

function isHex(code: number | undefined): boolean {
  if (code === undefined) return false
  return (code >= 0x30 && code <= 0x39) || ((code | 0x20) >= 0x61 && (code | 0x20) <= 0x66)
}

function inspectSevenBit(bytes: Uint8Array, part: Part, list: DefectList): void {
  const body = bytes.subarray(part.bodyStart, part.bodyEnd)
  if (isAscii(body)) return
  const first = body.findIndex((byte) => byte > 0x7f)
  const last = body.findLastIndex((byte) => byte > 0x7f)
  list.add('eightBitBody', part.bodyStart + first, part.bodyStart + last + 1, part)
}

/** @param around boundaries of the multiparts around this one. @returns its own. */
export function inspectBoundary(part: Part, header: Header, around: readonly string[], list: DefectList): string {
  const { parameters } = part.contentType
  const boundary = (parameterValue(parameters, 'boundary') ?? parameterText(parameters, 'boundary') ?? '').trimEnd()
  const wrong = (name: DefectName): void => list.add(name, ...fieldRange(header, 'content-type', part), part)
  if (!/^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(boundary)) wrong('boundarySyntax')
  if (around.some((outer) => boundary.startsWith(outer))) wrong('boundaryAmbiguous')
  return boundary
}
