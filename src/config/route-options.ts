/** Keys of [[route]] and [relay]: where mail to others goes, and whose mail is only passed on; what they say together. */
import { parseDomain, parseMailbox } from '../mail/address.ts'
import type { Proxy } from '../transport/static-routes.ts'
import type { RelayOptions } from '../delivery/options.ts'
import type { RouteConfig } from './config.ts'
import * as kinds from '../base/options/kinds.ts'
import * as mailKinds from '../mail/option-kinds.ts'
import { ValueFault, type Kind } from '../base/options/kinds.ts'
import { addressFamily, type Endpoint } from '../mail/option-kinds.ts'
import { option, type Option, type ValuesOf } from '../base/options/option.ts'

export const routeOptions = {
  domain: option(
    mailKinds.domainPattern,
    undefined,
    'Recipient domains of this route; the most specific match wins. May be left out with sender: then all domains.',
    '*',
  ),
  sender: option(
    sender(),
    undefined,
    'Only messages from this sender address, or domain ("@example.org"). Of two routes for one domain, the one with a sender wins.',
    '@example.org',
  ),
  to: option(
    endpoints(),
    undefined,
    "The next hop, or several in order of preference; without a port 25. If it is left out, mail goes to the domain's MX hosts with the other keys of this route.",
    [{ host: 'relay.example.net', port: 587 }],
  ),
  tls: option(
    kinds.choice('opportunistic', 'required', 'implicit', 'none'),
    undefined,
    '"required": STARTTLS with a valid certificate, or the mail waits; the default with a username. "implicit": TLS from the first byte. "opportunistic": TLS if offered; the default otherwise. "none": no TLS.',
    'required',
  ),
  username: option(kinds.text, undefined, 'The user name to sign in with.', 'user@example.net'),
  passwordFile: option(
    kinds.path,
    undefined,
    'A file whose first line is the password, so that the configuration itself has no secret.',
    './relay-password',
  ),
  sourceAddresses: option(
    kinds.list(ipAddress(), 1),
    undefined,
    'Local source addresses of connections: one IPv4, one IPv6, or both. A family without one is not used on this route.',
    ['192.0.2.25'],
  ),
  proxy: option(
    socksProxy(),
    undefined,
    'A SOCKS5 proxy for connections (RFC 1928). Names are resolved here; with "socks5h://" the proxy resolves the names in `to` and of MX hosts, and there is no DANE.',
    { host: '127.0.0.1', port: 1080 },
  ),
  proxyPasswordFile: option(
    kinds.path,
    undefined,
    'A file whose first line is the password for the proxy.',
    './proxy-password',
  ),
  fallback: option(
    kinds.flag,
    false,
    'Uses this route when no MX host of a domain can be reached, or the DNS does not answer. What an MX host rejects is still rejected.',
  ),
  fallbackAfterMs: option(
    kinds.duration,
    0,
    'Uses the fallback only for messages that have waited this long. 0: as soon as the MX hosts cannot be reached.',
  ),
}

export const relayOptions = {
  domains: option(
    kinds.list(mailKinds.domainPattern),
    [],
    'Domains that we relay for: mail for them is accepted from any client and sent to MX hosts of better preference than ours, or by a [[route]]. For a backup MX, or a gateway in front of another mail host.',
    ['partner.example'],
  ),
} satisfies { [K in keyof RelayOptions]: Option<RelayOptions[K]> }

interface RouteFault {
  /** undefined: the route as a whole. */
  readonly key?: keyof typeof routeOptions
  readonly text: string
  readonly hint?: string
}

/**
 * A route as it is kept, and what is wrong with it.
 * @param pathOf makes a path absolute.
 */
