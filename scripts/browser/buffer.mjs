// What pennypost/mail uses of node:buffer, for browsers. Encodings: latin1, utf8, base64; another one is a fault of ours.
const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const utf8Strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Arguments of one call: engines take 65,536 and more. */
const charsAtOnce = 8_192

export class Buffer extends Uint8Array {
  static from(value, second, third) {
    if (typeof value === 'string') return view(encode(value, second ?? 'utf8'))
    if (value instanceof ArrayBuffer) return new Buffer(value, second, third)
    const out = new Buffer(value.length)
    out.set(value)
    return out
  }

  static alloc(length, fill = 0) {
    return new Buffer(length).fill(fill)
  }

  static allocUnsafe(length) {
    return new Buffer(length)
  }

  static concat(pieces, length = pieces.reduce((sum, piece) => sum + piece.length, 0)) {
    const out = new Buffer(length)
    let at = 0
    for (const piece of pieces) {
      out.set(piece, at)
      at += piece.length
    }
    return out
  }

  static isBuffer(value) {
    return value instanceof Buffer
  }

  static byteLength(text, encoding = 'utf8') {
    return encode(text, encoding).length
  }

  toString(encoding = 'utf8', start = 0, end = this.length) {
    const bytes = this.subarray(start, end)
    if (encoding === 'utf8') return utf8Decoder.decode(bytes)
    if (encoding === 'latin1') return latin1(bytes)
    if (encoding === 'base64') return btoa(latin1(bytes))
    throw new TypeError(`no such encoding here: ${encoding}`)
  }

  write(text, at = 0, encoding = 'utf8') {
    const bytes = encode(text, encoding).subarray(0, this.length - at)
    this.set(bytes, at)
    return bytes.length
  }

  equals(other) {
    return this.length === other.length && this.every((byte, at) => byte === other[at])
  }

  /** Of a byte, or of bytes in a row. */
  indexOf(wanted, from = 0) {
    if (typeof wanted === 'number') return super.indexOf(wanted, from)
    const bytes = typeof wanted === 'string' ? encode(wanted, 'utf8') : wanted
    if (bytes.length === 0) return from
    for (let at = super.indexOf(bytes[0], from); at >= 0; at = super.indexOf(bytes[0], at + 1)) {
      let matched = 1
      while (matched < bytes.length && this[at + matched] === bytes[matched]) matched += 1
      if (matched === bytes.length) return at
    }
    return -1
  }
}

function view(bytes) {
  return new Buffer(bytes.buffer, bytes.byteOffset, bytes.length)
}

function latin1(bytes) {
  let out = ''
  for (let at = 0; at < bytes.length; at += charsAtOnce)
    out += String.fromCharCode(...bytes.subarray(at, at + charsAtOnce))
  return out
}

function encode(text, encoding) {
  if (encoding === 'utf8') return utf8Encoder.encode(text)
  if (encoding === 'latin1') return Uint8Array.from(text, (char) => char.charCodeAt(0))
  if (encoding === 'base64') return decodeBase64(text)
  throw new TypeError(`no such encoding here: ${encoding}`)
}

/** As Node reads it: strange characters are passed over, the first padding ends it, URL-safe characters count. */
function decodeBase64(text) {
  const padding = text.indexOf('=')
  const clean = (padding < 0 ? text : text.slice(0, padding))
    .replace(/[^A-Za-z0-9+/_-]/g, '')
    .replaceAll('-', '+')
    .replaceAll('_', '/')
  // One character over has no byte.
  const whole = clean.length % 4 === 1 ? clean.slice(0, -1) : clean
  return encode(atob(whole), 'latin1')
}

export function isAscii(bytes) {
  return bytes.every((byte) => byte < 0x80)
}

export function isUtf8(bytes) {
  try {
    utf8Strict.decode(bytes)
    return true
  } catch {
    return false
  }
}
