/** A connection, as handlers see it. */
import type { Peer, TlsFacts } from '../../base/network.ts'
import type { SmtpClientFacts, SmtpService } from '../../protocol/smtp/backend.ts'
import type { SmtpServerSession } from '../../protocol/smtp/session.ts'
import type { SmtpEnvelope } from './envelope.ts'

/** @typeParam User what the sign-in handlers return. */
export class SmtpSession<User = unknown> {
  /** Identifies the connection in logs; unique in its server. */
  readonly id: string
  readonly service: SmtpService
  /** For handlers to keep their own data from one call to the next. */
  readonly data = new Map<string, unknown>()
  #session: SmtpServerSession | undefined
  #user: { readonly name: string; readonly value: User } | undefined
  #envelope: SmtpEnvelope | undefined

  /** Called by the server only. */
  constructor(id: string, service: SmtpService) {
    this.id = id
    this.service = service
  }

  /** Called by the server only. */
  attach(session: SmtpServerSession): void {
    this.#session = session
  }

  /** Called by the server only. */
  signedIn(name: string, value: User): void {
    this.#user = { name, value }
  }

  /** Called by the server only. */
  begin(envelope: SmtpEnvelope | undefined): void {
    this.#envelope = envelope
  }

  get #facts(): SmtpClientFacts {
    return this.#session!.facts
  }

  /** The client's addresses; behind a proxy, as the proxy reports them. */
  get peer(): Peer {
    return this.#session!.peer
  }

  /** null: no TLS. */
  get tls(): TlsFacts | null {
    return this.#facts.tls
  }

  /** The argument of EHLO, HELO or LHLO, as the client chose it; '' before it. */
  get helo(): string {
    return this.#facts.helo
  }

  /** The protocol as in Received: `ESMTPSA` is ESMTP over TLS, signed in. RFC 3848. */
  get withProtocol(): string {
    return this.#facts.withProtocol
  }

  /** What the sign-in handler returned; null: not signed in. */
  get user(): User | null {
    return this.#facts.user && this.#user ? this.#user.value : null
  }

  /** The name that the client signed in with. */
  get username(): string | null {
    return this.#facts.user && this.#user ? this.#user.name : null
  }

  /** The transaction that is open; undefined between two messages. */
  get envelope(): SmtpEnvelope | undefined {
    return this.#envelope
  }
}
