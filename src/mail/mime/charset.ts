/** Decodes bytes of a named charset. RFC 2046 §4.1.2, IANA's names and those that mailers use. */
import { isAscii as isAsciiNatively } from 'node:buffer'
import { createRequire } from 'node:module'
import { TextDecoder } from 'node:util'
import { asciiNames, decoderOf, isListedTable, tableName, type DecoderName } from './charset-names.ts'
import { decodeDoubleByte, iconvNames, makeDoubleByteTable } from './double-byte.ts'
import type { DoubleByteName, DoubleByteTable } from './double-byte.ts'
import { decodeHz, decodeIso2022Jp, decodeIso2022Kr, type DecodeRun } from './shifted.ts'

/** The part of iconv-lite that we use. */
interface Iconv {
  encodingExists(name: string): boolean
  decode(bytes: Uint8Array, name: string): string
}
let iconv: Iconv | undefined
// Loaded for the first message that needs it: its tables cost 15 ms and 3 MiB.
const loadIconv = (): Iconv => (iconv ??= createRequire(import.meta.url)('iconv-lite') as Iconv)

/** Decoders are kept: making one costs more than decoding a short text. At most as many as the Encoding Standard has. */
const decoders = new Map<string, TextDecoder>()

const utf8Strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function isUtf8(bytes: Uint8Array): boolean {
  try {
    utf8Strict.decode(bytes)
    return true
  } catch {
    return false
  }
}

/**
 * Decodes bytes of unknown charset: ISO-2022-JP if they have its escapes, UTF-8 if they are valid, else the likely charset.
 * @param likely a charset; without a known one it is windows-1252, which never fails.
 */
export function decodeUnlabelled(bytes: Uint8Array, likely?: string): string {
  if (isAscii(bytes)) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    // No other charset has these escapes.
    return /\x1b\$[@B]/.test(text) ? decodeBy('iso-2022-jp', bytes) : text
  }
  try {
    return utf8Strict.decode(bytes)
  } catch {
    return (
      (likely === undefined ? undefined : decodeCharset(bytes, likely)) ?? decodeCharset(bytes, 'windows-1252') ?? ''
    )
  }
}

/** Decodes bytes; those that are invalid in the charset become U+FFFD. undefined: the charset is unknown. */
export function decodeCharset(bytes: Uint8Array, charset: string): string | undefined {
  const name = charset.trim().toLowerCase()
  if (asciiNames.has(name)) return decodeUnlabelled(bytes)
  const decoder = decoderOf(name)
  if (decoder !== undefined) return decodeBy(decoder, bytes)
  if (isListedTable(name) && isAscii(bytes)) return Buffer.from(bytes).toString('latin1')
  const known = tableName(name)
  // iconv-lite also accepts `base64`, `hex` and other names that are not charsets.
  if (!/^(?:iso|windows|win|cp|ibm|koi8|mac|x-mac|utf-?(?:7|32)|tcvn|viscii|armscii|rk1048|ptcp|hp-roman)/.test(known))
    return decodeStandard(bytes, name)
  return loadIconv().encodingExists(known) ? loadIconv().decode(bytes, known) : decodeStandard(bytes, name)
}

function decodeBy(decoder: DecoderName, bytes: Uint8Array): string {
  switch (decoder) {
    case 'utf-8':
      return decodeUtf8(bytes)
    case 'utf-16':
      return platformDecoder(bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-16le').decode(bytes)
    case 'iso-2022-jp':
      return decodeIso2022Jp(bytes, decodeRun)
    case 'iso-2022-kr':
      return decodeIso2022Kr(bytes, decodeRun)
    case 'hz':
      return decodeHz(bytes, decodeRun)
    case 'big5':
    case 'euc-jp':
    case 'euc-kr':
    case 'shift_jis':
      return decodePairs(decoder, bytes)
    default:
      return platformDecoder(decoder).decode(bytes)
  }
}

const decodeRun: DecodeRun = (bytes, charset) => decodeBy(charset, bytes)

const tables = new Map<DoubleByteName, DoubleByteTable>()

/** In a browser, without iconv-lite, its own decoder of the Encoding Standard is used. */
function decodePairs(name: DoubleByteName, bytes: Uint8Array): string {
  if (isAscii(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  let table = tables.get(name)
  if (table === undefined) {
    const from = iconvNames[name]
    if (!loadIconv().encodingExists(from)) return platformDecoder(name).decode(bytes)
    table = makeDoubleByteTable(name, (pairs) => loadIconv().decode(pairs, from))
    tables.set(name, table)
  }
  return decodeDoubleByte(bytes, table)
}

/** The meaning of labels of the Encoding Standard. Only existing labels are kept. */
const standardNames = new Map<string, string>()

/** Decodes by a label of the Encoding Standard. */
function decodeStandard(bytes: Uint8Array, label: string): string | undefined {
  let standard = standardNames.get(label)
  if (standard === undefined) {
    try {
      standard = new TextDecoder(label).encoding
    } catch {
      return undefined
    }
    standardNames.set(label, standard)
  }
  if (standard === label) return platformDecoder(standard).decode(bytes)
  return decodeCharset(bytes, standard)
}

/** Like TextDecoder, without the byte order mark, but several times as fast. */
function decodeUtf8(bytes: Uint8Array): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const marked = view.length >= 3 && view[0] === 0xef && view[1] === 0xbb && view[2] === 0xbf
  return view.toString('utf8', marked ? 3 : 0)
}

/** Whether all bytes are below 0x80. */
export function isAscii(bytes: Uint8Array): boolean {
  // For short ones the call into native code would cost more.
  if (bytes.length > 64) return isAsciiNatively(bytes)
  for (let at = 0; at < bytes.length; at += 1) if (bytes[at]! > 0x7f) return false
  return true
}

function platformDecoder(name: string): TextDecoder {
  let decoder = decoders.get(name)
  if (decoder === undefined) {
    decoder = new TextDecoder(name)
    decoders.set(name, decoder)
  }
  return decoder
}
