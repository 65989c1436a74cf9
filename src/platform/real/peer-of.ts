/** The peer of a socket. */
import type { Socket } from 'node:net'
import type { Peer } from '../../base/network.ts'

/** An IPv4-mapped address as IPv4, so that networks and logs do not depend on how the socket was bound. */
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
 * Whether a connection was reset before we accepted it; it is then closed. Its data could still be read, but its address is unknown, so
 * no limit by network would apply.
 */
export function isGone(socket: Socket): boolean {
  if (socket.remoteAddress !== undefined) return false
  socket.destroy()
  return true
}
