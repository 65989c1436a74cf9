/** The interface of an HTTP server: a request in, a response out. The platform has the server. */
import type { Listener, Peer, TlsServer } from './network.ts'

export interface HttpRequest {
  readonly method: string
  /** Path without its query. */
  readonly path: string
  readonly query: URLSearchParams
  /** The Host field, as the client sent it. */
  readonly host: string | undefined
  /** Empty if there is none. */
  readonly body: Uint8Array
  readonly peer: Peer
  /** A proxy has forwarded the request: the peer is the proxy, not the client. */
  readonly forwarded: boolean
}

export interface HttpResponse {
  readonly status: number
  readonly type: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Limit of a request body: an Autodiscover request has under 1 KB. A longer one is answered 413. */
export const httpBodyBytesMax = 64 * 1024

export interface HttpServer {
  /**
   * @param options.tls https: every connection starts with a handshake. `proxied` as in `Network.listen`.
   * @param options.admit whether one more connection from there is admitted; what it returns is called when that one is closed.
   */
  listen(
    options: {
      readonly address: string
      readonly port: number
      readonly tls?: TlsServer
      readonly proxied?: (address: string) => boolean
      readonly admit?: (address: string) => (() => void) | undefined
    },
    handle: (request: HttpRequest) => Promise<HttpResponse>,
  ): Promise<Listener>
}
