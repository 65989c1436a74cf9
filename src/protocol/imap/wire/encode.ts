/** Words of responses. Text here has one byte a character (latin1): UTF-8 is encoded before it comes. RFC 3501 §9. */
import { encodeModifiedUtf7 } from './mailbox-name.ts'

/** Characters that a quoted string carries: all of ASCII but CR, LF and NUL, with `"` and `\` escaped. */
const quotable = /^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/

/** Longer strings go as literals: no client's line buffer is at risk. */
const quotedMax = 1000

/** A quoted string, or a literal where quotes cannot carry it. */
export function encodeString(text: string): string {
  if (text.length <= quotedMax && quotable.test(text)) return `"${text.replace(/["\\]/g, '\\$&')}"`
  return `{${text.length}}\r\n${text}`
}

export function encodeNstring(text: string | null | undefined): string {
  return text === null || text === undefined ? 'NIL' : encodeString(text)
}

/** A mailbox name: an atom where it is one, else a string; `utf8` after IMAP4rev2 or UTF8=ACCEPT was enabled. */
export function encodeMailbox(name: string, utf8 = false): string {
  const wire = utf8 ? Buffer.from(name).toString('latin1') : encodeModifiedUtf7(name)
  if (/^[A-Za-z0-9&+,\-./:;<=>@^_`|~!#$']+$/.test(wire) && !/^NIL$/i.test(wire)) return wire
  return utf8 && /^[^\0\r\n"\\]{0,1000}$/.test(wire) ? `"${wire}"` : encodeString(wire)
}

/** Text for humans behind a status: only what a line may hold. */
export function encodeText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}
