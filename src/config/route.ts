/** `[[route]]`: what its keys mean together. */
import type { ValuesOf } from '../base/options/option.ts'
import { addressFamily } from '../mail/option-kinds.ts'
import { lmtpPort, smtpPort } from '../mail/destination.ts'
import type { routeOptions } from '../transport/route-options.ts'
import type { RouteConfig } from './config.ts'

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
  const lmtp = said.protocol === 'lmtp'
  const hosts = (said.to ?? []).map(({ host, port }) => ({ host, port: port ?? (lmtp ? lmtpPort : smtpPort) }))
  if (!has('domain') && !has('sender')) {
    faults.push({
      text: 'A route needs "domain"',
      hint: 'Write domain = "example.org", or "*" for all other domains.',
    })
  }
  const mere = !has('tls') && !has('sourceAddresses') && !has('proxy')
  if (!has('to') && (mere || lmtp || fallback || username !== undefined || said.tls === 'implicit'))
    faults.push({ text: 'A route needs "to"', hint: 'Write to = "relay.example.net:587".' })
  if (lmtp && hosts.some(({ port }) => port === smtpPort))
    faults.push({
      key: 'to',
      text: 'LMTP is never spoken on port 25 (RFC 2033 §5)',
      hint: 'Name the LMTP port of the host, which is often 24.',
    })
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
    ...(lmtp ? { protocol: 'lmtp' } : {}),
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
