/** Feedback reports: complaints about a message, and failures of its authentication. RFC 5965, RFC 6591, RFC 6692; RFC 7489 §7.3.1. */
import { bare, FieldWriter, parseGroups, parseReportDate, parseTyped } from './fields.ts'
import type { ReportDate, ReportField, TypedValue } from './fields.ts'

/** One DNS record that led to an SPF result. RFC 6591 §3.2.6. */
export interface SpfRecord {
  /** `txt` or `spf`. */
  readonly type: string
  readonly domain: string
  readonly record: string
}

/** A message/feedback-report part. RFC 5965 §3. Required fields may be missing in what is read. */
export interface FeedbackReport {
  /** Lower case: `abuse`, `fraud`, `virus`, `not-spam`, `auth-failure`, `other`. */
  readonly feedbackType?: string
  readonly userAgent?: string
  readonly version?: number
  readonly originalEnvelopeId?: string
  /** Without brackets; '' is the null reverse-path. */
  readonly originalMailFrom?: string
  /** Arrival-Date, or Received-Date. RFC 5965 §3.2. */
  readonly arrivalDate?: ReportDate
  readonly reportingMta?: TypedValue
  /** Without the brackets and the `IPv6:` of a literal. */
  readonly sourceIp?: string
  /** RFC 6692 §3. */
  readonly sourcePort?: number
  /** How many complaints this stands for. Default: 1. RFC 5965 §3.2. */
  readonly incidents?: number
  readonly authenticationResults: readonly string[]
  /** Without brackets. */
  readonly originalRcptTo: readonly string[]
  readonly reportedDomain: readonly string[]
  readonly reportedUri: readonly string[]
  /** Lower case: `adsp`, `bodyhash`, `revoked`, `signature`, `spf`, `dmarc`. RFC 6591 §3.3. */
  readonly authFailure?: string
  /** Lower case: `delivered`, `spam`, `policy`, `reject`, `other`. */
  readonly deliveryResult?: string
  readonly dkimDomain?: string
  readonly dkimIdentity?: string
  readonly dkimSelector?: string
  readonly dkimSelectorDns?: string
  readonly dkimAdspDns?: string
  readonly dkimCanonicalizedHeader?: Uint8Array
  readonly dkimCanonicalizedBody?: Uint8Array
  readonly spfDns: readonly SpfRecord[]
  /** For DMARC, what was not aligned: `dkim`, `spf` or `none`. RFC 7489 §7.3.1. */
  readonly identityAlignment?: string
  /** Fields that are unknown, or whose value could not be read. */
  readonly extensions: readonly ReportField[]
}

type Reading = {
  -readonly [key in keyof FeedbackReport]: FeedbackReport[key] extends readonly (infer One)[]
    ? One[]
    : FeedbackReport[key]
}

/** How a field is read; false where its value makes no sense. The first of a name counts where only one is allowed. */
const readers: Readonly<Record<string, (value: string, into: Reading) => unknown>> = {
  'feedback-type': (value, into) => (into.feedbackType ??= bare(value).toLowerCase()),
  'user-agent': (value, into) => (into.userAgent ??= value),
  version: (value, into) => (into.version ??= count(value)) !== undefined,
  'original-envelope-id': (value, into) => (into.originalEnvelopeId ??= value),
  'original-mail-from': (value, into) => (into.originalMailFrom ??= path(value)),
  'arrival-date': (value, into) => (into.arrivalDate ??= parseReportDate(value)) !== undefined,
  'received-date': (value, into) => (into.arrivalDate ??= parseReportDate(value)) !== undefined,
  'reporting-mta': (value, into) => (into.reportingMta ??= parseTyped(value)),
  'source-ip': (value, into) =>
    (into.sourceIp ??= bare(value)
      .replace(/^\[(.*)\]$/, '$1')
      .replace(/^ipv6:/i, '')),
  'source-port': (value, into) => (into.sourcePort ??= count(value)) !== undefined,
  incidents: (value, into) => (into.incidents ??= count(value)) !== undefined,
  'authentication-results': (value, into) => into.authenticationResults.push(value),
  'original-rcpt-to': (value, into) => into.originalRcptTo.push(path(value)),
  'reported-domain': (value, into) => into.reportedDomain.push(bare(value)),
  'reported-uri': (value, into) => into.reportedUri.push(value),
  'auth-failure': (value, into) => (into.authFailure ??= bare(value).toLowerCase()),
  'delivery-result': (value, into) => (into.deliveryResult ??= bare(value).toLowerCase()),
  'dkim-domain': (value, into) => (into.dkimDomain ??= bare(value)),
  'dkim-identity': (value, into) => (into.dkimIdentity ??= bare(value)),
  'dkim-selector': (value, into) => (into.dkimSelector ??= bare(value)),
  'dkim-selector-dns': (value, into) => (into.dkimSelectorDns ??= unquoted(value)),
  'dkim-adsp-dns': (value, into) => (into.dkimAdspDns ??= unquoted(value)),
  'dkim-canonicalized-header': (value, into) => (into.dkimCanonicalizedHeader ??= base64(value)) !== undefined,
  'dkim-canonicalized-body': (value, into) => (into.dkimCanonicalizedBody ??= base64(value)) !== undefined,
  'spf-dns'(value, into) {
    const found = /^\s*([a-z]+)\s*:\s*([^\s:]+)\s*:(.*)$/is.exec(value)
    if (found === null) return false
    return into.spfDns.push({ type: found[1]!.toLowerCase(), domain: found[2]!, record: unquoted(found[3]!) })
  },
  'identity-alignment': (value, into) => (into.identityAlignment ??= bare(value).toLowerCase()),
}

