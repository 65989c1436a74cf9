/** The name of a set of hosts, and the limits that the configuration sets for it. */
import { fitsDomain } from '../mail/domain-pattern.ts'
import type { DestinationRule } from '../queue/options.ts'
import type { Host } from './route.ts'

/** The most specific rule for a destination: its own name goes before names of its hosts. */
export function ruleFor(
  rules: readonly DestinationRule[],
  destination: string,
  hosts: readonly Pick<Host, 'name'>[],
): DestinationRule | undefined {
  const best = (names: readonly string[]): DestinationRule | undefined =>
    rules
      .filter(({ match }) => names.some((name) => fitsDomain(match, name)))
      .sort((a, b) => Number(b.match[0] !== '*') - Number(a.match[0] !== '*') || b.match.length - a.match.length)[0]
  const own = best([destination])
  return own && own.match !== '*' ? own : (best(hosts.map(({ name }) => name.toLowerCase())) ?? own)
}

/**
 * The name of a set of hosts, in any order of the DNS; if a rule covers the hosts, the rule's. The local address is
 * part of it: a host may block one address of ours and accept another.
 */
export function nextHopName(
  hosts: readonly Pick<Host, 'name' | 'port' | 'localAddresses' | 'proxy'>[],
  rule: DestinationRule | undefined,
): string {
  const from = hosts[0]?.localAddresses ?? []
  const proxy = hosts[0]?.proxy
  const via = [...from, ...(proxy ? [`${proxy.host}:${proxy.port}`] : [])]
  const suffix = via.length === 0 ? '' : ` from ${via.join(' ')}`
  if (rule && rule.match !== '*' && hosts.some(({ name }) => fitsDomain(rule.match, name.toLowerCase())))
    return rule.match + suffix
  const names = [...new Set(hosts.map(({ name, port }) => (port === 25 ? name : `${name}:${port}`)))]
  return names.sort().join(' ') + suffix
}
