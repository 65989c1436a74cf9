/** HTTP to others: one question, one answer, both small. The platform has the client. */

export interface HttpQuestion {
  readonly method: 'GET' | 'POST'
  /** https, or http to this machine. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Where the host is, where that is known; else the system is asked. */
  readonly addresses?: readonly string[]
  /** Authorities that are believed beside the well-known ones, PEM. */
  readonly authorities?: readonly string[]
  /** Until the whole answer is there. */
  readonly timeoutMs: number
  readonly bytesMax: number
}

export interface HttpReply {
  readonly status: number
  /** As it was said; undefined where it was not. */
  readonly contentType?: string
  readonly body: Uint8Array
}

export interface HttpClient {
  /** Redirects are not followed: they are an answer like others. Throws when there is none, or one too large. */
  ask(question: HttpQuestion): Promise<HttpReply>
}
