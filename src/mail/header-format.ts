/** Formats header fields, folded: Received, Return-Path, Message-ID and any other. RFC 5322 §2.2.3, RFC 5321 §4.4. */
import { formatMailbox } from './address.ts'
import { formatDate } from './date.ts'
import type { Mailbox, ReversePath } from './envelope.ts'

/** RFC 5322 §2.1.1: lines should stay within 78 characters. */
const lineLengthWished = 78

/**
 * `Name: value`, folded at spaces, with CRLF at the end.
 *
 * A line end or NUL in name or value is our bug and throws: otherwise text from a peer could add fields or a body.
 */
export function formatField(name: string, value: string): string {
  if (!/^[!-9;-~]+$/.test(name)) throw new TypeError(`not a field name: ${JSON.stringify(name)}`)
  if (/[\r\n\0]/.test(value)) throw new TypeError(`line end in the value of ${name}`)
  if (name.length + 2 + value.length <= lineLengthWished) return `${name}: ${value}\r\n`
  let line = `${name}:`
  let out = ''
  for (const word of value.split(' ')) {
    // A line of spaces alone would end the header for some readers.
    const isFull =
      word !== '' && line.length + 1 + word.length > lineLengthWished && line.trim() !== '' && !line.endsWith(':')
    if (isFull) {
      out += `${line}\r\n`
      // The space stays after the fold, so that unfolding gives the same value. RFC 5322 §2.2.3.
      line = ` ${word}`
    } else line += ` ${word}`
  }
  return `${out}${line}\r\n`
}

export interface ReceivedFacts {
  /** The argument of EHLO or HELO; only its harmless characters are written. */
  readonly helo: string
  readonly clientAddress: string
  /** The client's name, if reverse and forward DNS agree. */
  readonly clientName?: string
  readonly by: string
  /** 'ESMTPSA' and so on. RFC 3848, RFC 6531 §4.3. */
  readonly protocol: string
  readonly id: string
  /** Only for a single recipient: with several, it would disclose blind copies. RFC 5321 §7.2. */
  readonly recipient?: Mailbox
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384`. RFC 8314 §4.3 asks for the cipher. */
  readonly tls?: string
  readonly atMs: number
  readonly offsetMinutes?: number
}

/** The trace field that every hop adds at the top. RFC 5321 §4.4. */
export function formatReceived(facts: ReceivedFacts): string {
  const literal = facts.clientAddress.includes(':') ? `[IPv6:${facts.clientAddress}]` : `[${facts.clientAddress}]`
  const name = facts.clientName === undefined ? literal : `${harmless(facts.clientName)} ${literal}`
  const words = [`from ${harmless(facts.helo)} (${name}) by ${harmless(facts.by)} with ${facts.protocol}`]
  if (facts.tls !== undefined) words.push(`tls ${harmless(facts.tls.replaceAll(' ', '/'))}`)
  words.push(`id ${harmless(facts.id)}`)
  if (facts.recipient !== undefined) words.push(`for <${formatMailbox(facts.recipient)}>`)
  return formatField('Received', `${words.join(' ')}; ${formatDate(facts.atMs, facts.offsetMinutes)}`)
}

/** The field that final delivery adds. RFC 5321 §4.4. */
export function formatReturnPath(path: ReversePath): string {
  return formatField('Return-Path', path === null ? '<>' : `<${formatMailbox(path)}>`)
}

/** A Message-ID field. @param unique globally unique text, made by the caller from ids and random numbers. */
export function formatMessageId(unique: string, domain: string): string {
  if (!/^[\w.+=-]+$/.test(unique)) throw new TypeError(`not an id: ${JSON.stringify(unique)}`)
  return formatField('Message-ID', `<${unique}@${domain}>`)
}

/** Text from a peer, made safe inside a field: brackets, quotes, spaces and control characters become question marks. */
function harmless(text: string): string {
  return text === '' ? 'unknown' : text.replace(/[^\w.:[\]/+=@\u0080-\uffff-]/g, '?').slice(0, 255)
}
