/** Mailbox names on the wire: modified UTF-7; inside: NFC UTF-8 text. RFC 3501 §5.1.3, RFC 9051 §5.1. */

/** A name of ours is a column of the store and a line of LIST: so many UTF-8 bytes are more than any person types. */
export const mailboxNameBytesMax = 1000
/** Deeper trees are of no use and make LIST slow. */
export const mailboxLevelsMax = 64

/** @returns undefined when the name is not modified UTF-7: 8-bit bytes, an open shift, or ASCII that hides in base64. */
export function decodeModifiedUtf7(name: string): string | undefined {
  if (!name.includes('&')) return /^[\x20-\x7e]*$/.test(name) ? name : undefined
  let text = ''
  let at = 0
  for (;;) {
    const shift = name.indexOf('&', at)
    const plain = shift < 0 ? name.slice(at) : name.slice(at, shift)
    if (!/^[\x20-\x7e]*$/.test(plain)) return undefined
    text += plain
    if (shift < 0) return text
    const close = name.indexOf('-', shift)
    if (close < 0) return undefined
    if (close === shift + 1) text += '&'
    else {
      const part = decodeShifted(name.slice(shift + 1, close))
      if (part === undefined) return undefined
      text += part
    }
    at = close + 1
  }
}

function decodeShifted(base64: string): string | undefined {
  if (!/^[A-Za-z0-9+,]+$/.test(base64)) return undefined
  const bytes = Buffer.from(base64.replaceAll(',', '/'), 'base64')
  if (bytes.length % 2 !== 0 || bytes.length === 0) return undefined
  const text = bytes.swap16().toString('utf16le')
  // Two spellings of one name would be two mailboxes to a client: ASCII must not be hidden, nor halves of a surrogate pair.
  if (/[\x20-\x7e]/.test(text) || /\p{Surrogate}/u.test(text)) return undefined
  return encodeShifted(text) === base64 ? text : undefined
}

function encodeShifted(text: string): string {
  return Buffer.from(text, 'utf16le').swap16().toString('base64').replace(/=+$/, '').replaceAll('/', ',')
}

export function encodeModifiedUtf7(text: string): string {
  if (/^[\x20-\x25\x27-\x7e]*$/.test(text)) return text
  return text.replace(/&|[^\x20-\x7e]+/g, (part) => (part === '&' ? '&-' : `&${encodeShifted(part)}-`))
}

/** Why no mailbox may have this name, or undefined. Control characters would break the lines of programs that list mailboxes. */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'A mailbox needs a name'
  if (Buffer.byteLength(name) > mailboxNameBytesMax) return 'Mailbox name is too long'
  if (/[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(name)) return 'Mailbox name holds a control character'
  if (name.startsWith('/') || name.endsWith('/') || name.includes('//')) return 'Mailbox name has an empty level'
  if (name.split('/').length > mailboxLevelsMax) return 'Mailbox name has too many levels'
  return undefined
}
