/** The grammar of FETCH's items. RFC 3501 §6.4.5, §9 `fetch-att`. */
import type { Section, SectionText } from '../../../mail/imap/section.ts'
import { fetchItemsMax, headerFieldsMax } from '../limits.ts'
import { encodeString } from '../wire/encode.ts'
import type { Line } from '../wire/line.ts'

export interface SectionItem {
  readonly kind: 'section'
  readonly section: Section
  readonly partial?: { readonly first: number; readonly count: number }
  /** BODY without PEEK, RFC822 and RFC822.TEXT. */
  readonly marksSeen: boolean
  /** How the response names it. */
  readonly label: string
}

/** A part with its transfer encoding undone, or only its size. RFC 9051 §6.4.5, RFC 3516. */
export interface BinaryItem {
  readonly kind: 'binary' | 'binarySize'
  readonly section: Section
  readonly partial?: { readonly first: number; readonly count: number }
  readonly marksSeen: boolean
  readonly label: string
}

export type FetchItem =
  | { readonly kind: 'flags' | 'uid' | 'envelope' | 'body' | 'bodyStructure' | 'internalDate' | 'size' | 'modSeq' }
  | SectionItem
  | BinaryItem

const flags: FetchItem = { kind: 'flags' }
const internalDate: FetchItem = { kind: 'internalDate' }
const size: FetchItem = { kind: 'size' }
const envelope: FetchItem = { kind: 'envelope' }
const body: FetchItem = { kind: 'body' }

const simple: Readonly<Record<string, FetchItem>> = {
  FLAGS: flags,
  UID: { kind: 'uid' },
  ENVELOPE: envelope,
  MODSEQ: { kind: 'modSeq' },
  INTERNALDATE: internalDate,
  'RFC822.SIZE': size,
  BODYSTRUCTURE: { kind: 'bodyStructure' },
  RFC822: whole('RFC822', undefined, true),
  'RFC822.HEADER': whole('RFC822.HEADER', 'header', false),
  'RFC822.TEXT': whole('RFC822.TEXT', 'text', true),
}

const macros: Readonly<Record<string, readonly FetchItem[]>> = {
  ALL: [flags, internalDate, size, envelope],
  FAST: [flags, internalDate, size],
  FULL: [flags, internalDate, size, envelope, body],
}

function whole(label: string, kind: 'header' | 'text' | undefined, marksSeen: boolean): SectionItem {
  return { kind: 'section', section: { part: [], text: kind && { kind } }, marksSeen, label }
}

/** Deeper than any message's tree that we keep. */
const partNumbersMax = 200

/** A macro, one item, or a list of items. */
export function fetchItems(line: Line): FetchItem[] {
  if (line.atList) return line.list(() => fetchItem(line), fetchItemsMax, 'fetch-att')
  const at = line.at
  const macro = macros[line.itemName()]
  if (macro) return [...macro]
  line.at = at
  return [fetchItem(line)]
}

function fetchItem(line: Line): FetchItem {
  const at = line.at
  const name = line.itemName()
  if (name === 'BODY' || name === 'BODY.PEEK') {
    if (line.tries('[')) return sectionItem(line, name === 'BODY')
    if (name === 'BODY') return body
  }
  if (name === 'BINARY' || name === 'BINARY.PEEK' || name === 'BINARY.SIZE') return binaryItem(line, name)
  const item = simple[name]
  if (item) return item
  line.at = at
  throw line.fault('an item to fetch', 'fetch-att')
}

function sectionItem(line: Line, marksSeen: boolean): SectionItem {
  const part: number[] = []
  let text: SectionText | undefined
  let label = ''
  if (!line.tries(']')) {
    let more = true
    while (more && line.peek() >= 0x31 && line.peek() <= 0x39) {
      if (part.length >= partNumbersMax) throw line.fault('fewer part numbers', 'section-part')
      part.push(line.nzNumber())
      more = line.tries('.')
    }
    label = part.join('.')
    if (more) {
      const name = line.itemName()
      text = sectionText(line, name, part.length > 0)
      label += `${part.length > 0 ? '.' : ''}${name}`
      if ('names' in text) label += ` (${text.names.map(encodeFieldName).join(' ')})`
    }
    line.takes(']', 'section')
  }
  label = `BODY[${label}]`
  const partial = partialOf(line)
  if (partial) label += `<${partial.first}>`
  return { kind: 'section', section: { part, text }, partial, marksSeen, label }
}

function binaryItem(line: Line, name: 'BINARY' | 'BINARY.PEEK' | 'BINARY.SIZE'): BinaryItem {
  line.takes('[', 'section-binary')
  const part: number[] = []
  if (!line.tries(']')) {
    do {
      if (part.length >= partNumbersMax) throw line.fault('fewer part numbers', 'section-part')
      part.push(line.nzNumber())
    } while (line.tries('.'))
    line.takes(']', 'section-binary')
  }
  const section = { part }
  if (name === 'BINARY.SIZE')
    return { kind: 'binarySize', section, marksSeen: false, label: `BINARY.SIZE[${part.join('.')}]` }
  const partial = partialOf(line)
  const label = `BINARY[${part.join('.')}]${partial ? `<${partial.first}>` : ''}`
  return { kind: 'binary', section, partial, marksSeen: name === 'BINARY', label }
}

function sectionText(line: Line, name: string, inPart: boolean): SectionText {
  switch (name) {
    case 'HEADER':
      return { kind: 'header' }
    case 'HEADER.FIELDS':
      return { kind: 'fields', names: headerList(line) }
    case 'HEADER.FIELDS.NOT':
      return { kind: 'fieldsNot', names: headerList(line) }
    case 'TEXT':
      return { kind: 'text' }
    case 'MIME':
      if (inPart) return { kind: 'mime' }
  }
  throw line.fault('a section', 'section-text')
}

function headerList(line: Line): string[] {
  line.space()
  return line.list(() => line.astring(), headerFieldsMax, 'header-list')
}

function partialOf(line: Line): { first: number; count: number } | undefined {
  if (!line.tries('<')) return undefined
  const first = line.number64()
  line.takes('.', 'partial')
  const at = line.at
  const count = line.number64()
  if (count === 0) {
    line.at = at
    throw line.fault('a number above zero', 'partial')
  }
  line.takes('>', 'partial')
  return { first, count }
}

function encodeFieldName(name: string): string {
  return /^[!#-'+-[^-z|}~]+$/.test(name) ? name : encodeString(Buffer.from(name).toString('latin1'))
}
