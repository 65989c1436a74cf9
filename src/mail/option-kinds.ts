/** The types of values in the configuration that name domains, mail addresses and hosts. */
import { count, listMax, quote, text, ValueFault, type Kind } from '../base/options/kinds.ts'
import { formatMailbox, parseDomain, parseMailbox } from './address.ts'

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

export function endpointText({ host, port }: Endpoint): string {
  const name = host.includes(':') ? `[${host}]` : host
  return port === undefined ? name : `${name}:${port}`
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
    format: (place) => quote(endpointText(place)),
  }
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
