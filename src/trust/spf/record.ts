/** Parses SPF records, strictly: a syntax error anywhere makes the whole record a permerror. RFC 7208 §4.6, §5, §6, §12. */
import { parseIpNetwork, type IpNetwork } from '../../base/ip-network.ts'

export type Qualifier = 'pass' | 'fail' | 'softfail' | 'neutral'

export type Mechanism =
  | { readonly kind: 'all' }
  | { readonly kind: 'include' | 'exists'; readonly domain: string }
  | { readonly kind: 'a' | 'mx'; readonly domain: string | undefined; readonly bits4: number; readonly bits6: number }
  | { readonly kind: 'ptr'; readonly domain: string | undefined }
  | { readonly kind: 'ip'; readonly network: IpNetwork }

export interface Directive {
  readonly qualifier: Qualifier
  readonly mechanism: Mechanism
  /** As in the record, to explain results. */
  readonly text: string
}

export interface SpfRecord {
  readonly directives: readonly Directive[]
  readonly redirect: string | undefined
  readonly exp: string | undefined
}

/** What is wrong with a record. */
export class SpfSyntax extends Error {}

const qualifiers: Readonly<Record<string, Qualifier>> = { '+': 'pass', '-': 'fail', '~': 'softfail', '?': 'neutral' }

/** RFC 7208 §7.1. The letters c, r and t are only valid in the text of explanations, which is in another record. */
const macroExpand = String.raw`%\{[slodiphvSLODIPHV]\d*[rR]?[.\-+,/_=]*\}|%%|%_|%-`
const macroString = new RegExp(`^(?:${macroExpand}|[\\x21-\\x24\\x26-\\x7e])*$`)
const macroAlone = new RegExp(`^(?:${macroExpand})$`)

/** A domain ends in a macro or a top label, which is never all digits. Only the end is checked: a pattern would try each place of 64 KB. */
function hasDomainEnd(text: string): boolean {
  if (text.endsWith('}')) {
    const start = text.lastIndexOf('%')
    return start >= 0 && text[start + 1] === '{' && macroAlone.test(text.slice(start))
  }
  const end = text.endsWith('.') ? text.length - 1 : text.length
  const dot = text.lastIndexOf('.', end - 1)
  if (dot < 0) return false
  const label = text.slice(dot + 1, end)
  return /^[A-Za-z0-9-]+$/.test(label) && /[A-Za-z-]/.test(label) && !label.startsWith('-') && !label.endsWith('-')
}

/** Whether a TXT record is an SPF record at all. RFC 7208 §4.5. */
export function isSpfRecord(text: string): boolean {
  return /^v=spf1(?: |$)/i.test(text)
}

/** Throws SpfSyntax. */
export function parseSpfRecord(text: string): SpfRecord {
  if (/[^\x20-\x7e]/.test(text)) throw new SpfSyntax('the record is not ASCII')
  const directives: Directive[] = []
  let redirect: string | undefined
  let exp: string | undefined
  for (const term of text.slice('v=spf1'.length).split(' ')) {
    if (term === '') continue
    const modifier = /^([A-Za-z][A-Za-z0-9_.-]*)=(.*)$/.exec(term)
    if (!modifier) {
      directives.push(directive(term))
      continue
    }
    const [, name, value] = modifier as unknown as [string, string, string]
    switch (name.toLowerCase()) {
      case 'redirect':
        if (redirect !== undefined) throw new SpfSyntax('redirect stands twice')
        redirect = domainSpec(value, term)
        break
      case 'exp':
        if (exp !== undefined) throw new SpfSyntax('exp stands twice')
        exp = domainSpec(value, term)
        break
      default:
        if (!macroString.test(value)) throw new SpfSyntax(`"${term}" has a macro that is none`)
    }
  }
  return { directives, redirect, exp }
}

function directive(term: string): Directive {
  const match = /^([+\-~?])?([A-Za-z][A-Za-z0-9_.-]*)([:/].*)?$/.exec(term)
  if (!match) throw new SpfSyntax(`"${term}" is no term`)
  const qualifier = qualifiers[match[1] ?? '+']!
  return { qualifier, mechanism: mechanism(match[2]!.toLowerCase(), match[3] ?? '', term), text: term }
}

function mechanism(name: string, rest: string, term: string): Mechanism {
  switch (name) {
    case 'all':
      if (rest !== '') throw new SpfSyntax(`"${term}": all takes nothing`)
      return { kind: 'all' }
    case 'include':
    case 'exists':
      if (!rest.startsWith(':')) throw new SpfSyntax(`"${term}" names no domain`)
      return { kind: name, domain: domainSpec(rest.slice(1), term) }
    case 'a':
    case 'mx':
      return { kind: name, ...domainAndLengths(rest, term) }
    case 'ptr':
      if (rest === '') return { kind: 'ptr', domain: undefined }
      if (!rest.startsWith(':')) throw new SpfSyntax(`"${term}" is no ptr`)
      return { kind: 'ptr', domain: domainSpec(rest.slice(1), term) }
    case 'ip4':
    case 'ip6': {
      const network = rest.startsWith(':') ? ipNetwork(name, rest.slice(1)) : undefined
      if (!network) throw new SpfSyntax(`"${term}" names no network`)
      return { kind: 'ip', network }
    }
    default:
      throw new SpfSyntax(`"${term}": there is no mechanism ${name}`)
  }
}

function ipNetwork(name: 'ip4' | 'ip6', text: string): IpNetwork | undefined {
  // No leading zero in a length; no IPv4 address in ip6, nor the other way round.
  if (/\/0\d/.test(text) || text.includes(':') !== (name === 'ip6')) return undefined
  const network = parseIpNetwork(text)
  if (!network || name === 'ip4' || network.bytes.length === 16) return network
  // An IPv4-mapped IPv6 address: valid, but clients' addresses never have this form.
  const bytes = Uint8Array.from([...new Uint8Array(10), 0xff, 0xff, ...network.bytes])
  return { bytes, prefixBits: 128 }
}

function domainAndLengths(rest: string, term: string): { domain: string | undefined; bits4: number; bits6: number } {
  const match = /^(?::(.*?))?(?:\/(\d+))?(?:\/\/(\d+))?$/s.exec(rest)
  if (!match) throw new SpfSyntax(`"${term}" has a length that is none`)
  const [, domain, four, six] = match
  const bits4 = length(four, 32, term)
  const bits6 = length(six, 128, term)
  return { domain: domain === undefined ? undefined : domainSpec(domain, term), bits4, bits6 }
}

function length(text: string | undefined, max: number, term: string): number {
  if (text === undefined) return max
  if (/^0\d/.test(text) || Number(text) > max) throw new SpfSyntax(`"${term}" has a length beyond ${max}`)
  return Number(text)
}

function domainSpec(text: string, term: string): string {
  if (!macroString.test(text) || !hasDomainEnd(text)) throw new SpfSyntax(`"${term}" names no domain`)
  return text
}
