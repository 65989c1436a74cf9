/** DMARC: whether the domain in From, which readers see, is authenticated, and its policy for messages that are not. RFC 7489. */
import type { DnsOutcome } from '../../base/resolver.ts'
import type { DkimVerdict } from '../dkim/verify.ts'
import type { SpfVerdict } from '../spf/check.ts'
import { organizationalDomain } from './organizational-domain.ts'
import { isDmarcRecord, parseDmarcRecord, type DmarcPolicy, type DmarcRecord } from './record.ts'

export interface DmarcDns {
  txt(name: string): Promise<DnsOutcome<string>>
}

export interface DmarcQuestion {
  /** Domains of the From field's addresses, A-labels. */
  readonly fromDomains: readonly string[]
  /** From is a single field that all programs read alike; else `fromDomains` are those that some program may show. */
  readonly certain: boolean
  readonly spf: SpfVerdict
  readonly dkim: readonly DkimVerdict[]
}

export interface DmarcVerdict {
  /** RFC 7489 §11.2; 'none': the domain has no DMARC record. */
  readonly result: 'none' | 'pass' | 'fail' | 'temperror' | 'permerror'
  /** The domain in From. */
  readonly domain: string
  /** The domain's policy for messages that fail. */
  readonly policy: DmarcPolicy
  readonly percent: number
  /** Which of the two passed for an aligned domain. */
  readonly aligned: readonly ('spf' | 'dkim')[]
  readonly problem?: string
  readonly record?: DmarcRecord
  /** From was not certain: a pass does not tell what readers see. */
  readonly unclear?: true
  /** From has more domains than are looked up. */
  readonly tooMany?: true
  /** The verdicts of each domain, if From has several; this verdict is the most severe of them. RFC 7489 §6.6.1. */
  readonly each?: readonly DmarcVerdict[]
}

/** Domains that are looked up: real messages have one, and each further one is a query to a foreign name server. */
export const authorDomainsMax = 20

export async function checkDmarc(question: DmarcQuestion, dns: DmarcDns): Promise<DmarcVerdict> {
  const { fromDomains, certain } = question
  const domains = [...new Set(fromDomains.map((one) => one.toLowerCase()))].filter((one) => one !== '')
  const nothing = { domain: domains[0] ?? '', policy: 'none', percent: 100, aligned: [] } as const
  if (domains.length === 0) return { ...nothing, result: 'permerror', problem: 'From has no domain' }
  if (domains.length > authorDomainsMax)
    return {
      ...nothing,
      result: 'permerror',
      problem: `From has more than ${authorDomainsMax} domains`,
      unclear: true,
      tooMany: true,
    }
  const each = await Promise.all(domains.map((domain) => checkDomain(domain, question, dns)))
  const gravest = each.reduce((one, other) => (gravityOf(other) > gravityOf(one) ? other : one))
  if (certain) return each.length === 1 ? gravest : { ...gravest, each }
  const problem = 'From is several fields, or not what RFC 5322 has'
  const unsure = each.map((one): DmarcVerdict => ({
    ...one,
    unclear: true,
    result: one.result === 'temperror' ? 'temperror' : 'permerror',
    aligned: [],
    problem: one.result === 'temperror' ? one.problem! : problem,
  }))
  return { ...unsure.reduce((one, other) => (gravityOf(other) > gravityOf(one) ? other : one)), each: unsure }
}

const policies: readonly DmarcPolicy[] = ['none', 'quarantine', 'reject']
const results: readonly DmarcVerdict['result'][] = ['pass', 'none', 'permerror', 'temperror', 'fail']

/** Ordered by the domain's policy first, then by the result; a pass is the least severe. */
function gravityOf({ result, policy }: DmarcVerdict): number {
  return results.indexOf(result) + (result === 'pass' ? 0 : 10 * policies.indexOf(policy))
}

async function checkDomain(domain: string, { spf, dkim }: DmarcQuestion, dns: DmarcDns): Promise<DmarcVerdict> {
  const verdict = (result: DmarcVerdict['result'], problem?: string): DmarcVerdict => ({
    result,
    domain,
    policy: 'none',
    percent: 100,
    aligned: [],
    ...(problem === undefined ? {} : { problem }),
  })
  const found = await findRecord(domain, dns)
  if (found === 'temperror') return verdict('temperror', `no answer about _dmarc.${domain}`)
  if (!found) return verdict('none', `${domain} has no DMARC record`)
  const { record, own } = found
  const organization = organizationalDomain(domain)
  const fits = (name: string, strict: boolean): boolean =>
    name === domain || (!strict && organizationalDomain(name) === organization)
  const aligned: ('spf' | 'dkim')[] = []
  if (spf.result === 'pass' && fits(spf.domain.toLowerCase(), record.spfStrict)) aligned.push('spf')
  if (dkim.some((one) => one.result === 'pass' && fits(one.domain, record.dkimStrict))) aligned.push('dkim')
  const unsure = spf.result === 'temperror' || dkim.some(({ result }) => result === 'temperror')
  const result = aligned.length > 0 ? 'pass' : unsure ? 'temperror' : 'fail'
  const policy = own ? record.policy : record.subdomainPolicy
  return { result, domain, policy, percent: record.percent, aligned, record }
}

/** The domain's own record, else its organisation's. RFC 7489 §6.6.3. */
async function findRecord(
  domain: string,
  dns: DmarcDns,
): Promise<{ record: DmarcRecord; own: boolean } | 'temperror' | undefined> {
  const organization = organizationalDomain(domain)
  for (const name of new Set([domain, organization])) {
    const outcome = await dns.txt(`_dmarc.${name}`)
    if (outcome.kind === 'failed') return 'temperror'
    const records = outcome.kind === 'found' ? outcome.records.filter(isDmarcRecord) : []
    // Several records count as none.
    if (records.length !== 1) continue
    const record = parseDmarcRecord(records[0]!)
    if (record) return { record, own: name === domain }
  }
  return undefined
}
