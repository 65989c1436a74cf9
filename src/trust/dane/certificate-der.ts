/** The SubjectPublicKeyInfo of a certificate, byte for byte: writing a key anew may spell it otherwise. RFC 5280 §4.1, RFC 6698 §2.1.2. */

const sequence = 0x30
const explicitVersion = 0xa0

interface Element {
  readonly tag: number
  readonly contentStart: number
  readonly end: number
}

function elementAt(der: Uint8Array, start: number): Element | undefined {
  const tag = der[start]
  const first = der[start + 1]
  if (tag === undefined || first === undefined) return undefined
  let contentStart = start + 2
  let length = first
  if (first & 0x80) {
    const octets = first & 0x7f
    // A certificate of 16 MiB fits no handshake.
    if (octets === 0 || octets > 3) return undefined
    length = 0
    for (let i = 0; i < octets; i++) length = (length << 8) | (der[contentStart++] ?? 0)
  }
  const end = contentStart + length
  return end > der.length ? undefined : { tag, contentStart, end }
}

/** @returns undefined for what is no certificate. */
export function publicKeyOf(certificate: Uint8Array): Uint8Array | undefined {
  const outer = elementAt(certificate, 0)
  const signed = outer?.tag === sequence ? elementAt(certificate, outer.contentStart) : undefined
  if (signed?.tag !== sequence) return undefined
  let at = signed.contentStart
  const version = elementAt(certificate, at)
  if (version?.tag === explicitVersion) at = version.end
  // serialNumber, signature, issuer, validity, subject
  for (let skipped = 0; skipped < 5; skipped++) {
    const element = elementAt(certificate, at)
    if (!element) return undefined
    at = element.end
  }
  const key = elementAt(certificate, at)
  return key?.tag === sequence && key.end <= signed.end ? certificate.subarray(at, key.end) : undefined
}
