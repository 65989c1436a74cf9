/** TLSA records in SMTP: which of them are usable, and what they match. RFC 6698 §2.1, RFC 7671, RFC 7672 §3.1. */
import { createHash } from 'node:crypto'
import type { TlsaRecord } from '../../base/resolver.ts'
import { publicKeyOf } from './certificate-der.ts'

export const usages = { trustAnchor: 2, endEntity: 3 } as const
const selectors = { certificate: 0, publicKey: 1 } as const
const matchings = { whole: 0, sha256: 1, sha512: 2 } as const

const digests: Readonly<Record<number, { readonly name: string; readonly bytes: number }>> = {
  [matchings.sha256]: { name: 'sha256', bytes: 32 },
  [matchings.sha512]: { name: 'sha512', bytes: 64 },
}

/**
 * The records that SMTP can use: usages 2 and 3 (RFC 7672 §3.1.3 leaves out 0 and 1), known selectors and matchings, right lengths.
 * Of several digests over the same thing only the strongest counts (RFC 7671 §9).
 */
export function usableRecords(records: readonly TlsaRecord[]): TlsaRecord[] {
  const usable = records.filter(
    ({ usage, selector, matching, data }) =>
      (usage === usages.trustAnchor || usage === usages.endEntity) &&
      (selector === selectors.certificate || selector === selectors.publicKey) &&
      (matching === matchings.whole ? data.length > 0 : digests[matching]?.bytes === data.length),
  )
  return usable.filter(
    (record) =>
      record.matching !== matchings.sha256 ||
      !usable.some(
        ({ usage, selector, matching }) =>
          matching === matchings.sha512 && usage === record.usage && selector === record.selector,
      ),
  )
}

/** The part of a certificate that a record's selector means; undefined if the certificate cannot be read. */
function selected(selector: number, certificate: Uint8Array): Uint8Array | undefined {
  return selector === selectors.certificate ? certificate : publicKeyOf(certificate)
}

/** @param certificate DER. */
export function matchesRecord({ selector, matching, data }: TlsaRecord, certificate: Uint8Array): boolean {
  const bytes = selected(selector, certificate)
  if (!bytes) return false
  const digest = digests[matching]
  const found = digest ? createHash(digest.name).update(bytes).digest() : bytes
  return Buffer.compare(found, data) === 0
}

/** A trust anchor that the record contains in full, so that the server need not send it. RFC 7671 §5.2.2. */
export function anchorOf({
  usage,
  selector,
  matching,
  data,
}: TlsaRecord): { readonly kind: 'certificate' | 'key'; readonly der: Uint8Array } | undefined {
  if (usage !== usages.trustAnchor || matching !== matchings.whole) return undefined
  return { kind: selector === selectors.certificate ? 'certificate' : 'key', der: data }
}

/** The record 3 1 1 for a certificate's own key, whatever its issuer; recommended by RFC 7672 §3.1. @param certificate DER. */
export function endEntityRecord(certificate: Uint8Array): TlsaRecord | undefined {
  const key = publicKeyOf(certificate)
  return (
    key && {
      usage: usages.endEntity,
      selector: selectors.publicKey,
      matching: matchings.sha256,
      data: createHash('sha256').update(key).digest(),
    }
  )
}

/** In the format of zone files. RFC 6698 §2.2. */
export function formatTlsaRecord(record: TlsaRecord): string {
  return `${recordWords(record)} ${Buffer.from(record.data).toString('hex')}`
}

/** `3 1 1`. */
export function recordWords({ usage, selector, matching }: TlsaRecord): string {
  return `${usage} ${selector} ${matching}`
}
