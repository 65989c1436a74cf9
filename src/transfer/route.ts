/** Where a destination's mail goes: a static route, else MX and A. RFC 5321 §5, RFC 7505. */
import type { Resolver } from '../base/resolver.ts'
import type { Random } from '../base/random.ts'
import type { Status } from '../mail/status.ts'

/** A route that the configuration gives. */
export interface StaticRoute {
  /** A domain, `*.domain`, or `*`. */
  readonly domain: string
  readonly host: string
  readonly port: number
  readonly tls: 'opportunistic' | 'required' | 'implicit' | 'none'
  readonly username?: string
  readonly password?: string
}

export interface Host {
  readonly name: string
  readonly addresses: readonly string[]
  readonly port: number
  readonly tls: StaticRoute['tls']
  readonly username?: string
  readonly password?: string
  /** The recipients' domain, where its MX records led here: whose policies count. */
  readonly domain?: string
  /** Its name is proved: by DNSSEC, or because the configuration says it. */
  readonly nameSecure?: boolean
  /** Its addresses are proved. */
  readonly addressesSecure?: boolean
  /** The end of its aliases, where it has any. */
  readonly canonicalName?: string
  /** Ours that we come from, at most one of each family. */
  readonly localAddresses?: readonly string[]
  /** What the sender wishes for this message. RFC 8689. */
  readonly demand?: 'requireTls' | 'tlsOptional'
}

export type Routed =
  | { readonly kind: 'hosts'; readonly hosts: readonly Host[] }
  /** Never: the domain does not exist, or takes no mail. */
  | { readonly kind: 'never'; readonly status: Status }
  /** Not now: the DNS did not answer. */
  | { readonly kind: 'later'; readonly status: Status }

/** Hosts tried for one message: a domain with a thousand MX records must not keep us busy for hours. */
const hostsMax = 10

const nullMx: Status = { code: 556, enhanced: '5.1.10', text: 'The domain takes no mail (null MX)' }
const noDomain: Status = { code: 550, enhanced: '5.1.2', text: 'The domain does not exist or has no mail host' }
const dnsTrouble: Status = { code: 451, enhanced: '4.4.3', text: 'The DNS does not answer for this domain' }
const loop: Status = {
  code: 554,
  enhanced: '5.4.6',
  text: 'Mail for this domain is routed to this very host: mail loop',
}

export function staticRoute(routes: readonly StaticRoute[], domain: string): StaticRoute | undefined {
  const exact = routes.find((route) => route.domain === domain)
  if (exact) return exact
  const wild = routes
    .filter((route) => route.domain.startsWith('*.') && domain.endsWith(route.domain.slice(1)))
    .sort((a, b) => b.domain.length - a.domain.length)[0]
  return wild ?? routes.find((route) => route.domain === '*')
}

const smtpDefaultPort = 25

/**
 * The destination of what an operator sends another way: `=host:port`. No domain begins so. `text` is `host`, `host:port`, `1.2.3.4:port`
 * or `[2001:db8::1]:port`. @returns undefined where it is none of these.
 */
export function fixedDestination(text: string): string | undefined {
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9][A-Za-z0-9.-]*))(?::(\d{1,5}))?$/.exec(text)
  const port = Number(found?.[3] ?? smtpDefaultPort)
  if (!found || port < 1 || port > 65_535) return undefined
  return `=${(found[1] ?? found[2]!).toLowerCase()}:${port}`
}

/** A host that the configuration names keeps its TLS and its password. */
function fixedHost(routes: readonly StaticRoute[], destination: string): Omit<Host, 'addresses'> {
  const colon = destination.lastIndexOf(':')
  const name = destination.slice(1, colon)
  const port = Number(destination.slice(colon + 1))
  const known = routes.find((route) => route.host.toLowerCase() === name && route.port === port)
  return known
    ? { name, port, tls: known.tls, username: known.username, password: known.password }
    : { name, port, tls: 'opportunistic' }
}

export interface RouteTools {
  readonly resolver: Resolver
  readonly random: Random
  readonly routes: readonly StaticRoute[]
  /** Our own names: an MX of that name would bring the message back to us. */
  readonly hostname: string
  readonly smtpPort: number
}

/** @param domain or a destination of `fixedDestination`. */
export async function routeTo(tools: RouteTools, domain: string): Promise<Routed> {
  if (domain.startsWith('=')) return hostsOf(tools, [fixedHost(tools.routes, domain)])
  const fixed = staticRoute(tools.routes, domain)
  if (fixed)
    return hostsOf(tools, [
      { name: fixed.host, port: fixed.port, tls: fixed.tls, username: fixed.username, password: fixed.password },
    ])
  if (domain.startsWith('[')) {
    const address = domain.slice(1, -1).replace(/^IPv6:/i, '')
    return {
      kind: 'hosts',
      hosts: [{ name: domain, addresses: [address], port: tools.smtpPort, tls: 'opportunistic' }],
    }
  }
  const mx = await tools.resolver.mx(domain)
  if (mx.kind === 'failed') return { kind: 'later', status: dnsTrouble }
  // No MX: the domain itself is the host. RFC 5321 §5.1.
  if (mx.kind === 'none') return hostsOf(tools, [{ name: domain, port: tools.smtpPort, tls: 'opportunistic' }])
  if (mx.records.some(({ exchange }) => exchange === '' || exchange === '.')) {
    if (mx.records.length === 1) return { kind: 'never', status: nullMx }
  }
  const usable = mx.records.filter(({ exchange }) => exchange !== '' && exchange !== '.')
  const ours = usable.find(({ exchange }) => exchange === tools.hostname)
  // Hosts that are no better than we are would only send it back. RFC 5321 §5.1.
  const better = ours ? usable.filter(({ preference }) => preference < ours.preference) : usable
  if (better.length === 0) return { kind: 'never', status: ours ? loop : noDomain }
  const shuffled = better
    .map((record) => ({ record, chance: tools.random.below(1 << 30) }))
    .sort((a, b) => a.record.preference - b.record.preference || a.chance - b.chance)
  return hostsOf(
    tools,
    shuffled
      .slice(0, hostsMax)
      .map(({ record }) => ({ name: record.exchange, port: tools.smtpPort, tls: 'opportunistic' as const })),
  )
}

async function hostsOf(tools: RouteTools, wanted: readonly Omit<Host, 'addresses'>[]): Promise<Routed> {
  const hosts: Host[] = []
  let failed = false
  for (const host of wanted) {
    if (/^[\d.]+$|:/.test(host.name)) {
      hosts.push({ ...host, addresses: [host.name] })
      continue
    }
    const found = await tools.resolver.addresses(host.name)
    if (found.kind === 'found') hosts.push({ ...host, addresses: found.records })
    else if (found.kind === 'failed') failed = true
  }
  if (hosts.length > 0) return { kind: 'hosts', hosts }
  return failed ? { kind: 'later', status: dnsTrouble } : { kind: 'never', status: noDomain }
}
