/**
 * The security required of a connection, by the route, DANE, MTA-STS and the sender. RFC 7672, RFC 8461, RFC 8689,
 * RFC 7435.
 */
import type { Live } from '../../base/live.ts'
import { isLoopback } from '../../base/loopback.ts'
import type { Clock } from '../../base/clock.ts'
import type { TlsClientOptions, TlsFacts } from '../../base/network.ts'
import type { Resolver, TlsaRecord } from '../../base/resolver.ts'
import { checkDane } from '../../trust/dane/check.ts'
import { usableRecords } from '../../trust/dane/tlsa.ts'
import type { StsPolicies } from '../../trust/mta-sts/policies.ts'
import { allowsHost, type StsPolicy } from '../../trust/mta-sts/policy.ts'
import type { Host } from '../route.ts'
import type { TlsFailure, TlsNotes } from './tls-notes.ts'

export interface SecurityTools {
  readonly resolver: Resolver
  readonly clock: Clock
  /** undefined: MTA-STS policies are not used. */
  readonly sts?: Pick<StsPolicies, 'of'>
  /** Certificate authorities in addition to the well-known ones, PEM. */
  readonly authorities?: Live<readonly string[]>
  readonly tlsNotes?: TlsNotes
}

/** Required of a connection before a message is sent over it. */
export type Security =
  | { readonly kind: 'none' }
  /** Encrypted if offered, with any certificate. */
  | { readonly kind: 'opportunistic'; readonly testing?: StsPolicy; readonly failure?: TlsFailure }
  /** Encrypted, with any certificate: its TLSA records are unusable (RFC 7672 §2.2), or it is this machine. */
  | { readonly kind: 'encrypted' }
  /** A certificate for its name from a known authority, as the route or the sender requires. */
  | { readonly kind: 'name' }
  | { readonly kind: 'sts'; readonly policy: StsPolicy }
  | {
      readonly kind: 'dane'
      readonly records: readonly TlsaRecord[]
      readonly base: string
      readonly names: readonly string[]
    }

/** The required security is not met; nothing was sent. */
export class TlsPolicyFault extends Error {
  /** RFC 3463 §3.8, RFC 8689 §4.2.1. */
  readonly enhanced: string
  constructor(enhanced: string, text: string) {
    super(text)
    this.name = 'TlsPolicyFault'
    this.enhanced = enhanced
  }
}

/** Encryption needed, and a cryptographic failure. */
const status = { needsTls: '4.7.10', wrongPeer: '4.7.5', needsTlsForGood: '5.7.10' } as const

/** Connections may be shared by messages with the same required security: their keys are equal. */
export function securityKey(security: Security): string {
  if (security.kind !== 'dane') return security.kind
  const records = security.records.map(({ usage, selector, matching, data }) =>
    [usage, selector, matching, Buffer.from(data).toString('base64')].join(),
  )
  return ['dane', security.base, ...security.names, ...records].join(' ')
}

/** The security required of a host. Throws a TlsPolicyFault if it cannot be met: the next host is tried. */
export async function securityOf(tools: SecurityTools, host: Host): Promise<Security> {
  const demanded = host.tls === 'required' || host.tls === 'implicit'
  if (host.demand === 'requireTls') return requiredBySender(tools, host)
  if (host.tls === 'none') return { kind: 'none' }
  // The sender prefers delivery to secrecy. RFC 8689 §5: what the operator requires of a route still applies.
  if (host.demand === 'tlsOptional' && !demanded) return { kind: 'opportunistic' }
  const dane = await daneOf(tools, host)
  if (dane?.kind === 'dane') return dane
  if (dane && !demanded) return dane
  const sts = await stsOf(tools, host)
  // A route may require more than the domain does, never less.
  if (demanded && sts.kind === 'opportunistic') return { kind: host.addresses.every(isLoopback) ? 'encrypted' : 'name' }
  return sts
}

/** RFC 8689 §4.2.1: the name must be authenticated, by DNSSEC or a policy, and the certificate must match it. */
async function requiredBySender(tools: SecurityTools, host: Host): Promise<Security> {
  const dane = host.tls === 'none' ? undefined : await daneOf(tools, host)
  if (dane?.kind === 'dane') return dane
  if (host.tls !== 'none') {
    if (host.nameSecure) return { kind: 'name' }
    const { policy } = (host.domain !== undefined && (await tools.sts?.of(host.domain))) || {}
    if (policy && policy.mode !== 'none' && allowsHost(policy, host.name)) return { kind: 'sts', policy }
  }
  throw new TlsPolicyFault(
    status.needsTlsForGood,
    'The message asks for TLS all the way (REQUIRETLS), and nothing proves that this is the right host',
  )
}

