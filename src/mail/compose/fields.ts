/** Header fields of a composed message: values of any script, folded and encoded, that cannot leave their field. RFC 5322 §3.6, RFC 2047, RFC 2231, RFC 6532. */
import { formatDomainText, formatMailbox, parseMailbox } from '../address.ts'
import type { Mailbox } from '../envelope.ts'
import { formatField } from '../header-format.ts'
import { encodePhrase, encodeText } from '../mime/encode-word.ts'

/** A mailbox or a group, for composing. */
export type AddressInput =
  | string
  | { readonly name?: string; readonly address: string }
  | { readonly group: string; readonly members: readonly AddressInput[] }

/** A draft that cannot be composed; the message names the value and the reason. */
export class ComposeFault extends Error {
  constructor(text: string) {
    super(text)
    this.name = 'ComposeFault'
  }
}

/** Whether header text may be UTF-8 as it is (SMTPUTF8), or has to be ASCII. */
export interface FieldStyle {
  readonly utf8: boolean
}

/** Line ends and other control characters become a space, so that a value cannot begin another field. */
export function tame(value: string): string {
  return value.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
}

/** Unstructured text. RFC 5322 §2.2.1. */
export function textField(name: string, value: string, style: FieldStyle): string {
  const text = tame(value)
  return formatField(name, style.utf8 ? text : encodeText(text, name.length + 2))
}

export function addressField(name: string, addresses: readonly AddressInput[], style: FieldStyle): string {
  // The comma belongs to the word before it, so that folding never puts it first.
  return formatField(name, addresses.map((one) => addressText(one, style)).join(', '))
}

function addressText(input: AddressInput, style: FieldStyle): string {
  if (typeof input === 'object' && 'group' in input) {
    return `${phrase(input.group, style)}: ${input.members.map((one) => addressText(one, style)).join(', ')};`
  }
  const { name, mailbox } = personOf(input)
  const domain = style.utf8 ? formatDomainText(mailbox.domain) : mailbox.domain
  const address = formatMailbox({ localPart: mailbox.localPart, domain })
  if (!style.utf8 && /[^\x00-\x7f]/.test(address))
    throw new ComposeFault(`${address} needs SMTPUTF8: compose with smtpUtf8, or use another address`)
  return name === undefined || name === '' ? address : `${phrase(name, style)} <${address}>`
}

function phrase(text: string, style: FieldStyle): string {
  const tamed = tame(text)
  if (!style.utf8 || /^[\x20-\x7e]*$/.test(tamed)) return encodePhrase(tamed)
  return `"${tamed.replace(/["\\]/g, '\\$&')}"`
}

/** `Name <address>` or an address alone; text of people, not of a header. */
function personOf(input: string | { readonly name?: string; readonly address: string }): {
  name?: string
  mailbox: Mailbox
} {
  const given = typeof input === 'string' ? splitPerson(input) : input
  const mailbox = parseMailbox(given.address.trim())
  if (!mailbox) throw new ComposeFault(`"${tame(given.address)}" is not a mail address: write it as user@example.org`)
  return { name: given.name, mailbox }
}

function splitPerson(text: string): { name?: string; address: string } {
  const open = text.lastIndexOf('<')
  if (open < 0 || !text.trimEnd().endsWith('>')) return { address: text }
  const name = text.slice(0, open).trim()
  const unquoted = /^"(.*)"$/s.exec(name)?.[1]?.replace(/\\(.)/gs, '$1') ?? name
  return { name: unquoted, address: text.trimEnd().slice(open + 1, -1) }
}

/** All mailboxes, those of groups too: the recipients of an envelope. */
export function mailboxesOfInput(addresses: readonly AddressInput[]): Mailbox[] {
  return addresses.flatMap((one) =>
    typeof one === 'object' && 'group' in one ? mailboxesOfInput(one.members) : [personOf(one).mailbox],
  )
}

/** Message ids, with or without their brackets. RFC 5322 §3.6.4. */
export function idField(name: string, ids: readonly string[]): string {
  const all = ids.map((id) => {
    const inside = id.trim().replace(/^<(.*)>$/s, '$1')
    if (!/^[!-;=?-~]+$/.test(inside)) throw new ComposeFault(`"${tame(id)}" is no message id`)
    return `<${inside}>`
  })
  return formatField(name, all.join(' '))
}

/** RFC 2231 §3: pieces of a long value, each short enough for a line. */
const pieceLengthMax = 60

/** `; name=value` for Content-Type and Content-Disposition, whatever characters the value has. RFC 2045 §5.1, RFC 2231 §3, §4. */
export function parameter(name: string, value: string, style: FieldStyle): string {
  const text = tame(value)
  if (/^[\w!#$&+\-.^`{|}~]+$/.test(text) && text.length <= pieceLengthMax) return `; ${name}=${text}`
  if (/^[\x20-\x7e]*$/.test(text) && text.length <= pieceLengthMax) return `; ${name}=${quoted(text)}`
  if (style.utf8 && text.length <= pieceLengthMax) return `; ${name}=${quoted(text)}`
  const pieces: string[] = []
  let held = "utf-8''"
  for (const character of text) {
    const encoded = /^[\w!#$&+\-.^`{|}~]$/.test(character)
      ? character
      : [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
    if (held.length + encoded.length > pieceLengthMax) {
      pieces.push(held)
      held = ''
    }
    held += encoded
  }
  pieces.push(held)
  if (pieces.length === 1) return `; ${name}*=${pieces[0]}`
  return pieces.map((piece, at) => `; ${name}*${at}*=${piece}`).join('')
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
