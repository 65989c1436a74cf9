/** Checks the DNS records of a local domain. */
import type { DnsOutcome, Resolver } from '../../base/resolver.ts'
import { formatTlsaRecord } from '../../trust/dane/tlsa.ts'
import { parseStsRecord } from '../../trust/mta-sts/policy.ts'
import type { DnsRecord } from './dns.ts'

export interface CheckedRecord extends Omit<DnsRecord, 'type'> {
  /** 'POLICY': not a record, but the policy that one announces. */
  readonly type: DnsRecord['type'] | 'POLICY'
  /** 'differs': there is another value; 'unknown': the DNS did not answer. */
  readonly state: 'right' | 'missing' | 'differs' | 'unknown'
  /** The value in the DNS, in words. */
  readonly found: string
}

/** Looks up each record. The answers are those of our resolver: others may still have older ones. */
export async function checkRecords(records: readonly DnsRecord[], resolver: Resolver): Promise<CheckedRecord[]> {
  return Promise.all(records.map(async (record) => ({ ...record, ...(await check(record, resolver)) })))
}

type Outcome = Pick<CheckedRecord, 'state' | 'found'> & Partial<Pick<CheckedRecord, 'needed'>>

function judge<T>(
  outcome: DnsOutcome<T>,
  words: (record: T) => string,
  right: (records: readonly T[]) => boolean,
): Outcome {
  if (outcome.kind === 'failed') return { state: 'unknown', found: `no answer (${outcome.reason})` }
  if (outcome.kind === 'none') return { state: 'missing', found: 'nothing' }
  const found = outcome.records.map(words).join(', ')
  return { state: right(outcome.records) ? 'right' : 'differs', found }
}

async function check({ name, type, value }: DnsRecord, resolver: Resolver): Promise<Outcome> {
  switch (type) {
    case 'A/AAAA':
      return checkHost(name, resolver)
    case 'MX': {
      const [, exchange] = value.replace(/\.$/, '').split(' ')
      return judge(
        await resolver.mx(name),
        (mx) => `${mx.preference} ${mx.exchange}.`,
        (all) => all.some((mx) => mx.exchange === exchange),
      )
    }
    case 'TXT': {
      // Of several TXT records only those of the same kind matter; their other contents are the operator's choice.
      const kind = value.split(/[; ]/)[0]!.toLowerCase()
      const outcome = await resolver.txt(name)
      const ours = outcome.kind === 'found' ? outcome.records.filter((text) => text.toLowerCase().startsWith(kind)) : []
      if (outcome.kind === 'found' && ours.length === 0) return { state: 'missing', found: `no ${kind}` }
      return judge(
        outcome.kind === 'found' ? { kind: 'found', records: ours } : outcome,
        (text) => text,
        // The id of MTA-STS tells senders about a new policy; other contents of such records are the operator's choice.
        (all) => all.length === 1 && parseStsRecord(all) === parseStsRecord([value]),
      )
    }
    case 'TLSA': {
      const outcome = await resolver.tlsa(name)
      const told = judge(outcome, formatTlsaRecord, (all) => all.map(formatTlsaRecord).includes(value))
      // No TLSA record is harmless; one that matches no key stops mail.
      return told.state === 'differs' ? { ...told, needed: true } : told
    }
    case 'CNAME': {
      const [there, host] = await Promise.all([resolver.addresses(name), resolver.addresses(value.replace(/\.$/, ''))])
      const same = (all: readonly string[]): boolean =>
        host.kind === 'found' && all.some((address) => host.records.includes(address))
      return judge(there, (address) => address, same)
    }
    case 'SRV': {
      const [, , port, target] = value.split(' ')
      const wanted = `${port} ${target!.replace(/\.$/, '')}`
      const outcome = await resolver.srv(name)
      if (target === '.' && outcome.kind === 'none') return { state: 'right', found: 'nothing, which is fine' }
      return judge(
        outcome,
        (srv) => `${srv.priority} ${srv.weight} ${srv.port} ${srv.target}.`,
        (all) => all.some((srv) => `${srv.port} ${srv.target}` === wanted),
      )
    }
  }
}

/** Checks the addresses, and the reverse name of each: many receivers refuse mail of hosts without a matching one. */
async function checkHost(name: string, resolver: Resolver): Promise<Outcome> {
  const outcome = await resolver.addresses(name)
  const plain = judge(
    outcome,
    (address) => address,
    () => true,
  )
  if (outcome.kind !== 'found') return plain
  const back = await Promise.all(outcome.records.map((address) => resolver.reverse(address)))
  const strays = outcome.records.filter((_, i) => {
    const one = back[i]!
    return one.kind !== 'found' || !one.records.includes(name)
  })
  if (strays.length === 0) return plain
  return { state: 'differs', found: `${plain.found}; the reverse name of ${strays.join(', ')} is not ${name}` }
}
