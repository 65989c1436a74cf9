/** Encoded words in header text: `=?utf-8?Q?caf=C3=A9?=`. RFC 2047, with the language of RFC 2231 §5. */
import { decodeCharset, decodeUnlabelled } from './charset.ts'

/**
 * Decodes header text (one character per byte, unfolded or not). Lenient: encoded words may be too long, contain white
 * space, or touch other text. Raw 8-bit text between them is UTF-8, or windows-1252 if it is invalid UTF-8.
 *
 * Neighbouring words of one charset are joined as bytes before they are decoded, because mailers split characters
 * between words although RFC 2047 §5 (3) forbids it.
 *
 * @param likely the charset of raw 8-bit text that is not UTF-8, such as that of the body.
 */
export function decodeEncodedWords(text: string, likely?: string): string {
  let at = text.indexOf('=?')
  if (at < 0) return decodePlain(text, likely)
  let out = ''
  let plainStart = 0
  let charset = ''
  let pending: Buffer[] = []
  let close = -1
  const flush = (): void => {
    if (pending.length === 0) return
    const bytes = pending.length === 1 ? pending[0]! : Buffer.concat(pending)
    out += decodeCharset(bytes, charset) ?? decodeUnlabelled(bytes)
    pending = []
  }
  while (at >= 0) {
    const charsetEnd = text.indexOf('?', at + 2)
    if (charsetEnd < 0) break
    const encoding = text.charCodeAt(charsetEnd + 1) | 0x20
    const textStart = charsetEnd + 3
    if (charsetEnd === at + 2 || text[charsetEnd + 2] !== '?' || (encoding !== 0x62 && encoding !== 0x71)) {
      at = text.indexOf('=?', at + 2)
      continue
    }
    // One search serves all words before that point, or a row of unclosed words would be searched again and again.
    if (close < textStart) close = text.indexOf('?=', textStart)
    if (close < 0) break
    const between = text.slice(plainStart, at)
    if (pending.length === 0 || between.trim() !== '') {
      flush()
      out += decodePlain(between, likely)
    }
    const named = text.slice(at + 2, charsetEnd)
    const star = named.indexOf('*')
    const name = (star < 0 ? named : named.slice(0, star)).toLowerCase()
    if (name !== charset) flush()
    charset = name
    const encoded = text.slice(textStart, close)
    pending.push(encoding === 0x62 ? Buffer.from(encoded, 'base64') : decodeQ(encoded))
    plainStart = close + 2
    at = text.indexOf('=?', plainStart)
  }
  flush()
  return out + decodePlain(text.slice(plainStart), likely)
}

function decodePlain(text: string, likely: string | undefined): string {
  return /[\x1b\x80-\xff]/.test(text) ? decodeUnlabelled(Buffer.from(text, 'latin1'), likely) : text
}

/** 0–15, or 255. */
const hexValues = new Uint8Array(256).fill(255)
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  hexValues[digit.charCodeAt(0)] = value
  hexValues[digit.toUpperCase().charCodeAt(0)] = value
}

/** The Q encoding. RFC 2047 §4.2. White space in it, where a word was folded, is no part of it. */
function decodeQ(encoded: string): Buffer {
  const out = Buffer.allocUnsafe(encoded.length)
  let length = 0
  for (let at = 0; at < encoded.length; at += 1) {
    const code = encoded.charCodeAt(at)
    if (code === 0x3d && at + 2 < encoded.length) {
      const high = hexValues[encoded.charCodeAt(at + 1) & 0xff]!
      const low = hexValues[encoded.charCodeAt(at + 2) & 0xff]!
      if ((high | low) < 16) {
        out[length++] = (high << 4) | low
        at += 2
        continue
      }
    } else if (code === 0x0a || (code === 0x0d && encoded.charCodeAt(at + 1) === 0x0a)) {
      if (code === 0x0d) at += 1
      while (encoded.charCodeAt(at + 1) === 0x20 || encoded.charCodeAt(at + 1) === 0x09) at += 1
      continue
    }
    out[length++] = code === 0x5f ? 0x20 : code
  }
  return out.subarray(0, length)
}
