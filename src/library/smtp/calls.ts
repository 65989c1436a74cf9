/** Calls of handlers: limited in time; what they throw becomes a reply that the client may see. */
import type { Clock, Timer } from '../../base/clock.ts'
import { Refusal, status } from '../../mail/status.ts'
import type { SmtpHandlers } from './handlers.ts'
import type { SmtpSession } from './server-session.ts'

/** A handler did not end in `handlerTimeoutMs`; the client was told to try again. */
export class HandlerTimeoutFault extends Error {
  constructor(timeoutMs: number) {
    super(`the handler took more than ${timeoutMs} ms`)
    this.name = 'HandlerTimeoutFault'
  }
}

export class Calls<User> {
  readonly #handlers: SmtpHandlers<User>
  readonly #session: SmtpSession<User>
  readonly #clock: Clock
  readonly #timeoutMs: number
  /** A handler answered 421: no further reply follows. */
  leaving = false

  constructor(handlers: SmtpHandlers<User>, session: SmtpSession<User>, clock: Clock, timeoutMs: number) {
    this.#handlers = handlers
    this.#session = session
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** Throws a Refusal, and nothing else. */
  async answer<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await this.#within(work)
    } catch (error) {
      if (!(error instanceof Refusal)) this.report(error)
      throw this.refusalOf(error)
    }
  }

  refusalOf(error: unknown): Refusal {
    const refusal = error instanceof Refusal ? error : new Refusal(status.localError, { cause: error })
    if (refusal.status.code === 421) this.leaving = true
    return refusal
  }

  /** For handlers whose result is not used. */
  tell(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.report(error)
    }
  }

  report(error: unknown): void {
    const { onError } = this.#handlers
    if (!onError) return console.error('pennypost/smtp: a handler failed:', error)
    try {
      onError.call(this.#handlers, error, this.#session)
    } catch (second) {
      console.error('pennypost/smtp: onError failed:', second)
    }
  }

  async #within<T>(work: () => T | Promise<T>): Promise<T> {
    const value = work()
    if (typeof value !== 'object' || value === null || !('then' in value)) return value
    let timer: Timer | undefined
    const late = new Promise<never>((_, reject) => {
      timer = this.#clock.after(this.#timeoutMs, () => reject(new HandlerTimeoutFault(this.#timeoutMs)))
    })
    try {
      return await Promise.race([value, late])
    } finally {
      timer!.cancel()
    }
  }
}
