/** IMAP strings of header text (one character per byte). RFC 9051 §4.3, RFC 3501 §4.3. */

/** CHAR of the grammar without the line ends: what a quoted string may hold in IMAP4rev1 and rev2 alike. */
const quotable = /^[\x01-\x09\x0b\x0c\x0e-\x7f]*$/

/** And without what is escaped in it: nearly everything. */
const plain = /^[\x01-\x09\x0b\x0c\x0e-!#-[\]-\x7f]*$/

/**
 * A string in its shortest form: quoted, or a literal where it holds 8-bit bytes or line ends. RFC 9051 would let UTF-8
 * into quoted strings, but what is stored here is sent to IMAP4rev1 clients too.
 */
export function formatString(text: string): string {
  if (plain.test(text)) return `"${text}"`
  if (quotable.test(text)) return `"${text.replace(/["\\]/g, '\\$&')}"`
  // Not even a literal may hold NUL (RFC 9051 §9 CHAR8). 0x80 in its place is what the UW server began with.
  return `{${text.length}}\r\n${text.replaceAll('\0', '\x80')}`
}

export function formatNstring(text: string | undefined): string {
  return text === undefined ? 'NIL' : formatString(text)
}
