/** Routes of the configuration: by recipient domain, by sender, or as fallback. */
import type { HostDestination } from '../mail/destination.ts'
import { exactness, fitsDomain } from '../mail/domain-pattern.ts'

export interface RouteHost {
  readonly host: string
  readonly port: number
}

/** A SOCKS5 proxy for outgoing connections. RFC 1928. */
export interface Proxy {
  readonly host: string
  readonly port: number
  readonly username?: string
  readonly password?: string
  /** It is given names and does the DNS lookups: for networks without DNS of their own. */
  readonly resolvesNames?: boolean
}

/** A route of the configuration. */
export interface StaticRoute {
  /** A domain, `*.domain`, or `*`. */
  readonly domain: string
  /** Only for messages of this sender: `@domain` or `user@domain`, lower case. */
  readonly sender?: string
  /** In this order; none: the domain's own MX hosts. */
  readonly hosts: readonly RouteHost[]
  /** Default: SMTP. LMTP has no MX hosts: a route that uses it has hosts. RFC 2033. */
  readonly protocol?: 'smtp' | 'lmtp'
  readonly tls: 'opportunistic' | 'required' | 'implicit' | 'none'
  readonly username?: string
  readonly password?: string
  /** Local addresses to connect from, at most one of each family; other families are not used then. */
  readonly sourceAddresses?: readonly string[]
  readonly proxy?: Proxy
  /** Only used when the MX hosts could not accept the message. */
  readonly fallback?: boolean
  /** And only after this time in the queue, milliseconds. */
  readonly fallbackAfterMs?: number
}

/** The higher, the more specific; undefined if it does not match. */
function fitOf({ domain: pattern, sender: wanted }: StaticRoute, domain: string, sender: string): number | undefined {
  if (!fitsDomain(pattern, domain)) return undefined
  const fit = exactness(pattern)
  if (wanted === undefined) return fit
  const from = sender.toLowerCase()
  if (wanted === from) return fit + 0.5
  return wanted.startsWith('@') && from.endsWith(wanted) ? fit + 0.25 : undefined
}

/** The most specific route: by domain first, then by sender. @param sender '' for bounces. */
export function staticRoute(
  routes: readonly StaticRoute[],
  domain: string,
  sender: string,
  fallback = false,
): StaticRoute | undefined {
  let best: StaticRoute | undefined
  let bestFit = -1
  for (const route of routes) {
    if ((route.fallback ?? false) !== fallback) continue
    const fit = fitOf(route, domain, sender)
    if (fit === undefined || fit <= bestFit) continue
    best = route
    bestFit = fit
  }
  return best
}

/** A host of the configuration keeps its TLS and password settings, from the route that best matches the sender. */
export function fixedRoute(
  routes: readonly StaticRoute[],
  { kind, host, port }: Exclude<HostDestination, { kind: 'domain' }>,
  sender: string,
): StaticRoute {
  const protocol = kind === 'lmtp' ? 'lmtp' : 'smtp'
  const there = routes.filter(
    ({ protocol: own = 'smtp', hosts }) =>
      own === protocol && hosts.some((one) => one.host.toLowerCase() === host && one.port === port),
  )
  const known = staticRoute(
    there.map((route) => ({ ...route, domain: '*', fallback: false })),
    '*',
    sender,
  )
  const hosts = [{ host, port }]
  return known ? { ...known, hosts } : { domain: '*', protocol, hosts, tls: 'opportunistic' }
}
