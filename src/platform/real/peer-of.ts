/** Whose a socket is. */
import type { Socket } from 'node:net'
import type { Peer } from '../../base/network.ts'

/** IPv4 in IPv6 clothes is told as IPv4: prefixes and logs then agree whatever the socket was bound to. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return ''
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

export function peerOf(socket: Socket): Peer {
  return {
    address: plainAddress(socket.remoteAddress),
    port: socket.remotePort ?? 0,
    localAddress: plainAddress(socket.localAddress),
    localPort: socket.localPort ?? 0,
  }
}

/**
 * Whether a connection was reset before we came to accept it, which ends it. What it had said could still be read, and would be from nobody:
 * no proxy, no network, no limit would fit.
 */
export function isGone(socket: Socket): boolean {
  if (socket.remoteAddress !== undefined) return false
  socket.destroy()
  return true
}
