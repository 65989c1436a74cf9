/** Routes that the configuration gives: by the recipients' domain, by the sender, or as a last resort. */
import { exactness, fitsDomain } from '../mail/domain-pattern.ts'

export interface RouteHost {
  readonly host: string
  readonly port: number
}

/** A SOCKS5 server that connections go through. RFC 1928. */
export interface Proxy {
  readonly host: string
  readonly port: number
  readonly username?: string
  readonly password?: string
  /** It is told names and asks the DNS itself: for networks where nobody else can. */
  readonly resolvesNames?: boolean
}

/** A route that the configuration gives. */
export interface StaticRoute {
  /** A domain, `*.domain`, or `*`. */
  readonly domain: string
  /** Whose messages alone: `@domain` or `user@domain`, lower case. */
  readonly sender?: string
  /** In this order; none: the domain's own MX hosts. */
  readonly hosts: readonly RouteHost[]
  readonly tls: 'opportunistic' | 'required' | 'implicit' | 'none'
  readonly username?: string
  readonly password?: string
  /** Ours that connections come from, at most one of each family; other families are not used then. */
  readonly sourceAddresses?: readonly string[]
  readonly proxy?: Proxy
  /** Only for what the MX hosts could not take. */
  readonly fallback?: boolean
  /** And only once it has waited so long, milliseconds. */
  readonly fallbackAfterMs?: number
}

/** The higher, the more exact; undefined where it does not fit. */
function fitOf({ domain: pattern, sender: wanted }: StaticRoute, domain: string, sender: string): number | undefined {
  if (!fitsDomain(pattern, domain)) return undefined
  const fit = exactness(pattern)
  if (wanted === undefined) return fit
  const from = sender.toLowerCase()
  if (wanted === from) return fit + 0.5
  return wanted.startsWith('@') && from.endsWith(wanted) ? fit + 0.25 : undefined
}

/** The most exact route: by domain first, then by sender. @param sender '' for notices. */
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

/** A host that the configuration names keeps its TLS and its password, as the route has them that fits this sender best. */
export function fixedRoute(routes: readonly StaticRoute[], destination: string, sender: string): StaticRoute {
  const colon = destination.lastIndexOf(':')
  const host = destination.slice(1, colon)
  const port = Number(destination.slice(colon + 1))
  const there = routes.filter(({ hosts }) => hosts.some((one) => one.host.toLowerCase() === host && one.port === port))
  const known = staticRoute(
    there.map((route) => ({ ...route, domain: '*', fallback: false })),
    '*',
    sender,
  )
  const hosts = [{ host, port }]
  return known ? { ...known, hosts } : { domain: '*', hosts, tls: 'opportunistic' }
}
