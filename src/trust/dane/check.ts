/** Checks a server's certificates against its TLSA records. RFC 7671 §5, RFC 7672 §3. */
import { createPublicKey, X509Certificate, type KeyObject } from 'node:crypto'
import type { TlsaRecord } from '../../base/resolver.ts'
import { anchorOf, matchesRecord, recordWords, usages } from './tlsa.ts'

export type DaneResult =
  | { readonly kind: 'verified'; readonly record: string }
  /** `type` as TLS reports name it. RFC 8460 §4.3. */
  | { readonly kind: 'failed'; readonly type: DaneFailure; readonly problem: string }

export type DaneFailure = 'validation-failure' | 'certificate-host-mismatch' | 'certificate-expired'

/** Certificates read of a chain: more than a real one has from leaf to anchor. */
const chainMax = 10
/** id-kp-serverAuth and anyExtendedKeyUsage. RFC 5280 §4.2.1.12. */
const serverUsages = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0']

/**
 * @param records usable ones.
 * @param chain DER as the server sent it, its own first.
 * @param names with a trust anchor (usage 2), the certificate must have one of these: RFC 7672 §3.2.2.
 */
export function checkDane(
  records: readonly TlsaRecord[],
  chain: readonly Uint8Array[],
  names: readonly string[],
  nowMs: number,
): DaneResult {
  const [leaf] = chain
  if (!leaf) return { kind: 'failed', type: 'validation-failure', problem: 'the server shows no certificate' }
  // The record names the key itself: names and dates of the certificate do not count. RFC 7671 §5.1.
  const own = records.find((record) => record.usage === usages.endEntity && matchesRecord(record, leaf))
  if (own) return { kind: 'verified', record: recordWords(own) }
  const anchors = records.filter(({ usage }) => usage === usages.trustAnchor)
  const nothing: DaneResult = {
    kind: 'failed',
    type: 'validation-failure',
    problem: `no TLSA record (${records.map(recordWords).join(', ')}) matches its certificate`,
  }
  if (anchors.length === 0) return nothing
  try {
    return checkAnchored(anchors, chain, names, nowMs) ?? nothing
  } catch (error) {
    return { kind: 'failed', type: 'validation-failure', problem: (error as Error).message }
  }
}

/** undefined: no path leads to an anchor. */
function checkAnchored(
  records: readonly TlsaRecord[],
  chain: readonly Uint8Array[],
  names: readonly string[],
  nowMs: number,
): DaneResult | undefined {
  const [leaf, ...shown] = chain.slice(0, chainMax).map((der) => new X509Certificate(der))
  const given = records.flatMap((record) => {
    const anchor = anchorOf(record)
    return anchor ? [{ record, ...anchor }] : []
  })
  const wholes = given.filter(({ kind }) => kind === 'certificate').map(({ der }) => new X509Certificate(der))
  const keys = given
    .filter(({ kind }) => kind === 'key')
    .map(({ record, der }) => ({
      record,
      key: createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' }),
    }))
  const pool = [...shown, ...wholes]
  const path = [leaf!]
  let found: TlsaRecord | undefined
  while (!found && path.length <= chainMax) {
    const last = path.at(-1)!
    found = keys.find(({ key }) => isSignedBy(last, key))?.record
    if (found) break
    const issuer = pool.find((one) => !path.includes(one) && isIssuedBy(last, one))
    if (!issuer) return undefined
    path.push(issuer)
    found = records.find((record) => matchesRecord(record, issuer.raw))
  }
  if (!found) return undefined
  const stale = path.find((one) => nowMs < Date.parse(one.validFrom) || nowMs > Date.parse(one.validTo))
  if (stale) return { kind: 'failed', type: 'certificate-expired', problem: `a certificate is not valid at this time` }
  const uses = leaf!.keyUsage as readonly string[] | undefined
  if (uses && !uses.some((use) => serverUsages.includes(use)))
    return { kind: 'failed', type: 'validation-failure', problem: 'its certificate is not for servers' }
  if (!names.some((name) => leaf!.checkHost(name, { partialWildcards: false }) !== undefined))
    return {
      kind: 'failed',
      type: 'certificate-host-mismatch',
      problem: `its certificate names none of ${names.join(', ')}`,
    }
  return { kind: 'verified', record: recordWords(found) }
}

/** Not yet: RFC 5280 §4.2.1.9 and §4.2.1.10, path lengths and name constraints below an anchor that the domain itself chose. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && isSignedBy(certificate, issuer.publicKey)
}

function isSignedBy(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.verify(key)
  } catch {
    // The key's type is not that of the signature.
    return false
  }
}
