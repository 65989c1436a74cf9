/** A day's report to a domain: its JSON, and the message with it. RFC 8460 §4.4, §5.1–5.4. */
import { promisify } from 'node:util'
import { gzip as gzipWith } from 'node:zlib'
import type { MessageDraft } from '../../mail/compose/message.ts'
import { dayEndMs, dayStartMs, type PolicyCount } from './counts.ts'

const gzip = promisify(gzipWith)

export interface ReportFacts {
  readonly day: string
  /** The subject and the addressee of the report. */
  readonly domain: string
  readonly policies: readonly PolicyCount[]
  readonly organization: string
  /** Our contact address: `postmaster@example.org`. */
  readonly contact: string
}

/** The same id for a day and domain: a second copy is recognised. */
export function reportId({ day, domain, contact }: ReportFacts): string {
  return `${day}.${domain}@${submitterOf(contact)}`
}

function submitterOf(contact: string): string {
  return contact.slice(contact.lastIndexOf('@') + 1)
}

export function reportJson(facts: ReportFacts): object {
  const { day, domain, policies, organization, contact } = facts
  return {
    'organization-name': organization,
    'date-range': { 'start-datetime': `${day}T00:00:00Z`, 'end-datetime': `${day}T23:59:59Z` },
    'contact-info': contact,
    'report-id': reportId(facts),
    policies: policies.map(({ type, text, mx, good, bad, failures }) => ({
      policy: {
        'policy-type': type,
        ...(text.length === 0 ? {} : { 'policy-string': text }),
        'policy-domain': domain,
        ...(mx.length === 0 ? {} : { 'mx-host': mx }),
      },
      summary: { 'total-successful-session-count': good, 'total-failure-session-count': bad },
      ...(failures.length === 0
        ? {}
        : {
            'failure-details': failures.map((failure) => ({
              'result-type': failure.type,
              'sending-mta-ip': failure.localAddress,
              'receiving-mx-hostname': failure.mx,
              'receiving-ip': failure.address,
              'failed-session-count': failure.count,
              'failure-reason-code': failure.reason,
            })),
          }),
    })),
  }
}

export function reportBytes(facts: ReportFacts): Promise<Uint8Array> {
  return gzip(JSON.stringify(reportJson(facts)))
}

/** RFC 8460 §5.3. @param content the result of `reportBytes`. */
export function reportDraft(facts: ReportFacts, content: Uint8Array, to: string): MessageDraft {
  const { day, domain, contact } = facts
  const submitter = submitterOf(contact)
  const seconds = (ms: number): number => ms / 1000
  const name = `${submitter}!${domain}!${seconds(dayStartMs(day))}!${seconds(dayEndMs(day)) - 1}.json.gz`
  const text = `This is an aggregate TLS report from ${submitter} to ${domain} about ${day} (UTC).\nWhat it says is for programs: RFC 8460.\n`
  return {
    from: contact,
    to,
    subject: `Report Domain: ${domain} Submitter: ${submitter} Report-ID: <${reportId(facts)}>`,
    fields: [
      ['TLS-Report-Domain', domain],
      ['TLS-Report-Submitter', submitter],
      ['Auto-Submitted', 'auto-generated'],
    ],
    body: {
      kind: 'multipart',
      subtype: 'report',
      parameters: { 'report-type': 'tlsrpt' },
      parts: [
        { kind: 'text', subtype: 'plain', text },
        { kind: 'data', type: 'application/tlsrpt+gzip', content, disposition: 'attachment', fileName: name },
      ],
    },
  }
}
