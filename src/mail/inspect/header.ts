/** What is odd about a header. RFC 5322 §3.3–§3.6, RFC 2047, RFC 6532. */
import { isUtf8 } from 'node:buffer'
import { addressesMax, mailboxesOf, parseAddressList } from '../address-list.ts'
import { dropComments, parseDate } from '../date.ts'
import { latin1, parseHeader } from '../header.ts'
import type { Header, HeaderField } from '../header.ts'
import type { Part } from '../mime/part.ts'
import { structureLimits } from '../mime/structure.ts'
import type { DefectList, DefectName } from './defects.ts'
import { inspectWords } from './encoded-words.ts'

/** RFC 5322 §3.6's table, and what RFC 2045 §3 adds. */
const single = new Set(
  (
    'date from sender reply-to to cc bcc message-id in-reply-to references subject ' +
    'mime-version content-type content-transfer-encoding content-id content-description content-disposition'
  ).split(' '),
)
const addresses = new Set([
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'resent-from',
  'resent-sender',
  'resent-to',
])
/** Fields that hold parameters, where encoded words are not allowed. */
const parametric = new Set(['content-type', 'content-disposition'])

const atext = "[\\w!#$%&'*+\\-/=?^`{|}~\\x80-\\xff]+"
const messageId = new RegExp(
  `^<(?:${atext}(?:\\.${atext})*|"(?:[^"\\\\\\r\\n]|\\\\[^])*")@(?:${atext}(?:\\.${atext})*|\\[[!-Z^-~]*\\])>$`,
)
const dayNames = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const strictDate =
  /^(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\s*,\s*)?\d{1,2}\s+(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+\d{4}\s+([01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60))?\s+[+-]\d\d[0-5]\d$/i

/** The header of a part, as far as it is read. */
export function headerOf(bytes: Uint8Array, part: Part): Header {
  const end = Math.min(part.bodyStart, part.headerStart + structureLimits.headerBytesMax)
  return parseHeader(bytes, part.headerStart, end)
}

/** @param isMessage whether it is the header of a message, rather than of a part. */
export function inspectHeader(
  bytes: Uint8Array,
  part: Part,
  header: Header,
  isMessage: boolean,
  list: DefectList,
): void {
  const seen = new Set<string>()
  let covered = part.headerStart
  for (const field of header.fields) {
    // What lies between fields are lines that are none.
    if (field.start > covered) list.add('headerLine', covered, field.start, part)
    covered = field.end
    if (seen.has(field.name) && single.has(field.name) && (isMessage || field.name.startsWith('content-')))
      list.add('fieldDuplicate', field.start, field.end, part)
    seen.add(field.name)
    inspectField(header, field, part, list)
  }
  // A header beyond the limits was not read to its end.
  const isRead = !header.truncated && part.bodyStart - part.headerStart <= structureLimits.headerBytesMax
  const rest = isRead ? endOfOddLines(bytes, covered, part.bodyStart) : covered
  if (rest > covered) list.add('headerLine', covered, rest, part)
  inspectEightBit(bytes, part, header, list)
}

/** Behind the last field: what stands before the blank line is no field either. */
function endOfOddLines(bytes: Uint8Array, start: number, end: number): number {
  let last = end
  if (last > start && bytes[last - 1] === 0x0a) last -= 1
  if (last > start && bytes[last - 1] === 0x0d) last -= 1
  return last
}

function valueRange(header: Header, field: HeaderField): [start: number, end: number] {
  const raw = header.raw(field)
  const offset = field.valueStart - field.start
  const end = offset + raw.slice(offset).trimEnd().length
  const start = Math.min(end, offset + raw.slice(offset).length - raw.slice(offset).trimStart().length)
  return [field.start + start, field.start + Math.max(start, end)]
}

function inspectField(header: Header, field: HeaderField, part: Part, list: DefectList): void {
  const wrong = (name: DefectName): void => list.add(name, ...valueRange(header, field), part)
  const { name } = field
  if (name === 'date' || name === 'resent-date') {
    if (!isStrictDate(header.value(field))) wrong('dateSyntax')
  } else if (name === 'message-id' || name === 'resent-message-id') {
    if (!messageId.test(without(header.value(field)))) wrong('messageIdSyntax')
  } else if (name === 'references' || name === 'in-reply-to') {
    const ids = without(header.value(field)).match(/<[^<>]*>|[^\s<>]+|[<>]/g) ?? ['']
    if (!ids.every((id) => messageId.test(id))) wrong('messageIdSyntax')
  } else if (addresses.has(name)) {
    const entries = parseAddressList(header.value(field))
    // Only Bcc may be empty. RFC 5322 §3.6.3.
    const isEmpty = entries.length === 0 && name !== 'bcc'
    if (isEmpty || mailboxesOf(entries).some(({ domain, localPart }) => domain === '' || localPart === ''))
      wrong('addressSyntax')
    if (entries.length >= addressesMax) wrong('addressLimit')
  }
  const raw = header.raw(field)
  if (raw.includes('=?')) inspectWords(raw, field.start, part, list, parametric.has(name))
}

function without(value: string): string {
  return (value.includes('(') ? dropComments(value) : value).trim()
}

function isStrictDate(value: string): boolean {
  const found = strictDate.exec(without(value).slice(0, 200))
  const date = found === null ? undefined : parseDate(value)
  if (found === null || date === undefined) return false
  // The first of January 1970 was a Thursday.
  return found[1] === undefined || dayNames[(((date.day + 4) % 7) + 7) % 7] === capital(found[1])
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1).toLowerCase()
}

/** Once for each field that has such bytes. */
function inspectEightBit(bytes: Uint8Array, part: Part, header: Header, list: DefectList): void {
  if (!/[\x80-\xff]/.test(latin1(bytes, part.headerStart, Math.min(part.bodyStart, bytes.length)))) return
  for (const field of header.fields) {
    const raw = header.raw(field)
    const first = raw.search(/[\x80-\xff]/)
    if (first < 0) continue
    let last = raw.length
    while (raw.charCodeAt(last - 1) < 0x80) last -= 1
    const name = isUtf8(bytes.subarray(field.start, field.end)) ? 'headerUtf8' : 'headerEightBit'
    list.add(name, field.start + first, field.start + last, part)
  }
}
