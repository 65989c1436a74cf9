/** An SMTP session with handlers around it: at connect, after the TLS handshake, and after a 421. */
import { Refusal, status } from '../../mail/status.ts'
import type { Action, Session, SessionHost } from '../../protocol/action.ts'
import type { SmtpServerSession } from '../../protocol/smtp/session.ts'
import { formatStatus } from '../../protocol/smtp/wire/reply.ts'
import type { Calls } from './calls.ts'
import type { SmtpHandlers } from './handlers.ts'
import type { SmtpSession } from './server-session.ts'

export class GuardedSession<User> implements Session {
  readonly #inner: SmtpServerSession
  readonly #handlers: SmtpHandlers<User>
  readonly #session: SmtpSession<User>
  readonly #calls: Calls<User>
  /** A handler to be asked before the session goes on. */
  #gate: (() => Promise<void>) | undefined
  /** The last reply. */
  #parting: Uint8Array | undefined

  constructor(inner: SmtpServerSession, handlers: SmtpHandlers<User>, session: SmtpSession<User>, calls: Calls<User>) {
    this.#inner = inner
    this.#handlers = handlers
    this.#session = session
    this.#calls = calls
  }

  start(host: SessionHost): void {
    this.#inner.start(host)
    const { onConnect, onSecure } = this.#handlers
    if (onConnect || (onSecure && host.tls)) this.#gate = () => this.#connected(host)
  }

  async #connected(host: SessionHost): Promise<void> {
    await this.#calls.answer(() => this.#handlers.onConnect?.(this.#session))
    if (host.tls) await this.#secured()
  }

  #secured(): Promise<void> {
    return this.#calls.answer(() => this.#handlers.onSecure?.(this.#session))
  }

  next(): Action {
    if (this.#parting) return { kind: 'close', bytes: this.#parting }
    if (this.#calls.leaving) return { kind: 'close' }
    const gate = this.#gate
    if (gate) {
      this.#gate = undefined
      return { kind: 'run', work: gate().then(() => undefined, this.#refused) }
    }
    const action = this.#inner.next()
    if (action.kind !== 'startTls' || !this.#handlers.onSecure) return action
    return {
      ...action,
      done: (facts, problem) => {
        action.done(facts, problem)
        if (facts) this.#gate = () => this.#secured()
      },
    }
  }

  readonly #refused = (error: unknown): undefined => {
    this.#parting = formatStatus(error instanceof Refusal ? error.status : status.localError)
  }

  get idleTimeoutMs(): number {
    return this.#inner.idleTimeoutMs
  }

  receive(chunk: Uint8Array): void {
    this.#inner.receive(chunk)
  }

  timedOut(): Uint8Array | undefined {
    return this.#inner.timedOut()
  }

  ended(): void {
    this.#inner.ended()
  }

  failed(error: unknown): Uint8Array | undefined {
    this.#calls.report(error)
    return this.#inner.failed()
  }

  shutdown(): void {
    this.#inner.shutdown()
  }

  closed(): void {
    this.#inner.closed()
    this.#calls.tell(() => this.#handlers.onClose?.(this.#session))
  }
}
