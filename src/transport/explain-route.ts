/** Explains the route of a domain: its hosts now, and the security required of each connection. */
import { domainDestination } from '../mail/destination.ts'
import { recordWords } from '../trust/dane/tlsa.ts'
import { securityOf, TlsPolicyFault, type Security, type SecurityTools } from './smtp/tls-policy.ts'
import { routeTo, type Host, type RouteTools } from './route.ts'

export interface WayHost {
  readonly name: string
  readonly port: number
  readonly protocol: 'smtp' | 'lmtp'
  readonly addresses: readonly string[]
  readonly fallback: boolean
  /** Authenticated by DNSSEC, or set by the configuration. */
  readonly nameProved: boolean
  readonly addressesProved: boolean
  readonly signsInAs: string | undefined
  readonly proxy: string | undefined
  readonly security: Security['kind'] | 'impossible'
  /** Completes the sentence "the connection must be …". */
  readonly words: string
}

export type RouteExplanation =
  | { readonly kind: 'hosts'; readonly hosts: readonly WayHost[] }
  | { readonly kind: 'never' | 'later'; readonly words: string }

export async function explainRoute(
  tools: RouteTools & SecurityTools,
  domain: string,
  sender: string,
): Promise<RouteExplanation> {
  // With the wait of an old message, so that all fallbacks are included.
  const routed = await routeTo(tools, domainDestination(domain), sender, Number.MAX_SAFE_INTEGER)
  if (routed.kind !== 'hosts') {
    const { code, enhanced, text } = routed.status
    return { kind: routed.kind, words: `${code} ${enhanced} ${text}` }
  }
  return { kind: 'hosts', hosts: await Promise.all(routed.hosts.map((host) => hostOf(tools, host))) }
}

async function hostOf(tools: SecurityTools, host: Host): Promise<WayHost> {
  const { name, port, addresses, fallback = false, nameSecure = false, addressesSecure = false } = host
  const { proxy, username: signsInAs } = host
  const protocol = host.lmtp ? ('lmtp' as const) : ('smtp' as const)
  const facts = { name, port, protocol, addresses, fallback, nameProved: nameSecure, addressesProved: addressesSecure }
  const more = { signsInAs, proxy: proxy && `${proxy.host}:${proxy.port}` }
  try {
    const security = await securityOf(tools, host)
    return { ...facts, ...more, security: security.kind, words: wordsOf(security, host) }
  } catch (error) {
    if (!(error instanceof TlsPolicyFault)) throw error
    return { ...facts, ...more, security: 'impossible', words: error.message }
  }
}

function wordsOf(security: Security, { name, domain }: Host): string {
  switch (security.kind) {
    case 'none':
      return 'in clear, as the route wants it'
    case 'opportunistic':
      return security.testing
        ? `encrypted if the host can, for the MTA-STS policy of ${domain} is being tested`
        : 'encrypted if the host can'
    case 'encrypted':
      return 'encrypted, the certificate is not checked'
    case 'name':
      return `encrypted, with a certificate for ${name}`
    case 'sts':
      return `encrypted, with a certificate for ${name}: MTA-STS of ${domain}`
    case 'dane':
      return `encrypted, with what the DNS says: DANE ${security.records.map(recordWords).join(', ')}`
  }
}