export function readRoute(
  said: ValuesOf<typeof routeOptions>,
  has: (key: string) => boolean,
  isLoopback: (host: string) => boolean,
  pathOf: (path: string) => string,
): { readonly route: RouteConfig; readonly faults: readonly RouteFault[] } {
  const faults: RouteFault[] = []
  const { username, passwordFile, proxy, proxyPasswordFile, sourceAddresses, fallback } = said
  const hosts = (said.to ?? []).map(({ host, port }) => ({ host, port: port ?? 25 }))
  if (!has('domain') && !has('sender')) {
    faults.push({
      text: 'A route needs "domain"',
      hint: 'Write domain = "example.org", or "*" for all other domains.',
    })
  }
  const mere = !has('tls') && !has('sourceAddresses') && !has('proxy')
  if (!has('to') && (mere || fallback || username !== undefined || said.tls === 'implicit'))
    faults.push({ text: 'A route needs "to"', hint: 'Write to = "relay.example.net:587".' })
  if (has('fallbackAfterMs') && !fallback)
    faults.push({
      key: 'fallbackAfterMs',
      text: 'fallbackAfterMs has no effect without fallback',
      hint: 'Write fallback = true, or remove it.',
    })
  if ((username === undefined) !== (passwordFile === undefined))
    faults.push({
      text: 'A route that signs in needs username and passwordFile',
      hint: 'Add the other one, or remove both.',
    })
  const tls = said.tls ?? (username === undefined ? 'opportunistic' : 'required')
  const exposed = username !== undefined && (tls === 'none' || tls === 'opportunistic')
  if (exposed && !hosts.every(({ host }) => isLoopback(host)))
    faults.push({
      key: 'tls',
      text: `The route's password would be sent without TLS with tls = "${tls}"`,
      hint: 'Use "required" or "implicit".',
    })
  const families = (sourceAddresses ?? []).map(addressFamily)
  if (new Set(families).size < families.length)
    faults.push({
      key: 'sourceAddresses',
      text: 'A route has at most one source address of each family',
      hint: 'Keep one IPv4 and one IPv6 address.',
    })
  if (proxy !== undefined && sourceAddresses !== undefined)
    faults.push({
      key: 'sourceAddresses',
      text: 'Through a proxy, connections come from the address of the proxy',
      hint: 'Remove sourceAddresses.',
    })
  if ((proxy?.username === undefined) !== (proxyPasswordFile === undefined))
    faults.push({
      key: proxy ? 'proxy' : 'proxyPasswordFile',
      text: 'A proxy with a password needs both a user name in proxy and proxyPasswordFile',
      hint: 'Write proxy = "socks5://name@host:1080" and proxyPasswordFile, or neither.',
    })
  const route: RouteConfig = {
    domain: said.domain ?? '*',
    hosts,
    tls,
    ...(said.sender === undefined ? {} : { sender: said.sender }),
    ...(username === undefined ? {} : { username }),
    ...(passwordFile === undefined ? {} : { passwordFile: pathOf(passwordFile) }),
    ...(sourceAddresses === undefined ? {} : { sourceAddresses }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(proxyPasswordFile === undefined ? {} : { proxyPasswordFile: pathOf(proxyPasswordFile) }),
    ...(fallback ? { fallback, fallbackAfterMs: said.fallbackAfterMs } : {}),
  }
  return { route, faults }
}

function endpoints(): Kind<readonly Endpoint[]> {
  const one = mailKinds.endpoint({ names: true })
  const several = kinds.list(one, 1)
  return {
    words: `${one.words}, or a list of them`,
    read: (value) => (Array.isArray(value) ? several.read(value) : [one.read(value)]),
    format: (value) => (value.length === 1 ? one.format(value[0]!) : several.format(value)),
  }
}

function sender(): Kind<string> {
  const words = 'an address, or "@example.org" for all of a domain'
  return {
    words,
    read(value) {
      const text = kinds.text.read(value)
      const domain = text.startsWith('@') ? parseDomain(text.slice(1)) : undefined
      const mailbox = parseMailbox(text)
      if (domain !== undefined) return `@${domain}`
      if (!mailbox) throw new ValueFault(`must be ${words}`)
      return `${mailbox.localPart.toLowerCase()}@${mailbox.domain}`
    },
    format: (value) => JSON.stringify(value),
  }
}

function ipAddress(): Kind<string> {
  return {
    words: 'an IP address',
    read(value) {
      const text = kinds.text.read(value)
      if (addressFamily(text) === 0) throw new ValueFault('must be an IP address')
      return text
    },
    format: (value) => JSON.stringify(value),
  }
}

const socksDefaultPort = 1080

function socksProxy(): Kind<Proxy> {
  const words = 'a SOCKS5 server, as "socks5://127.0.0.1:1080" or "socks5://name@host:1080"'
  return {
    words,
    read(value) {
      const found = /^socks5(h?):\/\/(?:([^@/:\s]{1,255})@)?(.+)$/i.exec(kinds.text.read(value))
      if (!found) throw new ValueFault(`must be ${words}`)
      const { host, port } = mailKinds.endpoint({ names: true }).read(found[3])
      const username = found[2] === undefined ? {} : { username: decodeURIComponent(found[2]) }
      const resolvesNames = found[1] === '' ? {} : { resolvesNames: true }
      return { host, port: port ?? socksDefaultPort, ...username, ...resolvesNames }
    },
    format({ host, port, username, resolvesNames }) {
      const name = username === undefined ? '' : `${encodeURIComponent(username)}@`
      return JSON.stringify(
        `socks5${resolvesNames ? 'h' : ''}://${name}${host.includes(':') ? `[${host}]` : host}:${port}`,
      )
    },
  }
}
