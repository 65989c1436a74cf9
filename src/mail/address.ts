/** SMTP mailboxes: `local-part@domain` or `local-part@[literal]`. RFC 5321 §4.1.2, §4.1.3; RFC 6531 §3.3. */
import { createRequire } from 'node:module'
import type { Mailbox } from './envelope.ts'

export type { Mailbox } from './envelope.ts'

// RFC 5321 §4.5.3.1.1 demands at least 64. Mailing lists use longer return addresses (VERP), and refusing those would lose
// mail: this limit only keeps rows small.
const localPartOctetsMax = 255
// RFC 5321 §4.5.3.1.2, RFC 1035 §2.3.4: 255 with the length octets, 253 as text.
const domainOctetsMax = 253
const labelOctetsMax = 63

const atomLocalPart = /^[\w!#$%&'*+\-/=?^`{|}~\u0080-\u{10ffff}]+(?:\.[\w!#$%&'*+\-/=?^`{|}~\u0080-\u{10ffff}]+)*$/u
const dotsAnywhere = /^[\w!#$%&'*+\-/=?^`{|}~.\u0080-\u{10ffff}]+$/u
// RFC 5321 §4.1.2 has no underscore, but the DNS allows it (RFC 2181 §11), and real mail domains have it.
const asciiDomain = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/
const notAscii = /[\u0080-\uffff]/
const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/
const utf8Strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The part of tr46 that we use. */
interface Tr46 {
  toASCII(domain: string, options: Record<string, boolean>): string | null
  toUnicode(domain: string, options: Record<string, boolean>): { domain: string; error: boolean }
}
let tr46: Tr46 | undefined
// Its table takes 10 ms to load, which a start without internationalized domains should not pay.
const loadTr46 = (): Tr46 => (tr46 ??= createRequire(import.meta.url)('tr46') as Tr46)
const idnaRules = { checkBidi: true, checkHyphens: false, checkJoiners: true, useSTD3ASCIIRules: true }

/**
 * Reads a mailbox without angle brackets by RFC 5321: no comments, no white space, no obsolete forms.
 * Departs: RFC 5321 §4.1.2, because people have addresses with dots at the ends of the local part or side by side, and domains with
 * underscores, and nothing else can be meant. `formatMailbox` quotes such a local part.
 * @returns undefined if it is not a mailbox. The local part is returned without quotes, its case unchanged.
 */
export function parseMailbox(input: string | Uint8Array): Mailbox | undefined {
  const text = typeof input === 'string' ? input : decodeUtf8(input)
  if (text === undefined) return undefined
  const split = text.startsWith('"') ? quotedEnd(text) : text.indexOf('@')
  if (split <= 0 || text[split] !== '@') return undefined
  const localPart = text.startsWith('"') ? unquote(text.slice(1, split - 1)) : text.slice(0, split)
  if (localPart === undefined || utf8Length(localPart) > localPartOctetsMax) return undefined
  if (!text.startsWith('"') && !dotsAnywhere.test(localPart)) return undefined
  const domain = parseDomain(text.slice(split + 1))
  return domain === undefined ? undefined : { localPart, domain }
}

/** A mailbox as text without angle brackets, the local part quoted if necessary. A UTF-8 local part stays UTF-8. */
export function formatMailbox(mailbox: Mailbox): string {
  return `${formatLocalPart(mailbox.localPart)}@${mailbox.domain}`
}

/** A local part, quoted when it is not a dot-string. RFC 5321 §4.1.2. */
export function formatLocalPart(localPart: string): string {
  return atomLocalPart.test(localPart) ? localPart : `"${localPart.replace(/["\\]/g, '\\$&')}"`
}

/**
 * A domain or address literal in the form that is compared and stored: lower case, A-labels, without a trailing dot.
 * @returns undefined if it is neither.
 */
export function parseDomain(text: string): string | undefined {
  if (text.startsWith('[')) return parseAddressLiteral(text)
  if (text.length > 4 * domainOctetsMax) return undefined
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  let domain = name.toLowerCase()
  if (notAscii.test(name)) {
    const ascii = loadTr46().toASCII(name, { ...idnaRules, verifyDNSLength: true, transitionalProcessing: false })
    if (ascii === null) return undefined
    domain = ascii
  }
  if (domain.length > domainOctetsMax || !asciiDomain.test(domain)) return undefined
  for (const label of domain.split('.')) if (label.length > labelOctetsMax) return undefined
  return domain
}

/** A domain for display: U-labels instead of valid A-labels. */
export function formatDomainText(domain: string): string {
  if (!domain.includes('xn--')) return domain
  const unicode = loadTr46().toUnicode(domain, idnaRules)
  return unicode.error ? domain : unicode.domain
}

/** Whether this mailbox can only be sent with SMTPUTF8. RFC 6531 §3.4. */
export function needsSmtpUtf8(mailbox: Mailbox): boolean {
  return notAscii.test(mailbox.localPart)
}

/** `[192.0.2.1]` or `[IPv6:2001:db8::1]`; no other tag is registered. RFC 5321 §4.1.3. */
function parseAddressLiteral(text: string): string | undefined {
  if (!text.endsWith(']')) return undefined
  const inside = text.slice(1, -1)
  if (ipv4.test(inside)) return text
  if (inside.slice(0, 5).toLowerCase() !== 'ipv6:') return undefined
  const address = inside.slice(5).toLowerCase()
  return isIpv6(address) ? `[IPv6:${address}]` : undefined
}

/** IPv6 text without a zone. RFC 4291 §2.2. */
function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2 || !/^[0-9a-f:.]+$/.test(text)) return false
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')))
  const last = groups.at(-1)
  let count = groups.length
  if (last?.includes('.')) {
    // `::1.2.3.4` is valid, `1.2.3.4::` is not.
    if (!ipv4.test(last) || text.endsWith(':')) return false
    groups.pop()
    count += 1
  }
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/.test(group))) return false
  return halves.length === 2 ? count <= 7 : count === 8
}

/** The index after the closing quote, or -1. */
function quotedEnd(text: string): number {
  for (let at = 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '"') return at + 1
  }
  return -1
}

function unquote(inside: string): string | undefined {
  let out = ''
  for (let at = 0; at < inside.length; at += 1) {
    let code = inside.charCodeAt(at)
    if (code === 0x5c) {
      at += 1
      code = inside.charCodeAt(at)
      // RFC 6531 §3.3 adds UTF-8 to qtext but not to quoted-pair.
      if (code > 0x7e) return undefined
    }
    if (!(code >= 0x20) || code === 0x7f) return undefined
    out += inside[at]
  }
  // The grammar allows `""@example`, but no such mailbox exists, and an empty name is easily mistaken for a missing one.
  return out === '' ? undefined : out
}

function utf8Length(text: string): number {
  return notAscii.test(text) ? Buffer.byteLength(text) : text.length
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8Strict.decode(bytes)
  } catch {
    return undefined
  }
}