/** Reads the decoded body of a part, leniently: never throws, ignores blank lines. */
export function parseFeedbackReport(bytes: Uint8Array): FeedbackReport {
  const found: Reading = {
    authenticationResults: [],
    originalRcptTo: [],
    reportedDomain: [],
    reportedUri: [],
    spfDns: [],
    extensions: [],
  }
  for (const field of parseGroups(bytes).flat()) {
    const name = field.name.toLowerCase()
    if (!Object.hasOwn(readers, name) || readers[name]!(field.value, found) === false) found.extensions.push(field)
  }
  return found
}

/** An unsigned number of 32 bits. RFC 5965 §3.2. */
function count(value: string): number | undefined {
  const digits = /^(\d{1,10})(?:\.\d+)?$/.exec(bare(value))?.[1]
  return digits === undefined || Number(digits) > 0xffff_ffff ? undefined : Number(digits)
}

function path(value: string): string {
  const text = bare(value)
  return /^<([^<>]*)>/.exec(text)?.[1]?.trim() ?? text
}

function unquoted(value: string): string {
  const text = value.trim()
  return /^"(.*)"$/s.exec(text)?.[1]?.replace(/\\([^])/g, '$1') ?? text
}

function base64(value: string): Uint8Array | undefined {
  const text = value.replace(/\s+/g, '')
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? new Uint8Array(Buffer.from(text, 'base64')) : undefined
}

/**
 * The body of a part, CRLF lines; `parseFeedbackReport` reads it back as the same value. ASCII: other characters become question marks.
 * Throws a `ComposeFault` for a value without a type, or an invalid field name.
 */
export function formatFeedbackReport(report: FeedbackReport): string {
  const out = new FieldWriter()
  out.add('Feedback-Type', report.feedbackType)
  out.add('User-Agent', report.userAgent)
  out.add('Version', report.version)
  out.add('Original-Envelope-Id', report.originalEnvelopeId)
  if (report.originalMailFrom !== undefined) out.add('Original-Mail-From', `<${report.originalMailFrom}>`)
  out.date('Arrival-Date', report.arrivalDate)
  out.typed('Reporting-MTA', report.reportingMta)
  if (report.sourceIp !== undefined)
    out.add('Source-IP', report.sourceIp.includes(':') ? `IPv6:${report.sourceIp}` : report.sourceIp)
  out.add('Source-Port', report.sourcePort)
  out.add('Incidents', report.incidents)
  for (const value of report.authenticationResults) out.add('Authentication-Results', value)
  for (const value of report.originalRcptTo) out.add('Original-Rcpt-To', `<${value}>`)
  for (const value of report.reportedDomain) out.add('Reported-Domain', value)
  for (const value of report.reportedUri) out.add('Reported-URI', value)
  out.add('Auth-Failure', report.authFailure)
  out.add('Delivery-Result', report.deliveryResult)
  out.add('DKIM-Domain', report.dkimDomain)
  out.add('DKIM-Identity', report.dkimIdentity)
  out.add('DKIM-Selector', report.dkimSelector)
  out.add('DKIM-Selector-DNS', quoted(report.dkimSelectorDns))
  out.add('DKIM-ADSP-DNS', quoted(report.dkimAdspDns))
  out.add('DKIM-Canonicalized-Header', lines64(report.dkimCanonicalizedHeader))
  out.add('DKIM-Canonicalized-Body', lines64(report.dkimCanonicalizedBody))
  for (const { type, domain, record } of report.spfDns) out.add('SPF-DNS', `${type} : ${domain} : ${quoted(record)}`)
  out.add('Identity-Alignment', report.identityAlignment)
  out.all(report.extensions)
  return out.text.replace(/[^\x00-\x7f]/gu, '?')
}

function quoted(text: string | undefined): string | undefined {
  return text === undefined ? undefined : `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** Base64 with spaces in it, at which the field is folded: a line may have 998 octets at most. */
function lines64(bytes: Uint8Array | undefined): string | undefined {
  if (bytes === undefined) return undefined
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString('base64')
    .replace(/.{72}(?=.)/g, '$& ')
}
