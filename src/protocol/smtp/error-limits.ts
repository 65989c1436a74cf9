/** How a client behaves over a connection: what it does wrong, how slowly it is answered then, and when it has to go. */
import * as limits from './limits.ts'
import type { SmtpPolicy } from './policy.ts'
import { formatReply } from './wire/reply.ts'

const tooManyErrors = formatReply(421, '4.7.0 Too many errors, closing connection')
const tooManySignIns = formatReply(421, '4.7.0 Too many failed authentications')
const tooMuchTalk = formatReply(421, '4.7.0 Too many commands without a message')

export class ErrorLimits {
  readonly #policy: SmtpPolicy
  #errors = 0
  #failedSignIns = 0
  /** Commands since the last message that lead to none. */
  #idle = 0
  /** Transactions that were begun. */
  messages = 0

  constructor(policy: SmtpPolicy) {
    this.#policy = policy
  }

  /** Something was refused. @returns the parting words, where that was one too many. */
  bad(): Uint8Array | undefined {
    return ++this.#errors >= this.#policy.errorsMax ? tooManyErrors : undefined
  }

  failedSignIn(): Uint8Array | undefined {
    return ++this.#failedSignIns >= limits.authFailuresMax ? tooManySignIns : undefined
  }

  /** A verb was given. @returns the parting words for who only talks. */
  said(verb: string): Uint8Array | undefined {
    if (verb === 'MAIL') this.#idle = 0
    else if (idleVerbs.has(verb) && ++this.#idle > limits.idleCommandsMax) return tooMuchTalk
    return undefined
  }

  /** How long the next refusal waits. */
  get delayMs(): number {
    const { tarpitAfterErrors, tarpitDelayMs } = this.#policy
    const beyond = this.#errors - tarpitAfterErrors
    return beyond <= 0 ? 0 : Math.min(limits.tarpitDelayMaxMs, beyond * tarpitDelayMs)
  }
}

/** They cost us little and deliver no mail: a client with a reason says few of them. */
const idleVerbs: ReadonlySet<string> = new Set(['NOOP', 'RSET', 'HELP', 'VRFY', 'EXPN', 'ETRN', 'EHLO', 'HELO', 'LHLO'])
