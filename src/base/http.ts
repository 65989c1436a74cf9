/** HTTP as rooms see it: a request in, a response out. The platform has the server. */
import type { Listener, Peer } from './network.ts'

export interface HttpRequest {
  readonly method: string
  /** Path without its query. */
  readonly path: string
  readonly peer: Peer
}

export interface HttpResponse {
  readonly status: number
  readonly type: string
  readonly body: string
}

export interface HttpServer {
  /** Requests have no use for a body yet: one that brings a large one is cut off. */
  listen(
    options: { readonly address: string; readonly port: number },
    handle: (request: HttpRequest) => Promise<HttpResponse>,
  ): Promise<Listener>
}
