/** Bytes of a named charset to text. RFC 2046 §4.1.2, IANA's names and what mailers call them. */
import { isAscii as isAsciiNatively } from 'node:buffer'
import { createRequire } from 'node:module'
import { TextDecoder } from 'node:util'

/** The part of iconv-lite that we use. */
interface Iconv {
  encodingExists(name: string): boolean
  decode(bytes: Uint8Array, name: string): string
}
let iconv: Iconv | undefined
// Loaded with the first message that needs it: its tables cost 15 ms and 3 MiB.
const loadIconv = (): Iconv => (iconv ??= createRequire(import.meta.url)('iconv-lite') as Iconv)

/**
 * What the platform decodes well. Single-byte charsets are left to iconv-lite: TextDecoder of Node 20 takes
 * windows-1252 for ISO 8859-1, and windows-874 for something else again.
 */
const native: Readonly<Record<string, string>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'unicode-1-1-utf-8': 'utf-8',
  'utf-16': 'utf-16le',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
  gb2312: 'gb18030',
  'gb_2312-80': 'gb18030',
  gbk: 'gb18030',
  cp936: 'gb18030',
  gb18030: 'gb18030',
  'euc-cn': 'gb18030',
  'hz-gb-2312': '',
  big5: 'big5',
  'big5-hkscs': 'big5',
  cp950: 'big5',
  'euc-jp': 'euc-jp',
  'iso-2022-jp': 'iso-2022-jp',
  'iso-2022-jp-1': 'iso-2022-jp',
  'iso-2022-jp-ms': 'iso-2022-jp',
  shift_jis: 'shift_jis',
  'shift-jis': 'shift_jis',
  sjis: 'shift_jis',
  'x-sjis': 'shift_jis',
  cp932: 'shift_jis',
  'windows-31j': 'shift_jis',
  'euc-kr': 'euc-kr',
  'ks_c_5601-1987': 'euc-kr',
  ksc5601: 'euc-kr',
  cp949: 'euc-kr',
}

/** Names that iconv-lite does not know, or that mail uses for a superset of what they say (as browsers do). */
const singleByte: Readonly<Record<string, string>> = {
  'iso-8859-1': 'windows-1252',
  'iso8859-1': 'windows-1252',
  latin1: 'windows-1252',
  'iso-8859-9': 'windows-1254',
  'tis-620': 'windows-874',
  'iso-8859-11': 'windows-874',
  'iso-8859-8-i': 'iso-8859-8',
  'iso-8859-8-e': 'iso-8859-8',
  'iso-8859-6-i': 'iso-8859-6',
  'iso-8859-6-e': 'iso-8859-6',
  'x-mac-roman': 'macroman',
}

/** Decoders are kept: making one costs more than a short word. There are at most as many as `native` has values. */
const decoders = new Map<string, TextDecoder>()

const utf8Strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes of unknown charset: UTF-8 where they can be, else windows-1252, which never fails. */
export function decodeUnlabelled(bytes: Uint8Array): string {
  if (isAscii(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  try {
    return utf8Strict.decode(bytes)
  } catch {
    return decodeCharset(bytes, 'windows-1252') ?? ''
  }
}

/** Names of ASCII: bytes beyond it come from a mailer that did not look, and are UTF-8 as likely as not. RFC 2046 §4.1.2. */
const asciiNames = new Set(['us-ascii', 'ascii', 'ansi_x3.4-1968', 'iso646-us', 'csascii'])

/** Decodes; bytes that mean nothing in the charset become U+FFFD. undefined when nobody knows the charset. */
export function decodeCharset(bytes: Uint8Array, charset: string): string | undefined {
  const name = charset.trim().toLowerCase()
  if (asciiNames.has(name)) return decodeUnlabelled(bytes)
  const platform = Object.hasOwn(native, name) ? native[name] : undefined
  if (platform === 'utf-8') return decodeUtf8(bytes)
  if (platform !== undefined && platform !== '') return platformDecoder(platform).decode(bytes)
  if (isAscii(bytes) && Object.hasOwn(singleByte, name)) return Buffer.from(bytes).toString('latin1')
  const known = Object.hasOwn(singleByte, name) ? singleByte[name]! : name
  // iconv-lite also takes `base64`, `hex` and other names that are no charsets.
  if (!/^(?:iso|windows|win|cp|ibm|koi8|mac|x-mac|utf-?(?:7|32)|tcvn|viscii|armscii|rk1048|ptcp|hp-roman)/.test(known))
    return decodeStandard(bytes, name)
  return loadIconv().encodingExists(known) ? loadIconv().decode(bytes, known) : decodeStandard(bytes, name)
}

/** Labels of the Encoding Standard that are no names of ours: what each means. Only labels that exist are kept. */
const standardNames = new Map<string, string>()

/** By what browsers call it. */
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

/** As TextDecoder does it, without a byte order mark, and several times as fast. */
function decodeUtf8(bytes: Uint8Array): string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const marked = view.length >= 3 && view[0] === 0xef && view[1] === 0xbb && view[2] === 0xbf
  return view.toString('utf8', marked ? 3 : 0)
}

/** Whether all bytes are below 0x80. */
export function isAscii(bytes: Uint8Array): boolean {
  // A short one is done before the call into the platform would be.
  if (bytes.length > 64) return isAsciiNatively(bytes)
  for (let at = 0; at < bytes.length; at += 1) if (bytes[at]! > 0x7f) return false
  return true
}

function platformDecoder(name: string): TextDecoder {
  // Chromium's remembers across calls that an escape came last, and takes the first one of the next text for a fault.
  if (name === 'iso-2022-jp') return new TextDecoder(name)
  let decoder = decoders.get(name)
  if (decoder === undefined) {
    decoder = new TextDecoder(name)
    decoders.set(name, decoder)
  }
  return decoder
}
