/** Internationalized messages for clients that only support ASCII headers. RFC 6858. */
import { isUtf8 } from 'node:buffer'
import { formatMailbox } from './address.ts'
import { mailboxesOf, parseAddressList, type AddressEntry, type AddressMailbox } from './address-list.ts'
import { formatField } from './header-format.ts'
import { parseHeader, type Header, type HeaderField } from './header.ts'
import { isAscii } from './mime/charset.ts'
import { encodePhrase, encodeText } from './mime/encode-word.ts'
import { decodeEncodedWords } from './mime/encoded-word.ts'
import { parseParameters } from './mime/parameters.ts'

/** RFC 6858 §2.1. */
const addressFields = new Set([
  'bcc',
  'cc',
  'from',
  'reply-to',
  'resent-bcc',
  'resent-cc',
  'resent-from',
  'resent-sender',
  'resent-to',
  'return-path',
  'sender',
  'to',
])
/** RFC 6858 §2.3, and the other fields of plain text, which are treated the same. */
const textFields = new Set(['subject', 'comments', 'content-description'])

/**
 * The header as ASCII, with its blank line; undefined if it stays as it is: because it is ASCII, or 8-bit text other than UTF-8,
 * which comes from an old mailer and not from an internationalized message.
 *
 * UTF-8 addresses become invalid ones that show the original; text is encoded; parameters and fields that cannot be converted are
 * left out. RFC 6858 §2.
 *
 * Not yet: RFC 6858 §2.2 for the headers of body parts, which pass as they are.
 */
export function surrogateHeader(header: Uint8Array): Uint8Array | undefined {
  if (isAscii(header) || !isUtf8(header)) return undefined
  const parsed = parseHeader(header)
  const out: (string | Uint8Array)[] = []
  let end = 0
  for (const field of parsed.fields) {
    // Text between two fields is not a field; it is kept if it is ASCII.
    if (field.start > end && isAscii(header.subarray(end, field.start))) out.push(header.subarray(end, field.start))
    const raw = header.subarray(field.start, field.end)
    if (isAscii(raw)) out.push(raw)
    else out.push(conventional(parsed, field))
    end = field.end
  }
  if (isAscii(header.subarray(end))) out.push(header.subarray(end))
  else out.push('\r\n')
  return Buffer.concat(out.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))
}

function conventional(header: Header, field: HeaderField): string {
  const raw = header.raw(field)
  const name = raw.slice(0, raw.indexOf(':')).trimEnd()
  const value = header.value(field)
  if (textFields.has(field.name)) return formatField(name, encodeText(decodeEncodedWords(value), name.length + 2))
  if (addressFields.has(field.name)) return formatField(name, parseAddressList(value).map(address).join(', '))
  if (field.name === 'content-type' || field.name === 'content-disposition') {
    return formatField(name, withoutParameters(value))
  }
  return ''
}

function address(entry: AddressEntry): string {
  if (entry.kind === 'mailbox') return mailbox(entry)
  return `${encodePhrase(decodeEncodedWords(entry.name)) || '""'}: ${mailboxesOf([entry]).map(mailbox).join(', ')};`
}

/** RFC 6858 §2.1: an invalid address, with a display name that shows the original. */
function mailbox({ name, localPart, domain }: AddressMailbox): string {
  const display = name === undefined ? '' : decodeEncodedWords(name)
  const text = (part: string): string => decodeEncodedWords(part)
  const spelled = formatMailbox({ localPart: text(localPart), domain: text(domain) })
  if (/^[\x21-\x7e]*$/.test(spelled)) return display === '' ? spelled : `${encodePhrase(display)} <${spelled}>`
  const told = display === '' ? spelled : `${display} (${spelled})`
  return `${encodePhrase(told)} <invalid@internationalized-address.invalid>`
}

/** RFC 6858 §2.2: a parameter that is not ASCII is left out. */
function withoutParameters(value: string): string {
  const semicolon = value.indexOf(';')
  const first = (semicolon < 0 ? value : value.slice(0, semicolon)).trim()
  const kept = semicolon < 0 ? [] : parseParameters(value, semicolon)
  return [
    first.replace(/[^\x20-\x7e]/g, ''),
    ...kept
      .filter(({ value: one, name }) => /^[\x20-\x7e]*$/.test(name + one))
      .map((one) => `${one.name}${one.extended ? '*' : ''}=${one.extended ? one.value : quoted(one.value)}`),
  ].join('; ')
}

function quoted(value: string): string {
  return /^[\w.+-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`
}
