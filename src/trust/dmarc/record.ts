/** DMARC records. RFC 7489 §6.3. */

export type DmarcPolicy = 'none' | 'quarantine' | 'reject'

export interface DmarcRecord {
  readonly policy: DmarcPolicy
  /** For subdomains that have no record of their own. */
  readonly subdomainPolicy: DmarcPolicy
  readonly dkimStrict: boolean
  readonly spfStrict: boolean
  /** The percentage of failing messages that the policy applies to. */
  readonly percent: number
  /** Where daily reports go: mailto addresses. */
  readonly reportTo: readonly string[]
}

export function isDmarcRecord(text: string): boolean {
  return /^v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/.test(text)
}

/**
 * @returns undefined for text that is no record, or has no usable policy. Unknown and malformed tags are ignored. RFC 7489 §6.3, §6.6.3.
 */
export function parseDmarcRecord(text: string): DmarcRecord | undefined {
  if (!isDmarcRecord(text)) return undefined
  const tags = new Map<string, string>()
  for (const part of text.split(';').slice(1)) {
    const equals = part.indexOf('=')
    if (equals < 0) continue
    const name = part.slice(0, equals).trim().toLowerCase()
    if (!tags.has(name)) tags.set(name, part.slice(equals + 1).trim())
  }
  const reportTo = (tags.get('rua') ?? '').split(',').flatMap((uri) => {
    const match = /^\s*mailto:([^!\s]+@[^!\s]+)(?:![\d]+[kmgt]?)?\s*$/i.exec(uri)
    return match ? [decodeURIComponentSafely(match[1]!)] : []
  })
  const given = policyOf(tags.get('p'))
  // A record without a valid policy, but with report addresses, counts as p=none. RFC 7489 §6.6.3 (6).
  if (given === undefined && reportTo.length === 0) return undefined
  const policy = given ?? 'none'
  const percent = /^\d{1,3}$/.test(tags.get('pct') ?? '') ? Math.min(100, Number(tags.get('pct'))) : 100
  return {
    policy,
    subdomainPolicy: given === undefined ? 'none' : (policyOf(tags.get('sp')) ?? policy),
    dkimStrict: tags.get('adkim')?.toLowerCase() === 's',
    spfStrict: tags.get('aspf')?.toLowerCase() === 's',
    percent,
    reportTo,
  }
}

function policyOf(text: string | undefined): DmarcPolicy | undefined {
  const policy = text?.toLowerCase()
  return policy === 'none' || policy === 'quarantine' || policy === 'reject' ? policy : undefined
}

function decodeURIComponentSafely(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
