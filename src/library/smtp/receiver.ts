/** Answers what an `SmtpServerSession` asks, by calling the handlers. */
import { Refusal, status, type Status } from '../../mail/status.ts'
import type { ContentSink } from '../../mail/content.ts'
import type { Mailbox, RecipientDsn, ReversePath } from '../../mail/envelope.ts'
import type { Authenticated } from '../../protocol/sasl/authenticator.ts'
import type { MailParameters, SmtpClientFacts, SmtpReceiver, SmtpTransaction } from '../../protocol/smtp/backend.ts'
import type { Calls } from './calls.ts'
import { recipientOf, senderOf, type SmtpEnvelope, type SmtpRecipient, type SmtpSender } from './envelope.ts'
import type { MessageResult, SmtpHandlers } from './handlers.ts'
import { IncomingMessage, Pipe } from './incoming-message.ts'
import { plainWords } from './refusal.ts'
import type { SmtpSession } from './server-session.ts'
import type { SignIn } from './sign-in.ts'

export interface ReceiverParts<User> {
  readonly handlers: SmtpHandlers<User>
  readonly session: SmtpSession<User>
  readonly calls: Calls<User>
  readonly signIn: SignIn<User>
  /** Clients must sign in before MAIL. */
  readonly authRequired: boolean
}

export class HandlerReceiver<User> implements SmtpReceiver {
  readonly #parts: ReceiverParts<User>

  constructor(parts: ReceiverParts<User>) {
    this.#parts = parts
  }

  verifyPassword(username: string, password: string): Promise<Authenticated | null> {
    return this.#parts.signIn.verifyPassword(username, password)
  }

  async mail(client: SmtpClientFacts, reversePath: ReversePath, parameters: MailParameters): Promise<SmtpTransaction> {
    const { handlers, session, calls, authRequired } = this.#parts
    if (authRequired && !client.user) throw new Refusal(status.authRequired)
    const sender = senderOf(reversePath, parameters)
    await calls.answer(() => handlers.onMail?.(sender, session))
    return new HandlerTransaction(this.#parts, sender)
  }
}

type Outcome = { readonly results: MessageResult | readonly MessageResult[] } | { readonly refusal: Refusal }

class HandlerTransaction<User> implements SmtpTransaction {
  readonly #parts: ReceiverParts<User>
  readonly #envelope: SmtpEnvelope
  readonly #recipients: SmtpRecipient[] = []
  #pipe: Pipe | undefined
  #outcome: Promise<Outcome> | undefined

  constructor(parts: ReceiverParts<User>, sender: SmtpSender) {
    this.#parts = parts
    this.#envelope = { sender, recipients: this.#recipients }
    parts.session.begin(this.#envelope)
  }

  async recipient(mailbox: Mailbox, dsn: RecipientDsn): Promise<void> {
    const { handlers, session, calls } = this.#parts
    const recipient = recipientOf(mailbox, dsn)
    await calls.answer(() => handlers.onRcpt?.(recipient, session))
    this.#recipients.push(recipient)
  }

  data(): ContentSink<unknown> {
    const pipe = (this.#pipe = new Pipe((work) => this.#parts.calls.answer(() => work)))
    this.#outcome = this.#handle(new IncomingMessage(this.#envelope, pipe), pipe)
    return pipe
  }

  async #handle(message: IncomingMessage, pipe: Pipe): Promise<Outcome> {
    const { handlers, session, calls } = this.#parts
    try {
      return { results: await handlers.onMessage(message, session) }
    } catch (error) {
      // If the message was cut off, whatever error the handler threw is a consequence and not reported.
      if (!pipe.aborted && !(error instanceof Refusal)) calls.report(error)
      return { refusal: calls.refusalOf(error) }
    } finally {
      pipe.close()
    }
  }

  async finish(): Promise<readonly Status[]> {
    const { calls, session } = this.#parts
    await this.#pipe!.finish()
    try {
      // The handler's time limit starts after the last byte, since until then the client sets the pace.
      const outcome = await calls.answer(() => this.#outcome!)
      if ('refusal' in outcome) throw outcome.refusal
      return this.#statuses(outcome.results)
    } finally {
      session.begin(undefined)
    }
  }

  #statuses(results: MessageResult | readonly MessageResult[]): readonly Status[] {
    const { calls, session } = this.#parts
    if (Array.isArray(results) && results.length !== this.#recipients.length)
      throw calls.refusalOf(this.#reported(`${results.length} results for ${this.#recipients.length} recipients`))
    const each = this.#recipients.map((_, at) => statusOf(Array.isArray(results) ? results[at] : results))
    if (session.service === 'lmtp') return each
    // 250 if any recipient was accepted; else a temporary failure before a permanent one.
    return [each.find(({ code }) => code < 300) ?? each.find(({ code }) => code < 500) ?? each[0]!]
  }

  #reported(text: string): TypeError {
    const error = new TypeError(`onMessage gave ${text}`)
    this.#parts.calls.report(error)
    return error
  }

  abort(): void {
    const { handlers, session, calls } = this.#parts
    this.#pipe?.abort()
    session.begin(undefined)
    calls.tell(() => handlers.onReset?.(this.#envelope, session))
  }
}

function statusOf(result: MessageResult): Status {
  if (result instanceof Refusal) return result.status
  return { code: 250, enhanced: '2.0.0', text: plainWords(result || 'Message accepted') }
}
