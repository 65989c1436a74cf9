/** Fields of the machine-readable parts of reports: groups of header fields, their values as text. RFC 3464 §2.1.1, §2.1.2; RFC 6533 §3. */
import { dropComments, formatDate, parseDate } from '../date.ts'
import { ComposeFault, tame } from '../compose/fields.ts'
import { formatField } from '../header-format.ts'
import { Header, latin1 } from '../header.ts'
import { decodeUnlabelled } from '../mime/charset.ts'

/** A field: its name as written, its value unfolded. */
export interface ReportField {
  readonly name: string
  readonly value: string
}

/**
 * `rfc822; user@example.org`, `dns; mx.example.org`, `smtp; 550 no such user`: a type, and a value that it explains. RFC 3464 §2.1.2.
 * Of an address, angle brackets are gone and the escapes of type `utf-8` are undone.
 */
export interface TypedValue {
  /** Lower case; '' if the report gives none. */
  readonly type: string
  readonly value: string
}

/** A time, with the zone that it was written in. */
export interface ReportDate {
  readonly epochMs: number
  /** East of Greenwich. */
  readonly offsetMinutes: number
}

/** Bytes read of one machine-readable part: 10,000 recipients with 400 bytes each. What lies beyond has no effect. */
export const reportBytesMax = 4_194_304
/** Groups (recipients) read of one part. RFC 5321 §4.5.3.1.8 speaks of 100; lists reach some thousands. */
export const reportGroupsMax = 10_000

/** The groups of fields that blank lines separate; empty ones are left out. A line of white space alone is blank too. */
export function parseGroups(bytes: Uint8Array): ReportField[][] {
  const text = latin1(bytes, 0, Math.min(bytes.length, reportBytesMax))
  const groups: ReportField[][] = []
  let start = 0
  let at = 0
  const take = (end: number): void => {
    const fields = fieldsOf(text.slice(start, end))
    if (fields.length > 0) groups.push(fields)
  }
  while (at < text.length && groups.length < reportGroupsMax) {
    const lineEnd = text.indexOf('\n', at)
    const next = lineEnd < 0 ? text.length : lineEnd + 1
    if (isBlank(text, at, next)) {
      take(at)
      start = next
    }
    at = next
  }
  if (groups.length < reportGroupsMax) take(text.length)
  return groups
}

function isBlank(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (text.charCodeAt(at) > 0x20) return false
  return true
}

function fieldsOf(text: string): ReportField[] {
  const header = new Header(text)
  return header.fields.map((field) => {
    const raw = header.raw(field)
    return { name: raw.slice(0, raw.indexOf(':')).trimEnd(), value: readable(header.value(field)) }
  })
}

/** A character per byte to text: UTF-8, as RFC 6533 has it, or what old systems write instead. */
function readable(value: string): string {
  return /[\x80-\xff]/.test(value) ? decodeUnlabelled(Buffer.from(value, 'latin1')) : value
}

/** A value without its comments. RFC 3464 §2.1.1. */
export function bare(value: string): string {
  return (value.includes('(') ? dropComments(value) : value).trim()
}

/** Splits at the first semicolon where an atom stands before it. */
export function parseTyped(value: string): TypedValue {
  const semicolon = value.indexOf(';')
  const type = semicolon < 0 ? '' : bare(value.slice(0, semicolon)).toLowerCase()
  if (!/^[\w!#$%&'*+\-/=?^`{|}~.]+$/.test(type)) return { type: '', value: value.trim() }
  return { type, value: value.slice(semicolon + 1).trim() }
}

/** An address: what `parseTyped` gives, brackets dropped and RFC 6533 §3 escapes undone. One without a type is an rfc822 one. */
export function parseTypedAddress(value: string): TypedValue {
  const typed = parseTyped(value)
  const inside = /^<([^<>]*)>/.exec(typed.value)?.[1]?.trim() ?? typed.value
  const type = typed.type === '' && inside.includes('@') ? 'rfc822' : typed.type
  return { type, value: type === 'utf-8' ? decodeUnitext(inside) : inside }
}

/** `\x{E9}` to its character. RFC 6533 §3 EmbeddedUnicodeChar. */
function decodeUnitext(text: string): string {
  return text.replace(/\\x\{([0-9A-Fa-f]{2,6})\}/g, (whole, hex: string) => {
    const code = Number.parseInt(hex, 16)
    return code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? whole : String.fromCodePoint(code)
  })
}

export function parseReportDate(value: string): ReportDate | undefined {
  const date = parseDate(value)
  return date === undefined ? undefined : { epochMs: date.epochMs, offsetMinutes: date.offsetMinutes }
}

/** A set of fields being written. Values are tamed: none leaves its line. Fields without a value are not written. */
export class FieldWriter {
  text = ''

  add(name: string, value: string | number | undefined): void {
    if (value === undefined) return
    if (!/^[!-9;-~]+$/.test(name)) throw new ComposeFault(`"${tame(name)}" is no field name`)
    this.text += formatField(name, tame(String(value)).trim())
  }

  typed(name: string, value: TypedValue | undefined): void {
    if (value === undefined) return
    if (!/^[\w!#$%&'*+\-/=?^`{|}~.]+$/.test(value.type))
      throw new ComposeFault(`${name} needs a type, such as rfc822 or dns`)
    this.add(name, `${value.type}; ${value.value}`)
  }

  /** @param utf8 whether characters beyond ASCII may stand as they are; else they are escaped. RFC 6533 §3. */
  address(name: string, value: TypedValue | undefined, utf8: boolean): void {
    if (value === undefined) return
    const type = /[^\x00-\x7f]/.test(value.value) ? 'utf-8' : value.type
    // utf-8-addr-xtext escapes; a backslash is escaped in both forms, or it could be taken for an escape.
    const special = utf8 ? /[\\]/gu : /[^\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]/gu
    const text = type === 'utf-8' ? value.value.replace(special, escape) : value.value
    this.typed(name, { type, value: text })
  }

  date(name: string, value: ReportDate | undefined): void {
    if (value !== undefined) this.add(name, formatDate(value.epochMs, value.offsetMinutes))
  }

  all(fields: readonly ReportField[] | undefined): void {
    for (const { name, value } of fields ?? []) this.add(name, value)
  }
}

function escape(character: string): string {
  return `\\x{${character.codePointAt(0)!.toString(16).toUpperCase().padStart(2, '0')}}`
}
