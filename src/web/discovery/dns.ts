/**
 * The DNS records of a domain: for its mail host, and for the settings of mail programs. RFC 5321 §5, RFC 7208,
 * RFC 7489, RFC 6186, RFC 8314 §5.1.
 */
import type { Offer } from './settings.ts'

export interface DnsRecord {
  /** Absolute, without its final dot. */
  readonly name: string
  readonly type: 'A/AAAA' | 'MX' | 'TXT' | 'SRV' | 'CNAME' | 'TLSA'
  readonly value: string
  readonly why: string
  /** Mail does not work without it; the others are recommended. */
  readonly needed: boolean
}

const srvNames = {
  imap: { implicit: '_imaps', starttls: '_imap' },
  pop3: { implicit: '_pop3s', starttls: '_pop3' },
  submission: { implicit: '_submissions', starttls: '_submission' },
} as const

/** @param keys name and value of the domain's DKIM records. */
export function recordsFor(
  domain: string,
  hostname: string,
  offers: readonly Offer[],
  keys: readonly { readonly name: string; readonly value: string }[] = [],
): DnsRecord[] {
  const record = (needed: boolean, name: string, type: DnsRecord['type'], value: string, why: string): DnsRecord => ({
    name,
    type,
    value,
    why,
    needed,
  })
  const records = [
    record(
      true,
      hostname,
      'A/AAAA',
      "this machine's addresses",
      'address of this host; its reverse DNS (PTR) should give the same name',
    ),
    record(true, domain, 'MX', `10 ${hostname}.`, 'mail for the domain is delivered to this host'),
    record(true, domain, 'TXT', 'v=spf1 mx -all', 'only these hosts send mail for the domain (SPF)'),
    record(
      false,
      `_dmarc.${domain}`,
      'TXT',
      `v=DMARC1; p=none; rua=mailto:postmaster@${domain}`,
      'receivers report mail that claims to be from the domain (DMARC); raise p to quarantine, then reject',
    ),
  ]
  for (const { name, value } of keys)
    records.push(record(true, name, 'TXT', value, 'public key for DKIM signatures of the domain'))
  for (const role of ['imap', 'pop3', 'submission'] as const) {
    for (const tls of ['implicit', 'starttls'] as const) {
      const offer = offers.find((one) => one.role === role && one.tls === tls)
      const name = `${srvNames[role][tls]}._tcp.${domain}`
      // "." means not offered, so that programs do not try. RFC 6186 §3.4.
      const value = offer ? `${tls === 'implicit' ? 0 : 10} 1 ${offer.port} ${offer.hostname}.` : '0 0 0 .'
      records.push(
        record(false, name, 'SRV', value, offer ? 'mail programs find their settings' : 'not offered by this host'),
      )
    }
  }
  records.push(
    record(false, `autoconfig.${domain}`, 'CNAME', `${hostname}.`, 'Thunderbird and others fetch their settings here'),
    record(false, `autodiscover.${domain}`, 'CNAME', `${hostname}.`, 'Outlook fetches its settings here'),
    record(
      false,
      `_autodiscover._tcp.${domain}`,
      'SRV',
      `0 1 443 ${hostname}.`,
      'for Outlook, if the certificate does not have the name above',
    ),
  )
  return records
}

/** A line of a zone file. */
export function formatRecord({ name, type, value }: DnsRecord): string {
  const text = type === 'TXT' ? quoted(value) : value
  return `${`${name}.`.padEnd(40)} ${type === 'A/AAAA' ? '; A, AAAA:' : `IN ${type}`.padEnd(10)} ${text}`
}

/** Strings of at most 255 bytes. RFC 1035 §3.3. */
function quoted(text: string): string {
  return (text.match(/[^]{1,255}/g) ?? ['']).map((part) => `"${part.replace(/["\\]/g, '\\$&')}"`).join(' ')
}
