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
  /** The file names, for messages to the operator. */
  readonly from?: string
}

interface Named {
  readonly names: readonly string[]
}

interface Loaded extends Named {
  readonly context: SecureContext
  /** DER, without its chain. */
  readonly certificate: Uint8Array
}

/** ECDHE only; RSA key exchange has no forward secrecy. RFC 9325 §4.2. */
const ciphers =
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305'

function namesOf(certificate: X509Certificate): string[] {
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

/** The certificate for SNI `name`: the first that is valid for it, else the first. */
function choose<One extends Named>(all: readonly One[], name: string): One | undefined {
  const lower = name.toLowerCase()
  return all.find(({ names }) => names.some((pattern) => matches(pattern, lower))) ?? all[0]
}

/** Which of these certificates (PEM with chains) would be used for a name, as DER; undefined without any. */
export function certificateFor(pems: readonly string[], name: string): Uint8Array | undefined {
  const all = pems.map((pem) => new X509Certificate(pem)).map((one) => ({ names: namesOf(one), raw: one.raw }))
  return choose(all, name)?.raw
}

/** The TlsServer of this platform, as `network.ts` uses it. */
export interface WrappingTls extends TlsServer {
  wrap(socket: Socket): TLSSocket
}

function pemWords(message: string): string {
  if (/key values mismatch/i.test(message)) return 'the key belongs to another certificate'
  if (/DECODER|no start line|PEM|unsupported|asn1/i.test(message))
    return `one of them is no PEM of a certificate or a key without a password (${message})`
  return message
}

export class RealTls implements WrappingTls {
  #loaded: readonly Loaded[] = []
  /** Shared by all listeners, so that a session from 993 can be resumed there after a reload too. */
  #ticketKeys = randomBytes(48)
  #clientAuthority: string | undefined
  /** The same certificates, for listeners where users sign in: asks for client certificates if an authority for them is configured. */
  readonly forUsers: WrappingTls

  /** @param clientAuthority PEM of the authorities for client certificates. */
  constructor(pairs: readonly CertificatePair[], clientAuthority?: string) {
    this.load(pairs, clientAuthority)
    this.forUsers = {
      names: [],
      wrap: (socket) => this.#wrap(socket, this.#clientAuthority !== undefined),
    }
  }

  get names(): readonly string[] {
    return this.#loaded.flatMap(({ names }) => names)
  }

  /** Replaces the certificates; throws, and keeps the old ones, when any cannot be used. */
  load(pairs: readonly CertificatePair[], clientAuthority?: string): void {
    if (pairs.length === 0) throw new Error('no certificate')
    // A ticket remembers that a client certificate was valid: it must end with the authority that signed it.
    const ticketKeys = clientAuthority === this.#clientAuthority ? this.#ticketKeys : randomBytes(48)
    const contextOf = (cert: string, key: string): SecureContext =>
      createSecureContext({
        cert,
        key,
        ca: clientAuthority,
        minVersion: 'TLSv1.2',
        ciphers,
        // P-256 first: half the CPU of the others, and every client has it.
        ecdhCurve: 'prime256v1:X25519:secp384r1',
        honorCipherOrder: true,
        ticketKeys,
        sessionIdContext: 'pennypost',
      })
    const loaded = pairs.map(({ certificate: pem, key, from = 'the certificate' }) => {
      try {
        // Node accepts an empty key as none, and every handshake would fail.
        if (key.trim() === '') throw new Error('no start line')
        const certificate = new X509Certificate(pem)
        return { names: namesOf(certificate), certificate: certificate.raw, context: contextOf(pem, key) }
      } catch (error) {
        // OpenSSL says what is wrong, but not in which file.
        throw new Error(`${from} cannot be used: ${pemWords((error as Error).message)}`, { cause: error })
      }
    })
    this.#loaded = loaded
    this.#ticketKeys = ticketKeys
    this.#clientAuthority = clientAuthority
  }

  /** The certificate (DER) that is sent to clients with this SNI name. */
  shown(name: string): Uint8Array {
    return choose(this.#loaded, name)!.certificate
  }

  wrap(socket: Socket): TLSSocket {
    return this.#wrap(socket, false)
  }

  #wrap(socket: Socket, asksClient: boolean): TLSSocket {
    return new TLSSocket(socket, {
      isServer: true,
      // A client without a certificate, or with a foreign one, is not rejected: it only cannot sign in by it.
      requestCert: asksClient,
      rejectUnauthorized: false,
      secureContext: this.#loaded[0]!.context,
      SNICallback: (name, done) => done(null, choose(this.#loaded, name)!.context),
    })
  }
}
