/** Completes a local user's message before it is submitted: CRLF, a complete header, addresses with domains. RFC 6409 §8, sendmail(8). */
import { formatMailbox, parseMailbox } from '../../mail/address.ts'
import {
  formatAddressList,
  mailboxesOf,
  parseAddressList,
  type AddressEntry,
  type AddressMailbox,
} from '../../mail/address-list.ts'
import { formatField } from '../../mail/header-format.ts'
import { headerMends } from '../../mail/header-mends.ts'
import { headerEnd, parseHeader, type Header, type HeaderField } from '../../mail/header.ts'
import { encodePhrase } from '../../mail/mime/encode-word.ts'
import { NewlineMender } from '../../protocol/text/newlines.ts'

export interface LocalMessage {
  readonly bytes: Uint8Array
  /** In the form of envelopes. */
  readonly recipients: readonly string[]
}

export interface LocalWishes {
  /** The sender as `user@domain`. */
  readonly sender: string
  readonly fullName: string | undefined
  /** The domain for addresses without one. */
  readonly origin: string
  readonly ignoreDots: boolean
  readonly fromHeader: boolean
  readonly recipients: readonly string[]
}

/** An invalid address; the caller exits with EX_DATAERR or EX_USAGE. */
export class NoAddress extends Error {}

const recipientFields = ['to', 'cc', 'bcc']
const addressFields = new Set(['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'])

export function localMessage(input: Uint8Array, wishes: LocalWishes): LocalMessage {
  const text = mended(wishes.ignoreDots ? input : beforeDot(input))
  const bytes = withHeader(text)
  const end = headerEnd(bytes, 0, bytes.length)
  const header = parseHeader(bytes, 0, end)
  const resent = header.fields.some(({ name }) => name.startsWith('resent-') && recipientFields.includes(name.slice(7)))
  const prefix = resent ? 'resent-' : ''
  const recipients = wishes.recipients.map((given) => complete(given, wishes.origin))
  if (wishes.fromHeader) {
    for (const name of recipientFields)
      for (const field of header.all(prefix + name)) recipients.push(...addressesOf(header, field, wishes.origin))
  }
  const parts: Uint8Array[] = []
  if (!header.has('from')) parts.push(Buffer.from(formatField('From', fromValue(wishes))))
  if (!recipientFields.some((name) => header.has(name)))
    parts.push(Buffer.from(formatField('To', 'undisclosed-recipients:;')))
  for (const field of header.fields) {
    // Blind copies are blind: RFC 5322 §3.6.3. Without -t the field stays here: the server takes it out of submissions.
    if (wishes.fromHeader && field.name === `${prefix}bcc`) continue
    parts.push(fieldBytes(bytes, header, field, wishes.origin))
  }
  parts.push(bytes.subarray(blankLineStart(bytes, end)))
  return { bytes: Buffer.concat(parts), recipients: [...new Set(recipients)] }
}

function mended(input: Uint8Array): Uint8Array {
  const mender = new NewlineMender(false)
  const text = Buffer.concat([mender.push(input), mender.end()])
  return text.length === 0 || text[text.length - 1] === 10 ? text : Buffer.concat([text, Buffer.from('\r\n')])
}

/** Without -i a line with a dot alone ends the message, as it did on terminals. */
function beforeDot(input: Uint8Array): Uint8Array {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length)
  for (let at = 0; at >= 0 && at < bytes.length;) {
    if (
      bytes[at] === 0x2e &&
      (at + 1 === bytes.length || bytes[at + 1] === 10 || (bytes[at + 1] === 13 && bytes[at + 2] === 10))
    )
      return bytes.subarray(0, at)
    const lf = bytes.indexOf(10, at)
    at = lf < 0 ? -1 : lf + 1
  }
  return input
}

/** Adds a missing blank line, as the server does at receipt: here the header must be a real one. */
function withHeader(bytes: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = []
  let from = 0
  for (const { start, text } of headerMends(parseHeader(bytes))) {
    pieces.push(bytes.subarray(from, start), Buffer.from(text))
    from = start
  }
  return pieces.length === 0 ? bytes : Buffer.concat([...pieces, bytes.subarray(from)])
}

/** Where the blank line after the header begins. */
function blankLineStart(bytes: Uint8Array, end: number): number {
  return end >= 2 && bytes[end - 2] === 13 && bytes[end - 1] === 10 && (end === 2 || bytes[end - 3] === 10)
    ? end - 2
    : end
}

function addressesOf(header: Header, field: HeaderField, origin: string): string[] {
  return mailboxesOf(parseAddressList(header.value(field))).map(({ localPart, domain }) => {
    const utf8 = (part: string): string => Buffer.from(part, 'latin1').toString('utf8')
    return complete(
      domain === '' ? utf8(localPart) : formatMailbox({ localPart: utf8(localPart), domain: utf8(domain) }),
      origin,
    )
  })
}

/** The address in SMTP's form, with a domain. */
export function complete(given: string, origin: string): string {
  const text = given.replace(/^<(.*)>$/, '$1')
  const mailbox = parseMailbox(text) ?? parseMailbox(`${text}@${origin}`)
  if (!mailbox) throw new NoAddress(`"${given}" is no address`)
  return formatMailbox(mailbox)
}

function fieldBytes(bytes: Uint8Array, header: Header, field: HeaderField, origin: string): Uint8Array {
  const raw = bytes.subarray(field.start, field.end)
  const ends = raw[raw.length - 1] === 10 ? raw : Buffer.concat([raw, Buffer.from('\r\n')])
  if (!addressFields.has(field.name)) return ends
  const entries = parseAddressList(header.value(field))
  // Only `root`: replies from elsewhere need the full address.
  if (!mailboxesOf(entries).some(({ localPart, domain }) => domain === '' && localPart !== '')) return ends
  const text = header.raw(field)
  const name = text.slice(0, text.indexOf(':')).trimEnd()
  return Buffer.from(formatField(name, formatAddressList(entries.map((entry) => completed(entry, origin)))), 'latin1')
}

function completed(entry: AddressEntry, origin: string): AddressEntry {
  const whole = (one: AddressMailbox): AddressMailbox => (one.domain === '' ? { ...one, domain: origin } : one)
  return entry.kind === 'group' ? { ...entry, members: entry.members.map(whole) } : whole(entry)
}

function fromValue({ sender, fullName, origin }: LocalWishes): string {
  const address = sender === '' ? `MAILER-DAEMON@${origin}` : sender
  return fullName === undefined || fullName === '' ? address : `${encodePhrase(fullName, 6)} <${address}>`
}
