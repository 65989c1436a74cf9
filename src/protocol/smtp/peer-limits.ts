/** What a server says that it takes at most, and recipients in groups that keep to it. LIMITS, RFC 9422. */

export interface PeerLimits {
  /** Messages on one connection. */
  readonly mailMax: number
  /** Recipients of one message, in all and different domains of theirs. */
  readonly rcptMax: number
  readonly rcptDomainMax: number
}

export const noLimits: PeerLimits = { mailMax: Infinity, rcptMax: Infinity, rcptDomainMax: Infinity }

/** @param parameters of the LIMITS keyword; what is not understood is passed over, as RFC 9422 §3 wants it. */
export function parseLimits(parameters: string | undefined): PeerLimits {
  const found = new Map<string, number>()
  for (const word of (parameters ?? '').split(' ')) {
    const match = /^([A-Z0-9-]+)=([1-9]\d{0,5})$/i.exec(word)
    if (match) found.set(match[1]!.toUpperCase(), Number(match[2]))
  }
  if (found.size === 0) return noLimits
  return {
    mailMax: found.get('MAILMAX') ?? Infinity,
    rcptMax: found.get('RCPTMAX') ?? Infinity,
    rcptDomainMax: found.get('RCPTDOMAINMAX') ?? Infinity,
  }
}

/** The places of the recipients, in groups that one transaction takes. */
export function groupsOf(recipients: readonly string[], limits: PeerLimits): number[][] {
  const groups: number[][] = []
  let domains = new Set<string>()
  for (const [at, address] of recipients.entries()) {
    const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
    const group = groups.at(-1)
    const fits =
      group !== undefined &&
      group.length < limits.rcptMax &&
      (domains.has(domain) || domains.size < limits.rcptDomainMax)
    if (fits) group.push(at)
    else {
      groups.push([at])
      domains = new Set()
    }
    domains.add(domain)
  }
  return groups
}
