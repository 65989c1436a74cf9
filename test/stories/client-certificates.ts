/** Certificates that people sign in with: an authority of our own, and whatever it signs. */
import { webcrypto } from 'node:crypto'
import 'reflect-metadata'
import * as x509 from '@peculiar/x509'

export interface Pair {
  readonly cert: string
  readonly key: string
}

export interface Authority {
  readonly cert: string
  /** @param options.addresses rfc822Name entries; `names` are DNS ones. */
  sign(options: SignOptions): Promise<Pair>
}

export interface SignOptions {
  readonly addresses?: readonly string[]
  readonly names?: readonly string[]
  readonly usage?: x509.ExtendedKeyUsage
  readonly notAfter?: Date
  /** A pair that this authority has signed before, which signs in its place, whether it may or not. */
  readonly by?: Pair
  /** It may sign others. */
  readonly authority?: boolean
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 86_400_000

export async function makeAuthority(name: string): Promise<Authority> {
  x509.cryptoProvider.set(webcrypto as never)
  const keys = await newKeys()
  const from = new Date(Date.now() - dayMs)
  const to = new Date(Date.now() + dayMs)
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    notBefore: from,
    notAfter: to,
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  let serial = 1
  return {
    cert: root.toString('pem'),
    async sign({
      addresses = [],
      names = [],
      usage = x509.ExtendedKeyUsage.clientAuth,
      notAfter = to,
      by,
      authority = false,
    }) {
      const own = await newKeys()
      const certificate = await x509.X509CertificateGenerator.create({
        serialNumber: String(10 + serial++),
        subject: authority ? `CN=${name} below` : 'CN=somebody',
        issuer: by ? new x509.X509Certificate(by.cert).subject : root.subject,
        notBefore: new Date(Math.min(from.getTime(), notAfter.getTime() - dayMs)),
        notAfter,
        signingAlgorithm: algorithm,
        publicKey: own.publicKey as never,
        signingKey: (by ? await keyOf(by) : keys.privateKey) as never,
        extensions: [
          new x509.BasicConstraintsExtension(authority, undefined, true),
          new x509.ExtendedKeyUsageExtension([usage]),
          new x509.SubjectAlternativeNameExtension([
            ...addresses.map((value) => ({ type: 'email' as const, value })),
            ...names.map((value) => ({ type: 'dns' as const, value })),
          ]),
        ],
      })
      const exported = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', own.privateKey)).toString('base64')
      return {
        cert: certificate.toString('pem'),
        key: `-----BEGIN PRIVATE KEY-----\n${exported.replace(/.{64}/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
      }
    },
  }
}

function keyOf({ key }: Pair): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(key.replace(/-----.*-----|\s/g, ''), 'base64')
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>
}
