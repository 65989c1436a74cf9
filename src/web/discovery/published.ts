/**
 * DNS records and policy for those who send to our domains: MTA-STS (RFC 8461), TLS reports (RFC 8460) and DANE
 * (RFC 7672).
 */
import { createHash } from 'node:crypto'
import { endEntityRecord, formatTlsaRecord } from '../../trust/dane/tlsa.ts'
import { formatStsPolicy, formatStsRecord } from '../../trust/mta-sts/policy.ts'
import type { DnsRecord } from './dns.ts'
import type { PublishOptions } from './publish-options.ts'

/** The known certificates, DER; empty if none could be read. */
export interface KnownCertificates {
  /** For our hostname: the one in use first, then the present one of its file. */
  readonly ofHost: readonly Uint8Array[]
  /** Whether the certificate at `mta-sts.DOMAIN` has that name; undefined: not known. */
  readonly namesPolicyHost: boolean | undefined
}

/** One policy for all our domains, as they share the same hosts. */
export function ownPolicy(hostname: string, options: PublishOptions): string {
  const { mtaSts: mode, mtaStsHosts: hosts, mtaStsMaxAgeMs } = options
  return formatStsPolicy({
    mode,
    mx: hosts.length === 0 ? [hostname] : hosts,
    maxAgeS: Math.floor(mtaStsMaxAgeMs / 1000),
  })
}

/**
 * Derived from the policy's bytes: senders fetch it again exactly when it changes, without a counter. RFC 8461 §3.1.
 */
export function policyId(policy: string): string {
  return createHash('sha256').update(policy).digest('hex').slice(0, 20)
}

/** For a mailto URI in a list, where `,`, `;` and `!` have a meaning. RFC 8460 §3, RFC 6068 §2. */
function mailto(address: string): string {
  const at = address.lastIndexOf('@')
  const localPart = encodeURIComponent(address.slice(0, at)).replaceAll('!', '%21')
  return `mailto:${localPart}@${address.slice(at + 1)}`
}

export function publishedRecords(
  domain: string,
  hostname: string,
  options: PublishOptions,
  known: KnownCertificates,
): DnsRecord[] {
  const record = (name: string, type: DnsRecord['type'], value: string, why: string): DnsRecord => ({
    name,
    type,
    value,
    why,
    needed: false,
  })
  const policy = ownPolicy(hostname, options)
  const host = `mta-sts.${domain}`
  const strange =
    known.namesPolicyHost === false ? ' (the certificate in use does not, so the policy cannot be fetched yet)' : ''
  return [
    record(
      host,
      'CNAME',
      `${hostname}.`,
      `senders fetch our MTA-STS policy here by https; the certificate must have this name${strange}`,
    ),
    record(
      `_mta-sts.${domain}`,
      'TXT',
      formatStsRecord(policyId(policy)),
      `announces the MTA-STS policy (mode ${options.mtaSts}); publish it last, and again when [publish] changes`,
    ),
    record(
      `_smtp._tls.${domain}`,
      'TXT',
      `v=TLSRPTv1; rua=${mailto(options.tlsReportsTo ?? `postmaster@${domain}`)}`,
      'senders report each day about TLS connections to us (TLS-RPT)',
    ),
    ...tlsaRecords(hostname, known.ofHost).map((value, at) =>
      record(`_25._tcp.${hostname}`, 'TLSA', value, tlsaWords[at === 0 ? 0 : 1]),
    ),
  ]
}

const tlsaWords = [
  'the key of our certificate (DANE). It counts only in a zone signed with DNSSEC, and then no other key is accepted: publish the next key before it changes',
  'the next key, already in the certificate file; reload two TTLs after publishing this, then remove the other record (RFC 7671 §8.1)',
] as const

function tlsaRecords(hostname: string, certificates: readonly Uint8Array[]): string[] {
  const values = certificates.flatMap((certificate) => {
    const found = endEntityRecord(certificate)
    return found ? [formatTlsaRecord(found)] : []
  })
  return [...new Set(values)]
}
