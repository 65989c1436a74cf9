/** Formats address lists. RFC 5322 §3.4. */
import type { AddressEntry, AddressMailbox } from './address-entry.ts'

/**
 * A list as header text, to be folded at its spaces; `parseAddressList` reads it back as the same list. Encoded words and 8-bit bytes are
 * not changed; other names are quoted if necessary. RFC 5322 §3.4.
 */
export function formatAddressList(entries: readonly AddressEntry[]): string {
  return entries.map(formatAddressEntry).join(', ')
}

export function formatAddressEntry(entry: AddressEntry): string {
  if (entry.kind === 'mailbox') return formatAddressMailbox(entry)
  return `${formatName(entry.name)}: ${entry.members.map(formatAddressMailbox).join(', ')};`
}

function formatAddressMailbox({ name, route, localPart, domain }: AddressMailbox): string {
  const local = /^[^\s"(),:;<>@[\\\]]+$/.test(localPart) ? localPart : `"${localPart.replace(/["\\]/g, '\\$&')}"`
  const address = domain === '' ? local : `${local}@${domain}`
  if (name === undefined && route === undefined) return address
  return `${name === undefined ? '' : `${formatName(name)} `}<${route === undefined ? '' : `${route}:`}${address}>`
}

function formatName(name: string): string {
  if (/^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\xff]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~\x80-\xff]+)*$/.test(name))
    return name
  return `"${name.replace(/["\\]/g, '\\$&')}"`
}
