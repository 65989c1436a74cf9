/** Parameters of Content-Type and Content-Disposition. RFC 2045 §5.1, RFC 2183 §2, RFC 2231 §3–§4. */
import { lowerAscii } from '../header.ts'
import { decodeCharset, decodeUnlabelled } from './charset.ts'
import { decodeEncodedWords } from './encoded-word.ts'

/**
 * One parameter, its continuations (`name*0`, `name*1` …) joined. Text is header text: one character per byte.
 *
 * An `extended` value is still in its RFC 2231 spelling, `charset'language'percent-encoded`; ENVELOPE and BODYSTRUCTURE
 * pass it on like that under `name*`, as clients expect it.
 */
export interface Parameter {
  /** Lower case, without asterisks. */
  readonly name: string
  readonly value: string
  readonly extended: boolean
}

/** Parameters and continuations kept of one field: real ones have under 50; a hostile header could hold 100,000. */
const segmentsMax = 1_000

interface Segment {
  readonly value: string
  readonly extended: boolean
}

/** The value of a parameter as header text; a plain one before an extended one of the same name. */
export function parameterValue(parameters: readonly Parameter[], name: string): string | undefined {
  return (parameters.find((one) => one.name === name && !one.extended) ?? parameters.find((one) => one.name === name))
    ?.value
}

/**
 * The value of a parameter as text: charsets and percent signs decoded, and encoded words too, which many mailers write
 * here although RFC 2047 §5 forbids it. The extended form wins over the plain one, which is its fallback.
 */
export function parameterText(parameters: readonly Parameter[], name: string): string | undefined {
  const extended = parameters.find((one) => one.name === name && one.extended)
  if (extended !== undefined) return decodeExtended(extended.value)
  const plain = parameters.find((one) => one.name === name)
  return plain === undefined ? undefined : decodeEncodedWords(plain.value)
}

function decodeExtended(value: string): string {
  const first = value.indexOf("'")
  const second = first < 0 ? -1 : value.indexOf("'", first + 1)
  const bytes = Buffer.from(percentDecode(second < 0 ? value : value.slice(second + 1)), 'latin1')
  const charset = second < 0 ? '' : value.slice(0, first)
  const text = (charset === '' ? undefined : decodeCharset(bytes, charset)) ?? decodeUnlabelled(bytes)
  // `name*="=?UTF-8?Q?…?="`: the asterisk of the one specification, the value of the other.
  return charset === '' && text.startsWith('=?') ? decodeEncodedWords(bytes.toString('latin1')) : text
}

