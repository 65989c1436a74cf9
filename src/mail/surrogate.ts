/** A message that is written in UTF-8 for a client that knows only ASCII headers. RFC 6858. */
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
/** RFC 6858 §2.3, and the other fields of plain text, for which the same can be done. */
const textFields = new Set(['subject', 'comments', 'content-description'])

/**
 * The header, its blank line included, as ASCII; undefined where it is to stay as it is: ASCII already, or 8-bit text that
 * is no UTF-8, which is no internationalized message but an old mailer's.
 *
 * Addresses that only UTF-8 can spell become invalid ones that show what they were; text is encoded; parameters and
 * fields that cannot be said are left out. RFC 6858 §2.
 *
 * Not yet: RFC 6858 §2.2 for the headers of body parts, which pass as they are.
 */
export function surrogateHeader(header: Uint8Array): Uint8Array | undefined {
  if (isAscii(header) || !isUtf8(header)) return undefined
  const parsed = parseHeader(header)
  const out: (string | Uint8Array)[] = []
  let end = 0
  for (const field of parsed.fields) {
    // What stands between two fields is no field; it goes on as it is when it can.
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

/** RFC 6858 §2.1: nobody's address, and a name that tells whose it was. */
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
