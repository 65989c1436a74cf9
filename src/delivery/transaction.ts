/**
 * One message from MAIL to the end of its data: checks the sender and the recipients, then accepts it. RFC 5321 §3.3,
 * RFC 6409 §6.
 */
import type { AccountId } from '../mail/ids.ts'
import type { Live } from '../base/live.ts'
import { maySendAs } from '../directory/aliases.ts'
import { formatMailbox } from '../mail/address.ts'
import type { ContentSink } from '../mail/content.ts'
import type { Mailbox, RecipientDsn, ReversePath } from '../mail/envelope.ts'
import { Refusal, status, type Status } from '../mail/status.ts'
import type { MailParameters, SmtpClientFacts, SmtpTransaction } from '../protocol/smtp/backend.ts'
import { StoreFault, type StoredContent } from '../store/store.ts'
import { newArrivalId, type ArrivalRecipient } from './arrival.ts'
import type { EarlyEvidence } from './checks/authenticity.ts'
import type { RefusedRecipient } from './trace.ts'
import type { RelayOptions } from './options.ts'
import { atRcpt, decide } from './decide.ts'
import { completeMailbox, isForOthers } from './resolve.ts'
import { mayRelay, MessageAcceptance, type AcceptTools } from './accept.ts'

export interface TransactionTools extends AcceptTools {
  /** undefined: there are no relay domains. */
  readonly relay?: Live<RelayOptions>
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
  /** Begun as soon as the sender is known: DNS answers come while the message does. */
  readonly #early: EarlyEvidence | undefined

  constructor(tools: TransactionTools, client: SmtpClientFacts, reversePath: ReversePath, parameters: MailParameters) {
    this.#tools = tools
    this.#client = client
    this.#reversePath = reversePath
    this.#parameters = parameters
    this.#early = tools.authenticity?.begin(client, reversePath)
  }

  /** Throws a Refusal. */
  async checkSender(): Promise<void> {
    const { service, user, trusted } = this.#client
    if (service !== 'submission' && service !== 'submissions') return
    if (!user && !trusted) throw new Refusal(status.authRequired)
    // All users may send with the null reverse-path: read receipts do. RFC 5321 §4.5.5.
    if (!user || !this.#reversePath) return
    if (!(await this.#maySendAs(user.name, this.#reversePath))) throw new Refusal(status.senderNotYours)
  }

  /** An internal address may also be used if its rewritten form may. */
  async #maySendAs(user: string, mailbox: Mailbox): Promise<boolean> {
    const { rewriter, options, addresses } = this.#tools
    const seen = rewriter?.inHeader(mailbox, 'sender')
    for (const { localPart, domain } of [mailbox, ...(seen ? [seen] : [])]) {
      if (await maySendAs(addresses, user, localPart, domain, options.now.subaddressDelimiter)) return true
    }
    return false
  }

  async recipient(given: Mailbox, dsn: RecipientDsn): Promise<void> {
    try {
      const complete = completeMailbox(this.#tools, given, this.#client.peer.localAddress)
      await this.#addRecipient(this.#tools.rewriter?.recipient(complete) ?? complete, dsn)
    } catch (error) {
      if (error instanceof Refusal) this.#noteUnknown(given, error.status)
      throw error
    }
  }

  #noteUnknown(given: Mailbox, status: Status): void {
    this.#refused.push({ address: formatMailbox(given), status })
    const { user } = this.#client
    if (user && status.enhanced.startsWith('5.1.')) void this.#tools.accountGuard?.unknown(user.accountId as AccountId)
  }

  async #addRecipient(mailbox: Mailbox, dsn: RecipientDsn): Promise<void> {
    if (!this.#tools.store.read.isLocalDomain(mailbox.domain)) {
      if (!mayRelay(this.#client) && !isForOthers(this.#tools.relay?.now, mailbox.domain))
        throw new Refusal(status.relayDenied)
    } else {
      const plans = await decide(this.#tools, mailbox, atRcpt(this.#reversePath))
      const refused = plans.find((plan) => plan.kind === 'refuse')
      if (refused && plans.every((plan) => plan.kind === 'refuse')) throw new Refusal(refused.status)
    }
    this.#recipients.push({ mailbox, notify: dsn.notify, originalRecipient: dsn.originalRecipient })
  }

  data(): ContentSink<StoredContent> {
    return (this.#sink = this.#tools.store.sink())
  }

  abort(): void {
    this.#sink?.abort()
    this.#sink = undefined
    // A transaction with MAIL alone is not worth a trace.
    if (this.#recipients.length + this.#refused.length > 0) this.noteRefused(undefined)
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
        early: this.#early,
        maySendAs: (user, mailbox) => this.#maySendAs(user, mailbox),
      })
      return await taking.take()
    } catch (error) {
      taking?.content.abort()
      throw this.#failed(error)
    }
  }

  #failed(error: unknown): unknown {
    const full = (error instanceof StoreFault && error.full) || (error as { code?: string }).code === 'ENOSPC'
    const refusal =
      error instanceof Refusal ? error : new Refusal(full ? status.storeFull : status.localError, { cause: error })
    this.noteRefused(refusal)
    return refusal
  }
}