function percentDecode(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** What RFC 2231 lets stand without percent sign: attribute-char. */
function percentEncode(text: string): string {
  return text.replace(
    /[^\w!#$&+\-.^`{|}~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

const space = 0x20
const semicolon = 0x3b
const equals = 0x3d
const quote = 0x22
const open = 0x28
const backslash = 0x5c

/** Reads the parameters that begin at `start` (behind the type) of an unfolded value. Never throws. */
export function parseParameters(text: string, start: number): Parameter[] {
  const found: Parameter[] = []
  let continued: Map<string, Map<number, Segment>> | undefined
  let pos = start
  let segments = 0
  while (pos < text.length && segments < segmentsMax) {
    pos = skipSpace(text, pos, true)
    const nameStart = pos
    while (pos < text.length && isNameCode(text.charCodeAt(pos))) pos += 1
    const name = lowerAscii(text.slice(nameStart, pos))
    pos = skipSpace(text, pos, false)
    if (text.charCodeAt(pos) !== equals) {
      // A word without a value: to the next semicolon, or past a character that is nothing here.
      if (pos === nameStart) pos += 1
      continue
    }
    const read = readValue(text, skipSpace(text, pos + 1, false))
    pos = read.end
    segments += 1
    if (name === '' || name.startsWith('*') || (read.value === '' && !read.quoted)) continue
    const star = name.indexOf('*')
    if (star < 0) {
      found.push({ name, value: read.value, extended: false })
      continue
    }
    const base = name.slice(0, star)
    const rest = name.slice(star + 1)
    const extended = rest === '' || rest.endsWith('*')
    const digits = rest.endsWith('*') ? rest.slice(0, -1) : rest
    if (rest === '') {
      found.push({ name: base, value: read.value, extended: true })
    } else if (/^\d{1,4}$/.test(digits)) {
      continued ??= new Map()
      let parts = continued.get(base)
      if (parts === undefined) {
        parts = new Map()
        continued.set(base, parts)
      }
      if (!parts.has(Number(digits))) parts.set(Number(digits), { value: read.value, extended })
    }
  }
  if (continued !== undefined) for (const [name, parts] of continued) joinSegments(found, name, parts)
  return found
}

/** Puts `name*0`, `name*1` … together, in their order and up to the first gap. RFC 2231 §3. Some mailers count from 1. */
function joinSegments(found: Parameter[], name: string, parts: Map<number, Segment>): void {
  const list: Segment[] = []
  for (let at = parts.has(0) ? 0 : 1; parts.has(at); at += 1) list.push(parts.get(at)!)
  if (list.length === 0) return
  const extended = list.some((segment) => segment.extended)
  let value = ''
  for (const segment of list) value += extended && !segment.extended ? percentEncode(segment.value) : segment.value
  // The charset stands in the first segment; where a later one alone is extended, it is unnamed.
  if (extended && !list[0]!.extended) value = `''${value}`
  found.push({ name, value, extended })
}

/**
 * A quoted string, or a bare value up to white space or semicolon. Words that follow a bare value and are not another
 * `name=` belong to it: `filename=My report.pdf` is what many mailers wrote.
 */
function readValue(text: string, start: number): { value: string; end: number; quoted: boolean } {
  if (text.charCodeAt(start) === quote) return readQuoted(text, start)
  let value = ''
  let pos = start
  for (;;) {
    const wordStart = pos
    while (pos < text.length && text.charCodeAt(pos) > space && text.charCodeAt(pos) !== semicolon) pos += 1
    value += text.slice(wordStart, pos)
    const next = skipSpace(text, pos, false)
    if (next >= text.length || text.charCodeAt(next) === semicolon) return { value, end: next, quoted: false }
    let nameEnd = next
    while (nameEnd < text.length && isNameCode(text.charCodeAt(nameEnd))) nameEnd += 1
    // Not past comments: each of a row of open ones would be followed to the end.
    let equalsAt = nameEnd
    while (equalsAt < text.length && text.charCodeAt(equalsAt) <= space) equalsAt += 1
    const startsNext = nameEnd > next && text.charCodeAt(equalsAt) === equals
    if (startsNext || text.charCodeAt(next) === quote || value === '') return { value, end: next, quoted: false }
    value += ' '
    pos = next
  }
}

function readQuoted(text: string, start: number): { value: string; end: number; quoted: boolean } {
  let pos = start + 1
  let escaped = false
  while (pos < text.length) {
    const code = text.charCodeAt(pos)
    if (code === quote) break
    if (code === backslash) {
      escaped = true
      pos += 1
    }
    pos += 1
  }
  const inside = text.slice(start + 1, Math.min(pos, text.length))
  return {
    value: escaped ? inside.replace(/\\([^])/g, '$1') : inside,
    end: Math.min(pos + 1, text.length),
    quoted: true,
  }
}

/** The end of a token, read kindly: up to white space, slash, semicolon, comma, bracket or quote. */
export function wordEnd(text: string, start: number): number {
  let pos = start
  while (pos < text.length) {
    const code = text.charCodeAt(pos)
    // space and below, " ( ) , / ;
    if (code <= 0x20 || code === 0x22 || code === 0x28 || code === 0x29 || code === 0x2c || code === 0x2f) break
    if (code === 0x3b) break
    pos += 1
  }
  return pos
}

/** Past white space, comments and (where asked) semicolons. An unclosed comment reaches to the end. */
export function skipSpace(text: string, start: number, semicolons: boolean): number {
  let pos = start
  while (pos < text.length) {
    const code = text.charCodeAt(pos)
    if (code <= space || (semicolons && code === semicolon)) pos += 1
    else if (code === open) pos = commentEnd(text, pos)
    else break
  }
  return pos
}

function commentEnd(text: string, start: number): number {
  let depth = 0
  let pos = start
  while (pos < text.length) {
    const char = text[pos]
    if (char === '\\') pos += 1
    else if (char === '(') depth += 1
    else if (char === ')' && (depth -= 1) === 0) return pos + 1
    pos += 1
  }
  return text.length
}

function isNameCode(code: number): boolean {
  return code > space && code !== equals && code !== semicolon && code !== quote && code !== open && code !== 0x7f
}
