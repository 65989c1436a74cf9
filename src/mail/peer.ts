/** Who is at the other end of a connection. */
export interface Peer {
  /** IPv4 or IPv6 address as text, without brackets or zone. */
  readonly address: string
  readonly port: number
  /** Our own address and port on this connection. */
  readonly localAddress: string
  readonly localPort: number
}

/** What a TLS handshake agreed. */
export interface TlsFacts {
  /** 'TLSv1.3' or 'TLSv1.2'. */
  readonly version: string
  readonly cipher: string
  readonly bits: number
  /** The SNI name that the client asked for. */
  readonly serverName?: string
  readonly resumed: boolean
}
