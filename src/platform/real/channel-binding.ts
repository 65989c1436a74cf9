/** Channel bindings of a TLS socket, which SCRAM-…-PLUS signs against a man in the middle. RFC 5929 §4, RFC 9266. */
import { createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { ChannelBindingType } from '../../base/network.ts'

/** RFC 9266 §2. */
const exporterLabel = 'EXPORTER-Channel-Binding'
const exporterBytes = 32

/** The hash of a certificate's signature algorithm; MD5 and SHA-1 count as SHA-256. RFC 5929 §4.1. Others (Ed25519, PSS) have no binding. */
const hashes: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'sha256', // md5WithRSAEncryption
  '2a864886f70d010105': 'sha256', // sha1WithRSAEncryption
  '2a864886f70d01010e': 'sha224',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d0401': 'sha256', // ecdsa-with-SHA1
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
}

export function channelBinding(
  socket: TLSSocket,
  side: 'server' | 'client',
  type: ChannelBindingType,
): Uint8Array | undefined {
  if (socket.destroyed) return undefined
  if (type === 'tls-exporter') {
    // Under TLS 1.2 it would need the extended master secret (RFC 9266 §4.2), and Node does not tell whether that was agreed.
    if (socket.getProtocol() !== 'TLSv1.3') return undefined
    return socket.exportKeyingMaterial(exporterBytes, exporterLabel, Buffer.alloc(0))
  }
  let known = endPoints.get(socket)
  if (!known) {
    // The certificate that was really sent, as chosen by SNI.
    const certificate = side === 'server' ? socket.getX509Certificate() : socket.getPeerX509Certificate()
    known = { binding: certificate && endPointBinding(certificate.raw) }
    endPoints.set(socket, known)
  }
  return known.binding
}

/** Computed once for a socket: Node 20 removes the server's certificate from its chain when a client asks for it. */
const endPoints = new WeakMap<TLSSocket, { readonly binding: Uint8Array | undefined }>()

/** tls-server-end-point of a certificate (DER). */
export function endPointBinding(certificate: Uint8Array): Uint8Array | undefined {
  const hash = hashes[signatureAlgorithm(certificate) ?? '']
  return hash === undefined ? undefined : createHash(hash).update(certificate).digest()
}

/** `Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OID … } … }`: that OID in hex. RFC 5280 §4.1. */
function signatureAlgorithm(certificate: Uint8Array): string | undefined {
  const tbs = element(certificate, element(certificate, 0)?.start ?? 0)
  const algorithm = tbs && element(certificate, tbs.end)
  const oid = algorithm && element(certificate, algorithm.start)
  return oid?.tag === 6 ? Buffer.from(certificate.subarray(oid.start, oid.end)).toString('hex') : undefined
}

/** Tag and content of the DER element at an offset. Lengths of up to four bytes: no certificate is longer. */
function element(bytes: Uint8Array, at: number): { tag: number; start: number; end: number } | undefined {
  const tag = bytes[at]
  const first = bytes[at + 1]
  if (tag === undefined || first === undefined) return undefined
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f
  if (lengthBytes > 4) return undefined
  let length = lengthBytes === 0 ? first : 0
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0)
  const start = at + 2 + lengthBytes
  return start + length <= bytes.length ? { tag, start, end: start + length } : undefined
}
