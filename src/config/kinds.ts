/** The types of values in the configuration: how each is read from TOML, written back, and described. */
import { parseIpNetwork, type IpNetwork } from '../base/ip-network.ts'
import { formatMailbox, parseDomain, parseMailbox } from '../mail/address.ts'

/** What is wrong with a value, as the end of a sentence that starts with the key: 'must be …'. */
export class ValueFault extends Error {
  /** How to fix it, a sentence. */
  readonly hint: string | undefined
  constructor(text: string, hint?: string) {
    super(text)
    this.name = 'ValueFault'
    this.hint = hint
  }
}

export interface Kind<T> {
  /** For the reference: 'a size, as "50MB" or bytes'. */
  readonly words: string
  /** Throws a ValueFault. */
  read(value: unknown): T
  /** The value as TOML; `read` gives it back. */
  format(value: T): string
  /** Values of earlier versions and their new names: accepted, with a warning. */
  readonly renamed?: ReadonlyMap<unknown, T>
}

function quote(text: string): string {
  return JSON.stringify(text)
}

/** Numbers with a unit; written with the largest unit that divides them. */
function scaled(
  words: string,
  example: string,
  units: Readonly<Record<string, number>>,
  unitless: string,
): Kind<number> {
  const byName = new Map(Object.entries(units).map(([name, factor]) => [name.toLowerCase(), factor]))
  const largestFirst = Object.entries(units).sort(([, a], [, b]) => b - a)
  return {
    words,
    read(value) {
      if (typeof value === 'number' || typeof value === 'bigint') return wholeNumber(value)
      const match = typeof value === 'string' ? /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(value) : null
      const factor = match && (match[2] === '' ? 1 : byName.get(match[2]!.toLowerCase()))
      if (!match || !factor) {
        throw new ValueFault(
          `must be ${words}`,
          `Write it like ${example}; units: ${Object.keys(units).join(', ')}, and a plain number counts ${unitless}.`,
        )
      }
      return wholeNumber(Math.round(Number(match[1]) * factor))
    },
    format(value) {
      const fits = largestFirst.find(([, factor]) => value >= factor && value % factor === 0)
      return fits && value > 0 ? quote(`${value / fits[1]}${fits[0]}`) : String(value)
    },
  }
}

function wholeNumber(value: unknown): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw new ValueFault('must be a whole number, 0 or more')
  }
  return number
}

export const size = scaled(
  'a size: bytes, or a number with KB, MB, GB or TB (powers of 1024)',
  '"50MB"',
  { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 },
  'bytes',
)

/** setTimeout counts in 31 bits; nothing here waits longer. */
const durationMax = 0x7fff_ffff

const anyDuration = scaled(
  'a time: milliseconds, or a number with ms, s, m, h or d',
  '"30s"',
  { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 },
  'milliseconds',
)

export const duration: Kind<number> = {
  ...anyDuration,
  read(value) {
    const ms = anyDuration.read(value)
    if (ms > durationMax) throw new ValueFault('must be at most 24 days')
    return ms
  },
}

/** A duration that is only compared, so that it may be longer. */
export const span: Kind<number> = anyDuration

export function count(min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  const words =
    max === Number.MAX_SAFE_INTEGER ? `a whole number, ${min} or more` : `a whole number from ${min} to ${max}`
  return {
    words,
    read(value) {
      const number = wholeNumber(value)
      if (number < min || number > max) throw new ValueFault(`must be ${words}`)
      return number
    },
    format: String,
  }
}

export const flag: Kind<boolean> = {
  words: 'true or false',
  read(value) {
    if (typeof value !== 'boolean') throw new ValueFault('must be true or false, without quotes')
    return value
  },
  format: String,
}

export const text: Kind<string> = {
  words: 'a string',
  read(value) {
    if (typeof value !== 'string') throw new ValueFault('must be a string in quotes')
    return value
  },
  format: quote,
}

/** A path, relative to the folder of the configuration file. */
export const path: Kind<string> = {
  words: "a path, relative to this file's folder",
  read(value) {
    const name = text.read(value)
    if (name === '') throw new ValueFault('must not be empty')
    return name
  },
  format: quote,
}

export function choice<const Names extends readonly string[]>(...names: Names): Kind<Names[number]> {
  const words = `one of ${names.map(quote).join(', ')}`
  return {
    words,
    read(value) {
      if (!names.includes(value as string)) throw new ValueFault(`must be ${words}`)
      return value as Names[number]
    },
    format: quote,
  }
}

/** A choice whose values have old names too: `renamed(choice('none'), { never: 'none' })`. */
export function renamed<const T extends string>(kind: Kind<T>, words: Readonly<Record<string, NoInfer<T>>>): Kind<T> {
  return { ...kind, renamed: new Map<unknown, T>(Object.entries(words)) }
}

export const domain: Kind<string> = {
  words: 'a domain name',
  read(value) {
    const name = parseDomain(text.read(value))
    if (name === undefined || name.startsWith('[')) throw new ValueFault('must be a domain name, such as "example.org"')
    return name
  },
  format: quote,
}

/** `user@example.org` */
export const mailAddress: Kind<string> = {
  words: 'a mail address',
  read(value) {
    const found = parseMailbox(text.read(value))
    if (!found) throw new ValueFault('must be a mail address')
    return formatMailbox(found)
  },
  format: quote,
}

/** `user@example.org`, or `@example.org` for a whole domain; lower case, like account names. */
export const accountOrDomain: Kind<string> = {
  words: 'an account, or "@example.org" for all of a domain',
  read(value) {
    const name = text.read(value)
    if (name.startsWith('@')) return `@${domain.read(name.slice(1))}`
    const mailbox = parseMailbox(name)
    if (!mailbox) throw new ValueFault('must be an account, or "@example.org" for all of a domain')
    return formatMailbox(mailbox).toLowerCase()
  },
  format: quote,
}

