/** The interface for HTTP requests to other hosts: small requests, small responses. The platform has the client. */

export interface HttpQuestion {
  readonly method: 'GET' | 'POST'
  /** https, or http to this machine. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Addresses of the host, if known; else the system resolves it. */
  readonly addresses?: readonly string[]
  /** Authorities in addition to the well-known ones, PEM. */
  readonly authorities?: readonly string[]
  /** Time limit for the whole response. */
  readonly timeoutMs: number
  readonly bytesMax: number
}

export interface HttpReply {
  readonly status: number
  /** The Content-Type field as it was sent; undefined without one. */
  readonly contentType?: string
  readonly body: Uint8Array
}

export interface HttpClient {
  /** Redirects are not followed; they are responses like others. Throws without a response, or when it is too large. */
  ask(question: HttpQuestion): Promise<HttpReply>
}