/** undefined: it has no TLSA records, or they are not authenticated. */
async function daneOf(
  { resolver, tlsNotes }: SecurityTools,
  host: Host,
): Promise<Extract<Security, { kind: 'dane' | 'encrypted' }> | undefined> {
  // Without DNSSEC on the way to the host, its records would protect a host of the attacker's choice. RFC 7672 §2.2.1.
  if (!host.nameSecure || !host.addressesSecure) return undefined
  // The end of the CNAME chain first, then the name itself. RFC 7672 §2.2.3.
  const bases = [...new Set([host.canonicalName ?? host.name, host.name])]
  for (const base of bases) {
    const found = await resolver.tlsa(`_${host.port}._tcp.${base}`)
    if (found.kind === 'failed') {
      tlsNotes?.note(host, { type: 'no-policy-found' }, 'dnssec-invalid')
      throw new TlsPolicyFault(status.wrongPeer, `The DNS does not answer for the TLSA records of ${base}`)
    }
    if (found.kind === 'none' || !found.secure) continue
    const records = usableRecords(found.records)
    if (records.length === 0) return { kind: 'encrypted' }
    const names = [...new Set([base, ...(host.domain === undefined ? [] : [host.domain])])]
    return { kind: 'dane', records, base, names }
  }
  return undefined
}

async function stsOf({ sts, tlsNotes }: SecurityTools, host: Host): Promise<Security> {
  if (host.domain === undefined || !sts) return { kind: 'opportunistic' }
  const { policy, failure } = await sts.of(host.domain)
  if (!policy || policy.mode === 'none') return { kind: 'opportunistic', failure }
  if (policy.mode === 'testing') return { kind: 'opportunistic', testing: policy }
  if (allowsHost(policy, host.name)) return { kind: 'sts', policy }
  tlsNotes?.note(host, { type: 'sts', policy }, 'validation-failure')
  throw new TlsPolicyFault(status.wrongPeer, `The MTA-STS policy of ${host.domain} does not allow this host`)
}

/** Whether nothing may be sent without TLS. */
export function needsTls({ kind }: Security): boolean {
  return kind !== 'none' && kind !== 'opportunistic'
}

/** The fault of a host without STARTTLS. */
export function noTlsFault({ demand }: Host): TlsPolicyFault {
  return new TlsPolicyFault(
    demand === 'requireTls' ? status.needsTlsForGood : status.needsTls,
    'The server offers no STARTTLS, and without it nothing is sent there',
  )
}

/**
 * Options for the handshake. A wrong peer is detected before anything is sent to it.
 * @param failed called with the result type if DANE fails.
 */
export function tlsOptions(
  tools: SecurityTools,
  host: Host,
  security: Security,
  failed: (failure: TlsFailure) => void,
): TlsClientOptions {
  const plain = { serverName: host.name, verify: 'none' as const, ca: tools.authorities?.now }
  if (security.kind === 'sts' || security.kind === 'name') return { ...plain, verify: 'name' }
  if (security.kind !== 'dane') return plain
  const accept = ({ chain = [] }: TlsFacts): void => {
    const result = checkDane(security.records, chain, security.names, tools.clock.now())
    if (result.kind === 'verified') return
    failed(result.type)
    throw new TlsPolicyFault(status.wrongPeer, `DANE: ${result.problem}`)
  }
  // RFC 7672 §8.1: the server chooses its certificate by the TLSA base domain.
  return { ...plain, serverName: security.base, showChain: true, accept }
}

/** `TLSv1.3 TLS_AES_256_GCM_SHA384 (DANE 3 1 1 verified)`. */
export function tlsWords(security: Security, facts: TlsFacts, nowMs: number): string {
  const words = `${facts.version} ${facts.cipher}`
  switch (security.kind) {
    case 'dane': {
      const result = checkDane(security.records, facts.chain ?? [], security.names, nowMs)
      return `${words} (DANE ${result.kind === 'verified' ? result.record : ''} verified)`
    }
    case 'sts':
      return `${words} (MTA-STS verified)`
    case 'name':
      return `${words} (certificate verified)`
    case 'opportunistic':
      return security.testing ? `${words} (MTA-STS testing: ${facts.problem ?? 'verified'})` : words
    default:
      return words
  }
}
