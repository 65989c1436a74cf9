/**
 * One message from MAIL to the end of its data: checks the sender and the recipients, then accepts it. RFC 5321 §3.3,
 * RFC 6409 §6.
 */
import type { AccountId } from '../mail/ids.ts'
import type { Live } from '../base/live.ts'
import { ResolvedAddresses } from '../directory/resolved-addresses.ts'
import { maySendAs, type AddressSource } from '../directory/aliases.ts'
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
import { completeMailbox, isForOthers, planLocal } from './resolve.ts'
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
  /** Answers of the external directory in this transaction; undefined: the store has all addresses. */
  readonly #resolved: ResolvedAddresses | undefined
  #sink: ContentSink<StoredContent> | undefined
  /** Begun as soon as the sender is known: DNS answers come while the message does. */
  readonly #early: EarlyEvidence | undefined

  constructor(tools: TransactionTools, client: SmtpClientFacts, reversePath: ReversePath, parameters: MailParameters) {
    this.#tools = tools
    this.#client = client
    this.#reversePath = reversePath
    this.#parameters = parameters
    this.#resolved = tools.externalDirectory && new ResolvedAddresses(tools.store.read, tools.externalDirectory)
    this.#early = tools.authenticity?.begin(client, reversePath)
  }

  get #addresses(): AddressSource {
    return this.#resolved ?? this.#tools.store.read
  }

  /** Throws a Refusal. @returns a promise only if the external directory must be asked. */
  checkSender(): void | Promise<void> {
    const { service, user, trusted } = this.#client
    if (service !== 'submission' && service !== 'submissions') return
    if (!user && !trusted) throw new Refusal(status.authRequired)
    const heard = this.#resolved
    if (!heard || !user) return this.#checkReversePath()
    const { localPart, domain } = this.#reversePath ?? { localPart: '', domain: '' }
    const { subaddressDelimiter } = this.#tools.options.now
    // All addresses that the message will be compared with: none has to be looked up after its data.
    return heard
      .learnAccount(user.name)
      .then(() => heard.prefetch(localPart, domain, subaddressDelimiter))
      .then(() => this.#checkReversePath())
  }

  #checkReversePath(): void {
    const user = this.#client.user?.name
    // All users may send with the null reverse-path: read receipts do. RFC 5321 §4.5.5.
    if (user === undefined || !this.#reversePath) return
    if (!this.#maySendAs(user, this.#reversePath)) throw new Refusal(status.senderNotYours)
  }

  /** An internal address may also be used if its rewritten form may. */
  #maySendAs(user: string, mailbox: Mailbox): boolean {
    const { rewriter, options } = this.#tools
    const seen = rewriter?.inHeader(mailbox, 'sender')
    return [mailbox, ...(seen ? [seen] : [])].some(({ localPart, domain }) =>
      maySendAs(this.#addresses, user, localPart, domain, options.now.subaddressDelimiter),
    )
  }

  recipient(given: Mailbox, dsn: RecipientDsn): void | Promise<void> {
    const refused = (error: unknown): never => {
      if (error instanceof Refusal) this.#noteUnknown(given, error.status)
      throw error
    }
    try {
      const complete = completeMailbox(this.#tools, given, this.#client.peer.localAddress)
      const mailbox = this.#tools.rewriter?.recipient(complete) ?? complete
      // Only with an external directory: without one there is no waiting.
      const heard = this.#resolved?.prefetch(
        mailbox.localPart,
        mailbox.domain,
        this.#tools.options.now.subaddressDelimiter,
      )
      return heard
        ? heard.then(() => this.#addRecipient(mailbox, dsn)).catch(refused)
        : this.#addRecipient(mailbox, dsn)
    } catch (error) {
      return refused(error)
    }
  }

  #noteUnknown(given: Mailbox, status: Status): void {
    this.#refused.push({ address: formatMailbox(given), status })
    const { user } = this.#client
    if (user && status.enhanced.startsWith('5.1.')) this.#tools.accountGuard?.unknown(user.accountId as AccountId)
  }

  #addRecipient(mailbox: Mailbox, dsn: RecipientDsn): void {
    if (!this.#tools.store.read.isLocalDomain(mailbox.domain)) {
      if (!mayRelay(this.#client) && !isForOthers(this.#tools.relay?.now, mailbox.domain))
        throw new Refusal(status.relayDenied)
    } else {
      const plans = planLocal(this.#tools, mailbox, formatMailbox(mailbox), this.#addresses)
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
        addresses: this.#addresses,
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
