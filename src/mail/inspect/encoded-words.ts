/** What is odd about encoded words. RFC 2047 §2–§5. */
import { isUtf8 } from 'node:buffer'
import { decodeCharset } from '../mime/charset.ts'
import type { Part } from '../mime/part.ts'
import type { DefectList } from './defects.ts'

const wordLengthMax = 75

/** @param text a field as it stands, a character per byte. @param start its place in the message. */
export function inspectWords(text: string, start: number, part: Part, list: DefectList, inParameter: boolean): void {
  let close = -1
  let at = text.indexOf('=?')
  while (at >= 0) {
    const head = /^=\?([A-Za-z0-9][\w.:+'*-]{0,80})\?/.exec(text.slice(at, at + 90))
    if (head === null) {
      at = text.indexOf('=?', at + 1)
      continue
    }
    const [prefix, named] = head as unknown as [string, string]
    const encoding = text[at + prefix.length]
    const textStart = at + prefix.length + 2
    // One search serves all words before that point, or a row of unclosed words would be searched again and again.
    if (close >= 0 && close < textStart) close = -1
    if (close < 0) {
      const found = text.indexOf('?=', textStart)
      close = found < 0 ? text.length : found
    }
    const isWord = encoding !== undefined && /[bBqQ]/.test(encoding) && text[textStart - 1] === '?'
    const encoded = isWord ? text.slice(textStart, close) : ''
    if (!isWord || close === text.length || /[\s?]/.test(encoded)) {
      list.add('encodedWordSyntax', start + at, start + Math.min(text.length, textStart), part)
      at = text.indexOf('=?', at + prefix.length)
      continue
    }
    const end = close + 2
    const add = (name: Parameters<DefectList['add']>[0]): void => list.add(name, start + at, start + end, part)
    if (inParameter) add('encodedWordInParameter')
    if (end - at > wordLengthMax) add('encodedWordLong')
    const charset = named.split('*')[0]!
    if (decodeCharset(new Uint8Array(0), charset) === undefined) add('encodedWordCharset')
    else if (!isRight(encoded, encoding.toLowerCase() === 'b', charset)) add('encodedWordContent')
    at = text.indexOf('=?', end)
  }
}

function isRight(encoded: string, isBase64: boolean, charset: string): boolean {
  if (isBase64) {
    if (encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return false
    return means(Buffer.from(encoded, 'base64'), charset)
  }
  if (/=(?![0-9A-Fa-f]{2})|[^\x21-\x7e]/.test(encoded)) return false
  const bytes = encoded
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return means(Buffer.from(bytes, 'latin1'), charset)
}

/** Whether the bytes mean something in a charset that is known. */
export function means(bytes: Uint8Array, charset: string): boolean {
  const name = charset.trim().toLowerCase()
  if (name === 'utf-8' || name === 'utf8') return isUtf8(bytes)
  if (name === 'us-ascii' || name === 'ascii') return bytes.every((byte) => byte < 0x80)
  return !decodeCharset(bytes, name)!.includes('\ufffd')
}
