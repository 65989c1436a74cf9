/** Who is at the other end of a connection, and how the connection is protected. */
export type { Peer, TlsFacts } from '../base/network.ts'
