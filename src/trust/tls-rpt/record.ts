/** Where a domain wishes to have reports of TLS sent: the record at `_smtp._tls`. RFC 8460 §3. */
import { parseMailbox } from '../../mail/address.ts'
import type { Mailbox } from '../../mail/envelope.ts'

export type ReportTarget =
  { readonly kind: 'mailto'; readonly mailbox: Mailbox } | { readonly kind: 'https'; readonly url: string }

/** More places than this are a way to make us send. */
const targetsMax = 5

/** The targets of the one valid record, in its order; none where there is no such record. Unknown fields are passed over. */
export function parseTlsRptRecord(texts: readonly string[]): readonly ReportTarget[] {
  const records = texts.filter((text) => /^v=TLSRPTv1[ \t]*;/.test(text))
  if (records.length !== 1) return []
  const fields = records[0]!.split(';').map((field) => field.trim())
  if (fields.at(-1) === '') fields.pop()
  let rua: string | undefined
  for (const field of fields.slice(1)) {
    const found = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31})=(.+)$/.exec(field)
    if (!found) return []
    if (found[1] === 'rua') rua ??= found[2]
  }
  return (rua ?? '')
    .split(',')
    .slice(0, targetsMax)
    .flatMap((uri) => parseTarget(uri.trim()) ?? [])
}

function parseTarget(uri: string): ReportTarget | undefined {
  if (/^https:\/\//i.test(uri)) return URL.canParse(uri) ? { kind: 'https', url: uri } : undefined
  if (!/^mailto:/i.test(uri)) return undefined
  // RFC 6068 §2: what stands behind the question mark are header fields, which are ours.
  const [address = ''] = uri.slice('mailto:'.length).split('?')
  try {
    const mailbox = parseMailbox(decodeURIComponent(address))
    return mailbox && { kind: 'mailto', mailbox }
  } catch {
    return undefined
  }
}
