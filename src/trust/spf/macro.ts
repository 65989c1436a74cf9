/** Macros in SPF domains and explanations. RFC 7208 §7. */
import { parseIpAddress } from '../../base/ip-network.ts'

export interface MacroFacts {
  /** `local@domain`; the local part is postmaster where there was none. */
  readonly sender: string
  /** The domain whose record is being read. */
  readonly domain: string
  readonly ip: string
  readonly helo: string
  /** For explanations: who asks, and when. */
  readonly receiver: string
  readonly nowMs: number
  /** The validated name of the address; asked for by the macro `p` alone. */
  validatedName(): Promise<string>
}

/** RFC 7208 §7.3: longer names lose labels from their left. */
const domainLengthMax = 253

/** A domain-spec as a name. */
export async function expandDomain(text: string, facts: MacroFacts): Promise<string> {
  let name = (await expandMacros(text, facts)).replace(/\.$/, '')
  while (name.length > domainLengthMax && name.includes('.')) name = name.slice(name.indexOf('.') + 1)
  return name
}

export async function expandMacros(text: string, facts: MacroFacts): Promise<string> {
  if (!text.includes('%')) return text
  let out = ''
  let at = 0
  for (const match of text.matchAll(/%(?:([%_-])|\{([A-Za-z])(\d*)([rR]?)([.\-+,/_=]*)\})/g)) {
    out += text.slice(at, match.index)
    at = match.index + match[0].length
    if (match[1] !== undefined) out += match[1] === '%' ? '%' : match[1] === '_' ? ' ' : '%20'
    else out += await expand(match[2]!, match[3]!, match[4] !== '', match[5]!, facts)
  }
  return out + text.slice(at)
}

async function expand(
  letter: string,
  digits: string,
  reversed: boolean,
  delimiters: string,
  facts: MacroFacts,
): Promise<string> {
  let value = await valueOf(letter.toLowerCase(), facts)
  if (digits !== '' || reversed || delimiters !== '') {
    const splitters = new Set(delimiters === '' ? '.' : delimiters)
    const parts: string[] = ['']
    for (const character of value) {
      if (splitters.has(character)) parts.push('')
      else parts[parts.length - 1] += character
    }
    if (reversed) parts.reverse()
    const count = digits === '' ? parts.length : Number(digits)
    value = parts.slice(Math.max(0, parts.length - count)).join('.')
  }
  // An upper-case letter asks for URL escapes. RFC 7208 §7.3.
  return letter === letter.toUpperCase() ? escapeUrl(value) : value
}

async function valueOf(letter: string, facts: MacroFacts): Promise<string> {
  const at = facts.sender.lastIndexOf('@')
  switch (letter) {
    case 's':
      return facts.sender
    case 'l':
      return facts.sender.slice(0, at)
    case 'o':
      return facts.sender.slice(at + 1)
    case 'd':
      return facts.domain
    case 'i':
      return dotted(facts.ip)
    case 'p':
      return facts.validatedName()
    case 'v':
      return parseIpAddress(facts.ip)?.length === 16 ? 'ip6' : 'in-addr'
    case 'h':
      return facts.helo
    case 'c':
      return facts.ip.toLowerCase()
    case 'r':
      return facts.receiver
    case 't':
      return String(Math.floor(facts.nowMs / 1000))
    default:
      return ''
  }
}

/** IPv4 as it is, IPv6 a nibble at a time. */
function dotted(ip: string): string {
  const bytes = parseIpAddress(ip)
  if (!bytes || bytes.length === 4) return ip
  return [...Buffer.from(bytes).toString('hex').toUpperCase()].join('.')
}

function escapeUrl(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
