/** ENVELOPE as FETCH sends it. RFC 9051 §7.5.2, RFC 3501 §7.4.2. Encoded words stay encoded. */
import { addressesMax, parseAddressList } from '../address-list.ts'
import type { AddressEntry, AddressMailbox } from '../address-list.ts'
import type { Header } from '../header.ts'
import { formatNstring, formatString } from './string.ts'

const noAddresses: AddressEntry[] = []

/** @returns IMAP text, one character per byte. A message without a header has an envelope of NILs. */
export function formatEnvelope(header: Header | undefined): string {
  if (header === undefined) return '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)'
  return formatEnvelopeFrom(header, addressesOf(header, 'from'))
}

/** The same for a caller that has read the From fields already. */
export function formatEnvelopeFrom(header: Header, authors: readonly AddressEntry[]): string {
  const from = formatAddresses(authors)
  const sender = formatAddresses(addressesOf(header, 'sender'))
  const replyTo = formatAddresses(addressesOf(header, 'reply-to'))
  const people = `${from} ${sender === 'NIL' ? from : sender} ${replyTo === 'NIL' ? from : replyTo}`
  const [to, cc, bcc] = ['to', 'cc', 'bcc'].map((name) => formatAddresses(addressesOf(header, name)))
  const readers = `${to} ${cc} ${bcc}`
  const first = `${formatNstring(header.valueOf('date'))} ${formatNstring(header.valueOf('subject'))}`
  const last = `${formatNstring(header.valueOf('in-reply-to'))} ${formatNstring(header.valueOf('message-id'))}`
  return `(${first} ${people} ${readers} ${last})`
}

/**
 * Several fields of one name count as one list: otherwise a sender could show a server's checks one From and a reader's
 * program another.
 */
export function addressesOf(header: Header, name: string): AddressEntry[] {
  let found: AddressEntry[] = noAddresses
  for (const field of header.fields) {
    if (field.name !== name) continue
    const read = parseAddressList(header.value(field))
    found = found.length === 0 ? read : found.concat(read)
    if (found.length > addressesMax) return found
  }
  return found
}

function formatAddresses(entries: readonly AddressEntry[]): string {
  if (entries.length === 0) return 'NIL'
  let out = '('
  for (const entry of entries) {
    if (entry.kind === 'mailbox') out += formatAddress(entry)
    else out += `(NIL NIL ${formatString(entry.name)} NIL)${entry.members.map(formatAddress).join('')}(NIL NIL NIL NIL)`
  }
  return `${out})`
}

/** A mailbox without a domain gets an empty one: NIL there would begin a group. */
function formatAddress({ name, route, localPart, domain }: AddressMailbox): string {
  return `(${formatNstring(name)} ${formatNstring(route)} ${formatString(localPart)} ${formatString(domain)})`
}