/** A host, or `*.` and a domain for one more label, as in certificates and MTA-STS policies. RFC 8461 §4.1. */
export const hostPattern: Kind<string> = {
  words: '"mx.example.org", or "*.example.org" for hosts directly below it',
  read(value) {
    const name = text.read(value)
    return name.startsWith('*.') ? `*.${domain.read(name.slice(2))}` : domain.read(name)
  },
  format: quote,
}

/** The domains of a route: one, all below one, or all. */
export const domainPattern: Kind<string> = {
  words: '"example.org", "*.example.org" for all subdomains, or "*" for all',
  read(value) {
    const name = text.read(value)
    if (name === '*') return name
    return name.startsWith('*.') ? `*.${domain.read(name.slice(2))}` : domain.read(name)
  },
  format: quote,
}

/** 4, 6, or 0 for text that is no IP address. */
export function addressFamily(host: string): 0 | 4 | 6 {
  if (parseDomain(`[${host}]`) !== undefined) return 4
  return parseDomain(`[IPv6:${host}]`) === undefined ? 0 : 6
}

export interface Endpoint {
  readonly host: string
  /** undefined: not given. */
  readonly port: number | undefined
}

/** `host`, `host:port`, `[IPv6]:port`. @param options.names the host may be a name. */
export function endpoint(options: { readonly names: boolean }): Kind<Endpoint> {
  const example = options.names ? 'relay.example.net:587' : '127.0.0.1:2525'
  const words = options.names
    ? `a host with a port, as "${example}"`
    : `an address with a port, as "${example}" or "[::1]:2525"`
  return {
    words,
    read(value) {
      const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text.read(value))
      const host = match?.[1] ?? match?.[2]
      if (!match || host === undefined) throw new ValueFault(`must be ${words}`)
      const numeric = addressFamily(host) !== 0
      if (match[1] !== undefined && addressFamily(host) !== 6) throw new ValueFault(`must be ${words}`)
      if (!numeric && (!options.names || parseDomain(host) === undefined)) {
        throw new ValueFault(
          `must be ${words}`,
          options.names
            ? undefined
            : 'Listeners take addresses, not names; "0.0.0.0:25" or "[::]:25" listens everywhere.',
        )
      }
      const port = match[3] === undefined ? undefined : count(0, 65_535).read(Number(match[3]))
      return { host: numeric ? host : parseDomain(host)!, port }
    },
    format({ host, port }) {
      const name = host.includes(':') ? `[${host}]` : host
      return quote(port === undefined ? name : `${name}:${port}`)
    },
  }
}

/** A network, or a single address. */
export const ipNetwork: Kind<IpNetwork & { readonly text: string }> = {
  words: 'a network, as "10.0.0.0/8" or "fd00::/8", or an address',
  read(value) {
    const given = text.read(value)
    const network = parseIpNetwork(given)
    if (!network) throw new ValueFault('must be a network, as "10.0.0.0/8" or "fd00::/8", or an address')
    return { ...network, text: given }
  },
  format: (network) => quote(network.text),
}

/** Names with their addresses: `{ "mail.lan" = ["10.0.0.5"] }`. */
export const hosts: Kind<ReadonlyMap<string, readonly string[]>> = {
  words: 'a table of names, each with its addresses: { "mail.lan" = ["10.0.0.5"] }',
  read(value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Date)
      throw new ValueFault('must be a table of names', 'Write { "mail.lan" = ["10.0.0.5"] }.')
    const entries = Object.entries(value).map(([name, given]) => {
      const addresses = (Array.isArray(given) ? given : [given]) as unknown[]
      for (const address of addresses) {
        if (typeof address !== 'string' || addressFamily(address) === 0)
          throw new ValueFault(`has no address for ${quote(name)}`, 'Write { "mail.lan" = ["10.0.0.5"] }.')
      }
      return [domain.read(name), addresses as string[]] as const
    })
    if (entries.length > listMax) throw new ValueFault(`must have at most ${listMax} names`)
    return new Map(entries)
  },
  format: (map) =>
    `{ ${[...map].map(([name, addresses]) => `${quote(name)} = [${addresses.map(quote).join(', ')}]`).join(', ')} }`,
}

/** A longer list is a mistake, or an attack on the parser. */
const listMax = 10_000

export function list<T>(item: Kind<T>, min = 0): Kind<readonly T[]> {
  return {
    words: `a list, each ${item.words}`,
    read(value) {
      if (!Array.isArray(value))
        throw new ValueFault('must be a list in [ ]', `Write [${sampleOf(value)}] where it is only one.`)
      if (value.length < min) throw new ValueFault(`must have at least ${min} ${min === 1 ? 'entry' : 'entries'}`)
      if (value.length > listMax) throw new ValueFault(`must have at most ${listMax} entries`)
      return value.map((entry, at) => {
        try {
          return item.read(entry)
        } catch (error) {
          if (error instanceof ValueFault) throw new ValueFault(`(entry ${at + 1}) ${error.message}`, error.hint)
          throw error
        }
      })
    },
    format: (values) => `[${values.map((value) => item.format(value)).join(', ')}]`,
  }
}

function sampleOf(value: unknown): string {
  return typeof value === 'string' ? quote(value) : typeof value === 'number' ? String(value) : '"…"'
}

export function endpointText({ host, port }: Endpoint): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === undefined ? name : `${name}:${port}`
}
