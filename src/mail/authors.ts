/**
 * The authors of a message, for DMARC and other checks: by RFC 5322's grammar if the field is valid, and if not, by every way in which
 * programs are known to read such a field. RFC 5322 §3.6.2, §4.4; RFC 6532; RFC 7489 §6.6.1.
 */
import { mailboxesOf, parseAddressList, type AddressEntry, type AddressMailbox } from './address-list.ts'
import { parseDomain } from './address.ts'
import { isAddressListSyntax } from './address-syntax.ts'
import { dropComments } from './date.ts'
import type { Mailbox } from './envelope.ts'
import type { Header } from './header.ts'
import { decodeUnlabelled } from './mime/charset.ts'
import { decodeEncodedWords } from './mime/encoded-word.ts'

export interface Authors {
  /** Number of fields of that name. */
  readonly fields: number
  /** There is one field, valid by RFC 5322: all programs read the same mailboxes from it. */
  readonly certain: boolean
  /** An address has no domain: programs that add one would show an address that is not listed here. */
  readonly incomplete: boolean
  /** There are more possible addresses than are read. */
  readonly countless: boolean
  /**
   * Text, no bytes: UTF-8 decoded, domains as A-labels where they are any. Where it is not certain, all that any usual reading finds;
   * those without a domain are left out.
   */
  readonly mailboxes: readonly Mailbox[]
}

/** A mailbox of a header as text: header text has a character for each byte. A domain that is none stays as it is, in lower case. */
export function decodeAddressMailbox({ localPart, domain }: AddressMailbox): Mailbox {
  return { localPart: decodeHeaderText(localPart), domain: canonicalDomain(decodeHeaderText(domain)) }
}

function decodeHeaderText(text: string): string {
  return /[\x80-\xff]/.test(text) ? decodeUnlabelled(Buffer.from(text, 'latin1')) : text
}

function canonicalDomain(text: string): string {
  const bare = text.endsWith('.') ? text.slice(0, -1) : text
  return parseDomain(bare) ?? bare.toLowerCase()
}

/** @param name of the field, lower case: `from`, `sender`, `resent-from`. @param known its addresses, where they were read already. */
export function authorsOf(header: Header, name: string, known?: readonly AddressEntry[]): Authors {
  const values = header.fields.filter((field) => field.name === name).map((field) => header.value(field))
  const read = known ?? values.flatMap(parseAddressList)
  const certain = values.length === 1 && isAddressListSyntax(values[0]!)
  const mailboxes = mailboxesOf(read).map(decodeAddressMailbox)
  const incomplete = mailboxes.some(({ domain }) => domain === '')
  let countless = !certain && values.reduce((length, value) => length + value.length, 0) > readLengthMax
  if (!certain && !countless) {
    for (const text of values.flatMap((value) => [...readingsOf(value)])) {
      const found = aroundAts(text)
      mailboxes.push(...found)
      countless ||= found.length >= readingsMax
    }
  }
  const named = mailboxes.filter(({ domain }) => domain !== '')
  return { fields: values.length, certain, incomplete, countless, mailboxes: unique(named) }
}

function unique(mailboxes: readonly Mailbox[]): readonly Mailbox[] {
  if (mailboxes.length < 2) return mailboxes
  return [...new Map(mailboxes.map((one) => [`${one.localPart}@${one.domain}`, one])).values()]
}

/**
 * What stands around each `@`: as it came, with encoded words decoded, without comments, without quotes and backslashes, without brackets, without
 * control characters or white space. Programs do any of these, in any order, before they look for an address.
 */
function readingsOf(value: string): Set<string> {
  const plain = decodeHeaderText(value)
  const texts = new Set([plain, decodeEncodedWords(value)])
  for (const change of [dropComments, withoutQuotes, dropComments, withoutBrackets, withoutControls, withoutSpaces])
    for (const text of [...texts]) texts.add(change(text))
  return texts
}

const withoutQuotes = (text: string): string => text.replace(/["\\]/g, '')
const withoutBrackets = (text: string): string => text.replace(/[<>]/g, '')
const withoutSpaces = (text: string): string => text.replace(/\s+/g, '')
const withoutControls = (text: string): string => text.replace(/[\0-\x1f\x7f]/g, '')

/** Longer ones are no addresses: they bound what each `@` costs. */
const localPartMax = 320
const domainMax = 320
/** Looked at of one reading of one field: a From with more is none that a person wrote. */
const readingsMax = 200
/** The same: each reading of a longer one costs milliseconds. */
const readLengthMax = 65_536

const endsLocalPart = new Set(' \t\r\n<>()[],;:"@\\')

function aroundAts(text: string): Mailbox[] {
  const found: Mailbox[] = []
  for (let at = text.indexOf('@'); at >= 0 && found.length < readingsMax; at = text.indexOf('@', at + 1)) {
    const before = text.slice(Math.max(0, at - localPartMax), at).trimEnd()
    let start = before.length
    while (start > 0 && !endsLocalPart.has(before[start - 1]!)) start -= 1
    const localPart = before.slice(start)
    const behind = text.slice(at + 1, at + 1 + domainMax).trimStart()
    const [domain = ''] = /^(?:\[[^\]]*\]|[^\s<>()[\],;:"@\\]*(?:\s*\.\s*[^\s<>()[\],;:"@\\.]+)*)/.exec(behind) ?? []
    // Some programs end a domain where its letters end, others where white space or a special begins.
    const letters = /^[A-Za-z0-9.-]*[A-Za-z0-9]/.exec(behind)?.[0] ?? ''
    for (const one of new Set([canonicalDomain(domain.replace(/\s+/g, '')), canonicalDomain(letters)]))
      if (one !== '') found.push({ localPart, domain: one })
  }
  return found
}
