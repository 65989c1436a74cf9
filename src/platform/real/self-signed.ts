/** A self-signed certificate for the first start: P-256, for our host names. Its library is loaded only here. */
import { webcrypto } from 'node:crypto'
import type { CertificatePair } from './tls.ts'

/** Ten years: a certificate that no client trusts need not be renewed. */
const validDays = 3650

export async function makeSelfSigned(names: readonly string[], nowMs: number): Promise<CertificatePair> {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as never)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as never as Parameters<
    typeof x509.X509CertificateGenerator.createSelfSigned
  >[0] extends { keys?: infer K }
    ? NonNullable<K>
    : never
  const serial = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)))
  serial[0] = (serial[0]! & 0x7f) | 0x40 // positive and of full length, RFC 5280 §4.1.2.2
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial.toString('hex'),
    name: `CN=${names[0]}`,
    notBefore: new Date(nowMs - 86_400_000),
    notAfter: new Date(nowMs + validDays * 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns' as const, value }))),
    ],
  })
  const exported = await webcrypto.subtle.exportKey('pkcs8', (keys as { privateKey: webcrypto.CryptoKey }).privateKey)
  const body = Buffer.from(exported).toString('base64').replace(/.{64}/g, '$&\n')
  return {
    certificate: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
  }
}
