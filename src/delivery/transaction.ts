/**
 * One message from MAIL to the end of its data: asks the checks at each moment, then accepts it. RFC 5321 §3.3,
 * RFC 6409 §6.
 */
import type { AccountId } from '../mail/ids.ts'
import { CheckRefusal, type MessageChecks } from '../checks/run-checks.ts'
import { formatMailbox } from '../mail/address.ts'
import type { ContentSink } from '../mail/content.ts'
import type { Mailbox, RecipientDsn, ReversePath } from '../mail/envelope.ts'
import { Refusal, status, type Status } from '../mail/status.ts'
import type { MailParameters, SmtpClientFacts, SmtpTransaction } from '../protocol/smtp/backend.ts'
import { StoreFault, type StoredContent } from '../store/store.ts'
import { newArrivalId, type ArrivalRecipient } from './arrival.ts'
import type { RefusedRecipient } from './trace.ts'
import { completeMailbox } from './complete-mailbox.ts'
import { MessageAcceptance, type AcceptTools } from './accept.ts'

export interface TransactionTools extends AcceptTools {
  isOwnAddress?(address: string): boolean
}

export class Transaction implements SmtpTransaction {
  readonly #tools: TransactionTools
  readonly #client: SmtpClientFacts
  readonly #reversePath: ReversePath
  readonly #parameters: MailParameters
  readonly #recipients: ArrivalRecipient[] = []
  readonly #refused: RefusedRecipient[] = []
  #sink: ContentSink<StoredContent> | undefined
  readonly #checks: MessageChecks

  constructor(
    tools: TransactionTools,
    checks: MessageChecks,
    client: SmtpClientFacts,
    reversePath: ReversePath,
    parameters: MailParameters,
  ) {
    this.#tools = tools
    this.#client = client
    this.#reversePath = reversePath
    this.#parameters = parameters
    this.#checks = checks
  }

  async recipient(given: Mailbox, dsn: RecipientDsn): Promise<void> {
    const complete = completeMailbox(this.#tools, given, this.#client.peer.localAddress)
    const mailbox = this.#tools.rewriter?.recipient(complete) ?? complete
    try {
      const asked = this.#checks.recipient(mailbox, dsn)
      if (asked) await asked
    } catch (error) {
      if (error instanceof Refusal) {
        if (!isUntraced(error)) this.#noteUnknown(given, error.status)
        this.#checks.refused(mailbox, error.status)
      }
      throw error
    }
    this.#recipients.push({ mailbox, notify: dsn.notify, originalRecipient: dsn.originalRecipient })
  }

  #noteUnknown(given: Mailbox, status: Status): void {
    this.#refused.push({ address: formatMailbox(given), status })
    const { user } = this.#client
    if (user && status.enhanced.startsWith('5.1.')) void this.#tools.accountGuard?.unknown(user.accountId as AccountId)
  }

  ready(): Promise<void> | undefined {
    return this.#checks.data()
  }

  data(): ContentSink<StoredContent> {
    return (this.#sink = this.#tools.store.sink())
  }

  abort(): void {
    this.#sink?.abort()
    this.#sink = undefined
    this.#checks.end()
    // A transaction with MAIL alone is not worth a trace.
    if (this.#recipients.length + this.#refused.length > 0) this.noteRefused(undefined)
  }

  /** MAIL was refused. */
  declined(error: unknown): void {
    this.#checks.end()
    if (!isUntraced(error)) this.noteRefused(error)
  }

  /** Traces a transaction that was not accepted: users may ask for it later. */
  noteRefused(error: unknown): void {
    const { trace, clock, random } = this.#tools
    trace.refused({
      id: newArrivalId(clock, random),
      client: this.#client,
      reversePath: this.#reversePath,
      parameters: this.#parameters,
      recipients: this.#recipients.map(({ mailbox }) => mailbox),
      refused: this.#refused,
      status: error instanceof Refusal ? error.status : undefined,
      rules: this.#checks.notes.fitted,
    })
  }

  async finish(): Promise<readonly Status[]> {
    let taking: MessageAcceptance | undefined
    try {
      taking = new MessageAcceptance(this.#tools, await this.#sink!.finish(), {
        client: this.#client,
        reversePath: this.#reversePath,
        parameters: this.#parameters,
        recipients: this.#recipients,
        refused: this.#refused,
        checks: this.#checks,
      })
      return await taking.take()
    } catch (error) {
      taking?.content.abort()
      throw this.#failed(error)
    } finally {
      this.#checks.end()
    }
  }

  #failed(error: unknown): unknown {
    const full = (error instanceof StoreFault && error.full) || (error as { code?: string }).code === 'ENOSPC'
    const refusal =
      error instanceof Refusal ? error : new Refusal(full ? status.storeFull : status.localError, { cause: error })
    if (!isUntraced(refusal)) this.noteRefused(refusal)
    return refusal
  }
}

function isUntraced(error: unknown): boolean {
  return error instanceof CheckRefusal && error.untraced
}
