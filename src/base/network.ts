/** Connections as the platform makes them: real sockets, or the simulator's pipes. */

/** Who is at the other end of a connection. */
export interface Peer {
  /** IPv4 or IPv6 address as text, without brackets or zone. */
  readonly address: string
  readonly port: number
  /** Our own address and port on this connection. */
  readonly localAddress: string
  readonly localPort: number
}

/** RFC 5929 §4 and RFC 9266; tls-unique does not exist under TLS 1.3. */
export type ChannelBindingType = 'tls-exporter' | 'tls-server-end-point'

/** What a TLS handshake agreed. */
export interface TlsFacts {
  /** 'TLSv1.3' or 'TLSv1.2'. */
  readonly version: string
  readonly cipher: string
  /** The SNI name that the client asked for. */
  readonly serverName?: string
  readonly resumed: boolean
  /** On a client: whether the certificate chain and name were verified, and if not, why. */
  readonly verified?: boolean
  readonly problem?: string
  /** On a client that asked for it: what the server showed, DER, its own certificate first. */
  readonly chain?: readonly Uint8Array[]
  /**
   * Channel binding: known to both ends of this channel, and not to be forged in between; undefined if not available. Computed on demand.
   */
  binding?(type: ChannelBindingType): Uint8Array | undefined
  /** On a server that asked for it: mail addresses (rfc822Name) of the client's certificate, none unless our authority signed it. */
  clientAddresses?(): readonly string[]
}

/** What a server needs for handshakes: certificates by SNI name. Made and reloaded by the platform; opaque here. */
export interface TlsServer {
  readonly names: readonly string[]
}

export interface TlsClientOptions {
  readonly serverName: string
  /** 'none': encrypt without checking the certificate (opportunistic). 'name': chain and name must be valid. */
  readonly verify: 'none' | 'name'
  /** Authorities in addition to the well-known ones, PEM. */
  readonly ca?: readonly string[]
  /** `TlsFacts.chain` is wanted. */
  readonly showChain?: boolean
  /** Called right after the handshake, before anything is sent: throwing ends the connection. */
  accept?(facts: TlsFacts): void
}

export interface ConnectionHandler {
  /** The view belongs to the receiver. */
  data(chunk: Uint8Array): void
  /** After a `write` that said false: there is room again. */
  drain(): void
  /** The peer sends no more; it may still read. */
  end(): void
  /** The connection is gone. Called once, last. */
  close(error?: Error): void
}

/** A byte stream to one peer. */
export interface Connection {
  readonly peer: Peer
  readonly tls: TlsFacts | null
  receive(handler: ConnectionHandler): void
  /** @returns false when the socket's buffer is full: wait for `drain`. */
  write(bytes: Uint8Array): boolean
  /** Stops and goes on handing out data. */
  pause(): void
  resume(): void
  /**
   * Flushes, then ends our side; what still arrives is read and dropped until the peer ends too.
   * @param peerIsDone the peer will send nothing more: the connection closes as soon as our bytes are sent.
   */
  end(peerIsDone?: boolean): void
  destroy(): void
  /** Starts TLS. Bytes received but not yet handed out are dropped: nothing sent before a handshake may count after it. */
  startTlsServer(tls: TlsServer): Promise<TlsFacts>
  startTlsClient(options: TlsClientOptions): Promise<TlsFacts>
}

export interface Listener {
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

export interface Network {
  /**
   * `tls` makes every connection start with a handshake. Connections whose handshake fails are only reported to `failed`.
   * `proxied` tells whether an address is a proxy. Connections of proxies must begin, before any handshake, with a PROXY header, which
   * names the peer; without a valid header they are closed.
   */
  listen(
    options: {
      readonly address: string
      readonly port: number
      readonly tls?: TlsServer
      readonly backlog?: number
      readonly proxied?: (address: string) => boolean
    },
    connected: (connection: Connection) => void,
    failed?: (peer: Peer | null, error: Error) => void,
  ): Promise<Listener>
  connect(options: {
    readonly address: string
    readonly port: number
    readonly timeoutMs: number
    readonly localAddress?: string
    readonly tls?: TlsClientOptions
  }): Promise<Connection>
}
