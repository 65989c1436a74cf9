/** Certificates for servers: by SNI name, reloadable while connections live. */
import { X509Certificate } from 'node:crypto'
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls'
import type { TlsServer } from '../../base/network.ts'

export interface CertificatePair {
  /** PEM, the chain behind it. */
  readonly certificate: string
  readonly key: string
}

interface Loaded {
  readonly names: readonly string[]
  readonly context: SecureContext
}

/** ECDHE only; RSA key exchange has no forward secrecy. RFC 9325 §4.2. */
const ciphers =
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305'

function namesOf(pem: string): string[] {
  const certificate = new X509Certificate(pem)
  const names = [...(certificate.subjectAltName ?? '').matchAll(/DNS:([^,\s]+)/g)].map((match) =>
    match[1]!.toLowerCase(),
  )
  const common = /CN=([^\n,]+)/.exec(certificate.subject)?.[1]
  if (names.length === 0 && common) names.push(common.toLowerCase())
  return names
}

function matches(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === name
  const dot = name.indexOf('.')
  return dot > 0 && name.slice(dot + 1) === pattern.slice(2)
}

export class RealTls implements TlsServer {
  #loaded: readonly Loaded[] = []
  /** Shared by all listeners, so that a session from 993 can be resumed there after a reload too. */
  readonly #ticketKeys = randomBytes(48)

  constructor(pairs: readonly CertificatePair[]) {
    this.load(pairs)
  }

  get names(): readonly string[] {
    return this.#loaded.flatMap(({ names }) => names)
  }

  /** Replaces the certificates; throws, and keeps the old ones, when any cannot be used. */
  load(pairs: readonly CertificatePair[]): void {
    if (pairs.length === 0) throw new Error('no certificate')
    this.#loaded = pairs.map(({ certificate, key }) => ({
      names: namesOf(certificate),
      context: createSecureContext({
        cert: certificate,
        key,
        minVersion: 'TLSv1.2',
        ciphers,
        // P-256 first: half the CPU of the others, and every client has it.
        ecdhCurve: 'prime256v1:X25519:secp384r1',
        honorCipherOrder: true,
        ticketKeys: this.#ticketKeys,
        sessionIdContext: 'pennypost',
      }),
    }))
  }

  #contextFor(name: string): SecureContext {
    const lower = name.toLowerCase()
    const found = this.#loaded.find(({ names }) => names.some((pattern) => matches(pattern, lower)))
    return (found ?? this.#loaded[0]!).context
  }

  wrap(socket: Socket): TLSSocket {
    return new TLSSocket(socket, {
      isServer: true,
      secureContext: this.#loaded[0]!.context,
      SNICallback: (name, done) => done(null, this.#contextFor(name)),
    })
  }
}
