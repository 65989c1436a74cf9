/** One connection, as handlers see it. */
import type { Peer, TlsFacts } from '../../base/network.ts'
import type { SmtpClientFacts, SmtpService } from '../../protocol/smtp/backend.ts'
import type { SmtpServerSession } from '../../protocol/smtp/session.ts'
import type { SmtpEnvelope } from './envelope.ts'

/** @typeParam User what the sign-in handlers give back. */
export class SmtpSession<User = unknown> {
  /** Names the connection in logs, alone in its server. */
  readonly id: string
  readonly service: SmtpService
  /** For the handlers to keep what they like from one call to the next. */
  readonly data = new Map<string, unknown>()
  #session: SmtpServerSession | undefined
  #user: { readonly name: string; readonly value: User } | undefined
  #envelope: SmtpEnvelope | undefined

  /** Made by the server. */
  constructor(id: string, service: SmtpService) {
    this.id = id
    this.service = service
  }

  /** Of the server alone. */
  attach(session: SmtpServerSession): void {
    this.#session = session
  }

  /** Of the server alone. */
  signedIn(name: string, value: User): void {
    this.#user = { name, value }
  }

  /** Of the server alone. */
  begin(envelope: SmtpEnvelope | undefined): void {
    this.#envelope = envelope
  }

  get #facts(): SmtpClientFacts {
    return this.#session!.facts
  }

  /** Who is there, as its proxy says where there is one. */
  get peer(): Peer {
    return this.#session!.peer
  }

  /** null: in clear. */
  get tls(): TlsFacts | null {
    return this.#facts.tls
  }

  /** The argument of EHLO, HELO or LHLO: whatever the client likes; '' before it. */
  get helo(): string {
    return this.#facts.helo
  }

  /** As Received names it: `ESMTPSA` is ESMTP over TLS with a user. RFC 3848. */
  get withProtocol(): string {
    return this.#facts.withProtocol
  }

  /** What the sign-in handler gave back; null: nobody has signed in. */
  get user(): User | null {
    return this.#facts.user && this.#user ? this.#user.value : null
  }

  /** The name that the user signed in by. */
  get username(): string | null {
    return this.#facts.user && this.#user ? this.#user.name : null
  }

  /** The transaction that is open; undefined between two messages. */
  get envelope(): SmtpEnvelope | undefined {
    return this.#envelope
  }
}
