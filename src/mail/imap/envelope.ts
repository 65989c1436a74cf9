/** ENVELOPE as FETCH sends it. RFC 9051 §7.5.2, RFC 3501 §7.4.2. Encoded words stay encoded. */
import { parseAddressList } from '../address-list.ts'
import type { AddressMailbox } from '../address-list.ts'
import type { Header } from '../header.ts'
import { formatNstring, formatString } from './string.ts'

/** @returns IMAP text, one character per byte. A message without a header has an envelope of NILs. */
export function formatEnvelope(header: Header | undefined): string {
  if (header === undefined) return '(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)'
  const from = formatAddresses(header, 'from')
  const sender = formatAddresses(header, 'sender')
  const replyTo = formatAddresses(header, 'reply-to')
  const people = `${from} ${sender === 'NIL' ? from : sender} ${replyTo === 'NIL' ? from : replyTo}`
  const readers = `${formatAddresses(header, 'to')} ${formatAddresses(header, 'cc')} ${formatAddresses(header, 'bcc')}`
  const first = `${formatNstring(header.valueOf('date'))} ${formatNstring(header.valueOf('subject'))}`
  const last = `${formatNstring(header.valueOf('in-reply-to'))} ${formatNstring(header.valueOf('message-id'))}`
  return `(${first} ${people} ${readers} ${last})`
}

/**
 * Several fields of one name count as one list: otherwise a sender could show a server's checks one From and a reader's
 * program another.
 */
function formatAddresses(header: Header, name: string): string {
  let out = ''
  for (const field of header.fields) {
    if (field.name !== name) continue
    for (const entry of parseAddressList(header.value(field))) {
      if (entry.kind === 'mailbox') out += formatAddress(entry)
      else
        out += `(NIL NIL ${formatString(entry.name)} NIL)${entry.members.map(formatAddress).join('')}(NIL NIL NIL NIL)`
    }
  }
  return out === '' ? 'NIL' : `(${out})`
}

/** A mailbox without a domain gets an empty one: NIL there would begin a group. */
function formatAddress({ name, route, localPart, domain }: AddressMailbox): string {
  return `(${formatNstring(name)} ${formatNstring(route)} ${formatString(localPart)} ${formatString(domain)})`
}
