/** Whom a client's certificate names, if our authority signed it. RFC 5280 §4.2.1.6. */
import type { TLSSocket } from 'node:tls'

/** OpenSSL's verdict; Node tells it only for sockets that its own server made, so it is asked where Node asks. */
interface Handle {
  verifyError?(): Error | null
}

/** The rfc822Name entries of the peer's certificate; none unless the chain leads to the configured authority and is for clients. */
export function verifiedAddresses(socket: TLSSocket): readonly string[] {
  if (socket.destroyed) return []
  let addresses = known.get(socket)
  if (!addresses) known.set(socket, (addresses = readAddresses(socket)))
  return addresses
}

/** They do not change while the connection lives, and each list of mechanisms asks for them. */
const known = new WeakMap<TLSSocket, readonly string[]>()

function readAddresses(socket: TLSSocket): readonly string[] {
  const certificate = socket.getPeerX509Certificate()
  const handle = (socket as unknown as { _handle?: Handle | null })._handle
  // No verdict is no trust; and without a certificate OpenSSL finds nothing to complain of.
  if (!certificate || typeof handle?.verifyError !== 'function' || handle.verifyError()) return []
  return mailAddresses(certificate.subjectAltName ?? '')
}

/** `type:value` entries as Node prints them: values with anything odd stand in JSON quotes, and no address needs them. */
export function mailAddresses(subjectAltName: string): string[] {
  const entry = /(?:^|, )([A-Za-z][\w ]*):("(?:[^"\\]|\\.)*"|[^,"]*)/y
  const found: string[] = []
  for (let match = entry.exec(subjectAltName); match; match = entry.exec(subjectAltName)) {
    const [, type, value] = match
    if (type === 'email' && value && !value.startsWith('"')) found.push(value)
  }
  return found
}
