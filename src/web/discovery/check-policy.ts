/**
 * Checks that senders can fetch our MTA-STS policy, as they would, and that it names the MX hosts. RFC 8461 §3.3, §4.
 */
import type { Clock } from '../../base/clock.ts'
import type { HttpClient } from '../../base/http-client.ts'
import { silentLog, type Log } from '../../base/log.ts'
import type { Resolver } from '../../base/resolver.ts'
import { StsPolicies } from '../../trust/mta-sts/policies.ts'
import { allowsHost, formatStsPolicy, type StsPolicy } from '../../trust/mta-sts/policy.ts'
import type { CheckedRecord } from './check.ts'

export interface PolicyCheckTools {
  readonly resolver: Resolver
  readonly http: HttpClient
  readonly clock: Clock
}

/**
 * @param wanted the policy as we serve it.
 * @returns undefined if no DNS record announces a policy: then senders do not fetch it.
 */
export async function checkPolicy(
  domain: string,
  wanted: string,
  tools: PolicyCheckTools,
): Promise<CheckedRecord | undefined> {
  let problem: unknown
  const log: Log = { ...silentLog, warn: (_, facts) => (problem = facts?.['problem']) }
  const keep = { read: async () => undefined, write: async () => {} }
  const { policy, failure } = await new StsPolicies({ ...tools, log, keep }).of(domain)
  const told = (state: CheckedRecord['state'], found: string, needed = false): CheckedRecord => ({
    name: `https://mta-sts.${domain}/.well-known/mta-sts.txt`,
    type: 'POLICY',
    value: oneLine(wanted),
    why: 'the policy itself, as senders fetch it',
    needed,
    state,
    found,
  })
  // A record announces the policy, but it could not be fetched.
  if (failure !== undefined) return told('differs', String(problem ?? failure))
  if (!policy) return undefined
  const strays = await straysOf(domain, policy, tools.resolver)
  const found = oneLine(formatStsPolicy(policy))
  // Senders that enforce the policy do not deliver to these.
  if (strays.length > 0)
    return told('differs', `${found}; it does not name ${strays.join(', ')}`, policy.mode === 'enforce')
  return told(formatStsPolicy(policy) === wanted ? 'right' : 'differs', found)
}

function oneLine(policy: string): string {
  return policy.trim().split('\r\n').join(', ')
}

/** MX hosts that the policy does not allow. */
async function straysOf(domain: string, policy: StsPolicy, resolver: Resolver): Promise<string[]> {
  const mx = await resolver.mx(domain)
  if (mx.kind !== 'found' || policy.mode === 'none') return []
  return mx.records.map(({ exchange }) => exchange).filter((host) => !allowsHost(policy, host))
}
