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
