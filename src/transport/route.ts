/** The hosts for a destination: of a static route, else by MX and addresses. RFC 5321 §5, RFC 7505, RFC 7672 §2.2. */
import type { DnsOutcome, MxRecord, Resolver } from '../base/resolver.ts'
import type { Random } from '../base/random.ts'
import { parseDomain } from '../mail/address.ts'
import type { HostDestination } from '../mail/destination.ts'
import type { Status } from '../mail/status.ts'
import { orderAddresses, type AddressFamilies } from './address-order.ts'
import { fixedRoute, staticRoute, type Proxy, type StaticRoute } from './static-routes.ts'

export type { StaticRoute } from './static-routes.ts'

export interface Host {
  readonly name: string
  /** In the order in which they are tried. */
  readonly addresses: readonly string[]
  readonly port: number
  /** It speaks LMTP. RFC 2033. */
  readonly lmtp?: boolean
  readonly tls: StaticRoute['tls']
  readonly username?: string
  readonly password?: string
  /** The recipients' domain, if the host was found by its MX records: the domain's policies apply. */
  readonly domain?: string
  /** The name is authenticated by DNSSEC, or set by the configuration. */
  readonly nameSecure?: boolean
  /** The addresses are authenticated by DNSSEC. */
  readonly addressesSecure?: boolean
  /** The end of its CNAME chain, if any. */
  readonly canonicalName?: string
  /** Local addresses to connect from, at most one of each family. */
  readonly localAddresses?: readonly string[]
  readonly proxy?: Proxy
  /** Tried when those before it could not accept the message; it does not define the next hop. */
  readonly fallback?: boolean
  /** The sender's demand for this message. RFC 8689. */
  readonly demand?: 'requireTls' | 'tlsOptional'
}

export type Routed =
  | { readonly kind: 'hosts'; readonly hosts: readonly Host[] }
  /** Permanent: the domain does not exist, or accepts no mail. */
  | { readonly kind: 'never'; readonly status: Status }
  /** Temporary: the DNS did not answer. */
  | { readonly kind: 'later'; readonly status: Status }

/** Hosts tried for one message: a domain with a thousand MX records must not keep us busy for hours. */
const hostsMax = 10

const nullMx: Status = { code: 556, enhanced: '5.1.10', text: 'The domain does not accept mail (null MX)' }
const noDomain: Status = { code: 550, enhanced: '5.1.2', text: 'The domain does not exist or has no mail host' }
const dnsTrouble: Status = { code: 451, enhanced: '4.4.3', text: 'The DNS does not answer for this domain' }
const noAddress: Status = {
  code: 550,
  enhanced: '5.4.4',
  text: 'Its mail hosts have no address in the address families that we use',
}
const loop: Status = {
  code: 554,
  enhanced: '5.4.6',
  text: 'Mail for this domain is routed back to this host: mail loop',
}

export interface RouteTools {
  readonly resolver: Resolver
  readonly random: Random
  readonly routes: readonly StaticRoute[]
  /** Our own name: an MX host of that name would bring the message back to us. */
  readonly hostname: string
  readonly smtpPort: number
  readonly addressFamilies: AddressFamilies
  /** Whether one of our own listeners is at that address, under any name. */
  isOurs?(address: string, port: number): boolean
}

type WantedHost = Omit<Host, 'addresses'> & { readonly preference: number }

/** A host with the result of its address lookup. */
interface Looked {
  readonly preference: number
  readonly host: Host
  /** It has addresses, though perhaps of families that we do not use. */
  readonly exists: boolean
  readonly failed: boolean
  readonly ours: boolean
}

/**
 * @param sender the reverse-path, '' for the null one: some routes are only for some senders.
 * @param waitedMs the message's time in the queue: some fallbacks are only for old messages.
 */
export async function routeTo(
  tools: RouteTools,
  destination: HostDestination,
  sender: string,
  waitedMs: number,
): Promise<Routed> {
  if (destination.kind !== 'domain') return toRoute(tools, fixedRoute(tools.routes, destination, sender))
  const domain = parseDomain(destination.domain) ?? destination.domain
  const route = staticRoute(tools.routes, domain, sender)
  if (route && route.hosts.length > 0) return toRoute(tools, route)
  const routed = await toMailHosts(tools, domain, route)
  const fallback = staticRoute(tools.routes, domain, sender, true)
  if (!fallback || routed.kind === 'never' || waitedMs < (fallback.fallbackAfterMs ?? 0)) return routed
  const last = await toRoute(tools, fallback)
  if (last.kind !== 'hosts') return routed
  const marked = last.hosts.map((host) => ({ ...host, fallback: true }))
  return { kind: 'hosts', hosts: routed.kind === 'hosts' ? [...routed.hosts, ...marked] : marked }
}

/**
 * Properties that a route gives to all its hosts. A host set by the configuration is as trusted as one authenticated by
 * DNSSEC.
 */
