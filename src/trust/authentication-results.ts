/** The Authentication-Results field: results of SPF, DKIM, DMARC and so on. RFC 8601. */
import { dropComments } from '../mail/date.ts'
import type { ArcVerdict } from './arc/verify.ts'
import type { DkimVerdict } from './dkim/verify.ts'
import type { DmarcVerdict } from './dmarc/check.ts'
import type { SpfVerdict } from './spf/check.ts'

export interface Evidence {
  readonly spf: SpfVerdict
  readonly dkim: readonly DkimVerdict[]
  readonly dmarc: DmarcVerdict
  readonly arc: ArcVerdict
  /** Whether the client's address has a name that resolves back to it. RFC 8601 §3. */
  readonly iprev: { readonly result: 'pass' | 'fail' | 'temperror'; readonly name?: string }
  readonly clientAddress: string
}

/** The value of `Authentication-Results:`, not folded. @param host our name, by which readers recognise the field as ours. */
export function formatAuthenticationResults(host: string, evidence: Evidence): string {
  const { spf, dkim, dmarc, arc, iprev, clientAddress } = evidence
  const results = [
    `spf=${spf.result}${comment(spf.problem ?? spf.mechanism)} smtp.${spf.identity}=${value(spf.domain)}`,
    ...(dkim.length === 0
      ? ['dkim=none']
      : dkim.map(
          (one) =>
            `dkim=${one.result}${comment(one.problem ?? (one.keyBits ? `${one.keyBits}-bit key` : undefined))} header.d=${value(one.domain)} header.s=${value(one.selector)} header.a=${value(one.algorithm)} header.b=${value(one.signaturePrefix)}`,
        )),
    `dmarc=${dmarc.result}${comment(dmarc.problem ?? `p=${dmarc.policy}`)} header.from=${value(dmarc.domain)}`,
    `arc=${arc.result}${comment(arc.problem)}`,
    `iprev=${iprev.result}${comment(iprev.name)} policy.iprev=${value(clientAddress)}`,
  ]
  return `${host}; ${results.join('; ')}`
}

/** Whether a field claims to be by that host. RFC 8601 §5: if it comes from outside, it is forged. */
export function isResultsOf(fieldValue: string, host: string): boolean {
  const id = /^\s*"?([^\s;"]+)/.exec(dropComments(fieldValue))?.[1]
  return id !== undefined && id.toLowerCase() === host.toLowerCase()
}

/** A comment of text from others, which must not be able to close it. */
function comment(text: string | undefined): string {
  return text === undefined ? '' : ` (${text.replace(/[^\x20-\x7e]|[()\\]/g, '?').slice(0, 200)})`
}

function value(text: string): string {
  const plain = text.replace(/[^\x21-\x7e]/g, '?').slice(0, 253)
  return /^[A-Za-z0-9_.@/+=-]+$/.test(plain) ? plain : `"${plain.replace(/["\\]/g, '\\$&')}"`
}
