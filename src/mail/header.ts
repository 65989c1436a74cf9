/**
 * Header fields as ranges of the message's bytes, read leniently. RFC 5322 §2.2.
 *
 * Header text is a string with one character per byte (latin1): it loses nothing, and the engine searches it natively.
 * Charsets come later (`mime/encoded-word.ts`). All offsets are those of the message.
 */

/** One field. Its raw bytes are [start, end), line end included; its value is [valueStart, end) and may hold folds. */
export interface HeaderField {
  /** Lower case. */
  readonly name: string
  readonly start: number
  readonly valueStart: number
  readonly end: number
}

/** Fields kept of one header. Real ones have under 200; each costs an object, and look-ups are linear. */
export const fieldsMax = 5_000

/** A line that goes on so far without a colon is no field. */
const nameMax = 1_000

const lf = 0x0a
const colon = 0x3a

export class Header {
  readonly fields: readonly HeaderField[]
  /** Some line was not a field: no colon, a space in its name, or a continuation line without a field. */
  readonly oddLines: boolean
  /** There were more than `fieldsMax`. */
  readonly truncated: boolean
  readonly #text: string
  readonly #start: number

  /** @param text header text, as far as the blank line or further. @param start where it begins in the message. */
  constructor(text: string, start = 0) {
    this.#text = text
    this.#start = start
    const fields: HeaderField[] = []
    let odd = false
    let truncated = false
    let pos = 0
    while (pos < text.length) {
      const first = text.charCodeAt(pos)
      if (first === lf || (first === 0x0d && text.charCodeAt(pos + 1) === lf)) break
      const end = fieldEnd(text, pos)
      const nameEnd = first === 0x20 || first === 0x09 ? -1 : fieldNameEnd(text, pos, end)
      if (nameEnd < 0) odd = true
      else if (fields.length === fieldsMax) truncated = true
      else {
        const name = text.slice(pos, nameEnd).toLowerCase()
        const valueStart = text.indexOf(':', nameEnd) + 1
        fields.push({ name, start: start + pos, valueStart: start + valueStart, end: start + end })
      }
      pos = end
    }
    this.fields = fields
    this.oddLines = odd
    this.truncated = truncated
  }

  /** The header text that was parsed. */
  get text(): string {
    return this.#text
  }

  /** The header has no encoded words, no escapes of a charset and no 8-bit bytes: its values are plain text. */
  get isPlain(): boolean {
    return !this.#text.includes('=?') && !/[\x1b\x80-\xff]/.test(this.#text)
  }

  get isEightBit(): boolean {
    return /[\x80-\xff]/.test(this.#text)
  }

  /** The first field of that (lower-case) name. */
  get(name: string): HeaderField | undefined {
    for (const field of this.fields) if (field.name === name) return field
    return undefined
  }

  all(name: string): HeaderField[] {
    return this.fields.filter((field) => field.name === name)
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** The value of a field, unfolded and trimmed. */
  value(field: HeaderField): string {
    const text = this.#text
    let start = field.valueStart - this.#start
    let end = field.end - this.#start
    while (start < end && isSpace(text.charCodeAt(start))) start += 1
    while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1
    return unfold(text.slice(start, end))
  }

  /** The value of the first field of that name, unfolded and trimmed; undefined if there is none. */
  valueOf(name: string): string | undefined {
    const field = this.get(name)
    return field === undefined ? undefined : this.value(field)
  }

  /** The raw field, line end included. */
  raw(field: HeaderField): string {
    return this.#text.slice(field.start - this.#start, field.end - this.#start)
  }
}

/** Reads the header at the beginning of these bytes. */
export function parseHeader(bytes: Uint8Array, start = 0, end = bytes.length): Header {
  return new Header(latin1(bytes, start, headerEnd(bytes, start, end)), start)
}

/** Where the header ends, its blank line included; `end` if there is no blank line. */
export function headerEnd(bytes: Uint8Array, start: number, end: number): number {
  let pos = start
  while (pos < end) {
    if (bytes[pos] === lf) return pos + 1
    if (bytes[pos] === 0x0d && bytes[pos + 1] === lf && pos + 1 < end) return pos + 2
    const next = bytes.indexOf(lf, pos)
    if (next < 0 || next >= end) return end
    pos = next + 1
  }
  return end
}

/**
 * Where in a header that no blank line ends the body begins: at the first line that is no field, as other programs have it; -1 where there
 * is none. The first line of an mbox is passed over, and a last line that may be cut.
 */
export function bodyIn(text: string): number {
  let pos = /^>?From [^\n]*\n/.exec(text)?.[0].length ?? 0
  // Long enough to be no name of a field.
  const cut = text.length - text.lastIndexOf('\n') > nameMax ? text.length : text.lastIndexOf('\n') + 1
  while (pos < cut) {
    const end = fieldEnd(text, pos)
    const first = text.charCodeAt(pos)
    if (first === 0x20 || first === 0x09 || fieldNameEnd(text, pos, end) < 0) return pos
    pos = end
  }
  return -1
}

/** Whether there are lines, and none of them is a field. */
export function isNoHeader(text: string): boolean {
  let pos = 0
  while (pos < text.length) {
    const end = fieldEnd(text, pos)
    const first = text.charCodeAt(pos)
    if (first !== 0x20 && first !== 0x09 && fieldNameEnd(text, pos, end) >= 0) return false
    pos = end
  }
  return pos > 0
}

/** Takes the line ends out of a folded value; the white space that follows them stays. RFC 5322 §2.2.3. */
export function unfold(value: string): string {
  return value.includes('\n') || value.includes('\r') ? value.replace(/\r?\n|\r/g, '') : value
}

/** ASCII letters to lower case; characters that stand for 8-bit bytes are not changed. */
export function lowerAscii(text: string): string {
  return /[\x80-\xff]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text.toLowerCase()
}

/** Bytes as header text: a character per byte. */
export function latin1(bytes: Uint8Array, start = 0, end = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, end)
}

/** White space and line ends; an ESC begins a character of ISO-2022-JP. RFC 5322 §3.2.2. */
function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === lf || code === 0x0d
}

/** The end of a field and its continuation lines. */
export function fieldEnd(text: string, start: number): number {
  let at = start
  for (;;) {
    const end = text.indexOf('\n', at)
    if (end < 0) return text.length
    at = end + 1
    const next = text.charCodeAt(at)
    if (next !== 0x20 && next !== 0x09) return at
  }
}

/** Where the name ends; white space before the colon is let pass (RFC 5322 §4.5). -1 when the line is no field. */
export function fieldNameEnd(text: string, start: number, end: number): number {
  let at = start
  let code = text.charCodeAt(at)
  while (at < end && code > 0x20 && code < 0x7f && code !== colon) code = text.charCodeAt((at += 1))
  const nameEnd = at
  while (at < end && (code === 0x20 || code === 0x09)) code = text.charCodeAt((at += 1))
  return nameEnd > start && at < end && code === colon ? nameEnd : -1
}