function routeDefaults({ protocol, tls, username, password, sourceAddresses, proxy }: StaticRoute) {
  const lmtp = protocol === 'lmtp'
  return { lmtp, tls, username, password, localAddresses: sourceAddresses, proxy, nameSecure: true }
}

async function toRoute(tools: RouteTools, route: StaticRoute): Promise<Routed> {
  const facts = routeDefaults(route)
  // The order is the preference, so a host that is ours ends the list.
  const wanted = route.hosts.map(({ host, port }, preference) => ({ ...facts, name: host, port, preference }))
  return chosen(await lookAll(tools, wanted))
}

/** @param route a route without hosts of its own: how to reach the MX hosts. */
async function toMailHosts(tools: RouteTools, domain: string, route: StaticRoute | undefined): Promise<Routed> {
  const facts = { port: tools.smtpPort, ...(route ? routeDefaults(route) : { tls: 'opportunistic' as const }) }
  if (domain.startsWith('[')) {
    const name = domain.slice(1, -1).replace(/^IPv6:/i, '')
    return chosen(await lookAll(tools, [{ ...facts, name, preference: 0, nameSecure: false }]))
  }
  const mx = await tools.resolver.mx(domain)
  if (mx.kind === 'failed') return { kind: 'later', status: dnsTrouble }
  const found = mailHostsOf(mx, domain, tools.random)
  if (found.length === 0) return { kind: 'never', status: isNull(mx) ? nullMx : noDomain }
  const nameSecure = mx.secure === true
  const wanted = found.map(({ exchange: name, preference }) => ({ ...facts, name, preference, nameSecure, domain }))
  const ours = wanted.find(({ name }) => name === tools.hostname)
  // Hosts that are no better than ours would only send it back. RFC 5321 §5.1.
  const better = ours ? wanted.filter(({ preference }) => preference < ours.preference) : wanted
  if (better.length === 0) return { kind: 'never', status: loop }
  return chosen(await lookAll(tools, better.slice(0, hostsMax)))
}

function isNull(mx: DnsOutcome<MxRecord>): boolean {
  return mx.kind === 'found' && mx.records.length === 1
}

/**
 * Best preference first, equal ones at random. Without MX records the domain itself is the host. RFC 5321 §5.1,
 * RFC 7505 §3.
 */
function mailHostsOf(
  mx: Exclude<DnsOutcome<MxRecord>, { kind: 'failed' }>,
  domain: string,
  random: Random,
): readonly MxRecord[] {
  if (mx.kind === 'none') return [{ exchange: domain, preference: 0 }]
  return mx.records
    .filter(({ exchange }) => exchange !== '' && exchange !== '.')
    .map((record) => ({ record, chance: random.below(1 << 30) }))
    .sort((a, b) => a.record.preference - b.record.preference || a.chance - b.chance)
    .map(({ record }) => record)
}

function lookAll(tools: RouteTools, wanted: readonly WantedHost[]): Promise<Looked[]> {
  return Promise.all(wanted.map((host) => look(tools, host)))
}

async function look(
  { resolver, random, addressFamilies, isOurs }: RouteTools,
  { preference, ...facts }: WantedHost,
): Promise<Looked> {
  const { name, port, localAddresses, proxy } = facts
  // A proxy that does its own DNS lookups is given the name.
  const isAddress = /^[\d.]+$|:/.test(name) || proxy?.resolvesNames === true
  const outcome: DnsOutcome<string> = isAddress ? { kind: 'found', records: [name] } : await resolver.addresses(name)
  const found = outcome.kind === 'found' ? outcome : undefined
  const all = found?.records ?? []
  const addresses = orderAddresses(all, isAddress ? 'ipv4First' : addressFamilies, random).filter(
    (address) => !localAddresses || localAddresses.some((own) => own.includes(':') === address.includes(':')),
  )
  const canonicalName = found?.name === name ? undefined : found?.name
  return {
    preference,
    host: { ...facts, addresses, addressesSecure: found?.secure === true, canonicalName },
    exists: all.length > 0,
    failed: outcome.kind === 'failed',
    // An address behind a proxy is on the proxy's network, not ours.
    ours: !proxy && all.some((address) => isOurs?.(address, port)),
  }
}

/**
 * The hosts that can be tried: one of our own ends the list, with all of the same or worse preference. RFC 5321 §5.1.
 */
function chosen(looked: readonly Looked[]): Routed {
  const ours = looked.find(({ ours }) => ours)
  const better = ours ? looked.filter(({ preference }) => preference < ours.preference) : looked
  const hosts = better.map(({ host }) => host).filter(({ addresses }) => addresses.length > 0)
  if (hosts.length > 0) return { kind: 'hosts', hosts }
  if (better.some(({ failed }) => failed)) return { kind: 'later', status: dnsTrouble }
  if (ours) return { kind: 'never', status: loop }
  return { kind: 'never', status: better.some(({ exists }) => exists) ? noAddress : noDomain }
}
