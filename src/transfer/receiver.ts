/** The transfer agent's front: takes messages from SMTP, submission and LMTP, and makes one commit of each. RFC 5321, RFC 6409, RFC 2033. */
import { HeardAddresses } from '../accounts/address-book.ts'
import { maySendAs, type AddressSource } from '../accounts/aliases.ts'
import { formatMailbox } from '../mail/address.ts'
import type { ContentSink } from '../mail/content.ts'
import type { Mailbox, RecipientDsn, ReversePath } from '../mail/envelope.ts'
import type { MessageFacts } from '../mail/message-facts.ts'
import { Refusal, status, type Status } from '../mail/status.ts'
import type { Authenticated, Authenticator } from '../protocol/sasl/authenticator.ts'
import type {
  AddressAnswer,
  MailParameters,
  SmtpClientFacts,
  SmtpReceiver,
  SmtpTransaction,
  WaitingFor,
} from '../protocol/smtp/backend.ts'
import type { Log } from '../base/log.ts'
import type { Peer } from '../base/network.ts'
import { bytesOf } from '../base/bytes.ts'
import { dropContent, StoreFault, StoreRefusal, type StoredContent, type StoreReads } from '../store/store.ts'
import { factsOf, newArrivalId, type Arrival, type ArrivalRecipient } from './arrival.ts'
import {
  arriveOperation,
  deliveriesOf,
  failuresOf,
  failuresWanted,
  headerText,
  localDestination,
  noticeOperation,
  type TransferTools,
} from './file.ts'
import { deliveryPrefix, pathText, receivedField, submissionFixes } from './headers.ts'
import { noticeLine, type Journey, type RefusedRecipient } from './journey.ts'
import { returnedFullMax, returnedHeaderMax, type Report } from './notice.ts'
import type { Authenticity, EarlyEvidence, Judgement } from './checks/authenticity.ts'
import { cameBack, reportBytesMax } from './came-back.ts'
import { lookUp } from './look-up.ts'
import { contentParts, withoutFields } from './message-bytes.ts'
import type { RelayOptions } from './options.ts'
import type { SigningKeys } from './signing.ts'
import { DkimSigner } from '../trust/dkim/sign.ts'
import { decide, decideEach, type Plan, type Planned } from './plan.ts'
import { completeMailbox, fitsQuota, isForOthers, planLocal } from './resolve.ts'

export interface ReceiverTools extends TransferTools {
  readonly authenticator: Authenticator
  readonly journey: Journey
  readonly log: Log
  /** undefined: nobody is checked. */
  readonly authenticity?: Authenticity
  /** undefined: nothing is signed. */
  readonly signingKeys?: SigningKeys
  /** undefined: nobody's mail only passes through. */
  readonly relay?: RelayOptions
  /** Tries what waits for a host; undefined: nobody can ask for it. */
  readonly flush?: (node: WaitingFor) => Promise<number>
}

export class Receiver implements SmtpReceiver {
  readonly #tools: ReceiverTools
  readonly flush: SmtpReceiver['flush']

  constructor(tools: ReceiverTools) {
    this.#tools = tools
    this.flush = tools.flush
  }

  lookUp(name: string): Promise<AddressAnswer> {
    return lookUp(this.#tools, name)
  }

  verifyPassword(user: string, password: string, peer: Peer): Promise<Authenticated | null> {
    return this.#tools.authenticator.verifyPassword(user, password, peer)
  }

  mail(
    client: SmtpClientFacts,
    reversePath: ReversePath,
    parameters: MailParameters,
  ): SmtpTransaction | Promise<SmtpTransaction> {
    const transaction = new Transaction(this.#tools, client, reversePath, parameters)
    const refused = (error: unknown): never => {
      transaction.noteRefused(error)
      throw error
    }
    try {
      const checked = transaction.checkSender()
      return checked ? checked.then(() => transaction, refused) : transaction
    } catch (error) {
      return refused(error)
    }
  }
}

/** Who may send to other people's hosts: users who signed in at submission, and hosts of our own networks. Nobody else, whatever the configuration forgets. */
function mayRelay(client: SmtpClientFacts): boolean {
  if (client.trusted) return client.service !== 'lmtp'
  return client.user !== null && (client.service === 'submission' || client.service === 'submissions')
}

/** The mailbox for what its owner should look at twice; undefined where he has none. */
function junkOf(read: StoreReads, account: number): number | undefined {
  return read.mailboxes(account).find(({ role }) => role === 'junk')?.id
}

class Transaction implements SmtpTransaction {
  readonly #tools: ReceiverTools
  readonly #client: SmtpClientFacts
  readonly #reversePath: ReversePath
  readonly #parameters: MailParameters
  readonly #recipients: ArrivalRecipient[] = []
  readonly #refused: RefusedRecipient[] = []
  /** What a directory has said in this transaction; undefined where the store has all addresses. */
  readonly #heard: HeardAddresses | undefined
  #sink: ContentSink<StoredContent> | undefined
  /** What is to be given up when it cannot be taken. */
  #content: StoredContent | undefined
  /** Asked for as soon as the sender is known: the answers come while the message does. */
  readonly #early: EarlyEvidence | undefined

  constructor(tools: ReceiverTools, client: SmtpClientFacts, reversePath: ReversePath, parameters: MailParameters) {
    this.#tools = tools
    this.#client = client
    this.#reversePath = reversePath
    this.#parameters = parameters
    this.#heard = tools.book && new HeardAddresses(tools.store.read, tools.book)
    this.#early = tools.authenticity?.begin(client, reversePath)
  }

  get #addresses(): AddressSource {
    return this.#heard ?? this.#tools.store.read
  }

  /** Throws a Refusal. @returns what has to be waited for, where a directory has to be asked. */
  checkSender(): void | Promise<void> {
    const { service, user, trusted } = this.#client
    if (service !== 'submission' && service !== 'submissions') return
    if (!user && !trusted) throw new Refusal(status.authRequired)
    const heard = this.#heard
    if (!heard || !user) return this.#checkReversePath()
    const { localPart, domain } = this.#reversePath ?? { localPart: '', domain: '' }
    const { subaddressDelimiter } = this.#tools.options
    // All that his messages will be compared with: when one has arrived, nobody is asked.
    return heard
      .learnAccount(user.name)
      .then(() => heard.learn(localPart, domain, subaddressDelimiter))
      .then(() => this.#checkReversePath())
  }

  #checkReversePath(): void {
    const user = this.#client.user?.name
    // The null reverse-path is anybody's: read receipts have it. RFC 5321 §4.5.5.
    if (user === undefined || !this.#reversePath) return
    const { localPart, domain } = this.#reversePath
    if (!this.#maySendAs(user, localPart, domain)) throw new Refusal(status.senderNotYours)
  }

  #maySendAs(user: string, localPart: string, domain: string): boolean {
    return maySendAs(this.#addresses, user, localPart, domain, this.#tools.options.subaddressDelimiter)
  }

  recipient(given: Mailbox, dsn: RecipientDsn): void | Promise<void> {
    const refused = (error: unknown): never => {
      if (error instanceof Refusal) this.#refused.push({ address: formatMailbox(given), status: error.status })
      throw error
    }
    try {
      const mailbox = completeMailbox(this.#tools, given)
      // Only where there is one: without a directory nothing is waited for.
      const heard = this.#heard?.learn(mailbox.localPart, mailbox.domain, this.#tools.options.subaddressDelimiter)
      return heard
        ? heard.then(() => this.#addRecipient(mailbox, dsn)).catch(refused)
        : this.#addRecipient(mailbox, dsn)
    } catch (error) {
      return refused(error)
    }
  }

  #addRecipient(mailbox: Mailbox, dsn: RecipientDsn): void {
    if (!this.#tools.store.read.isLocalDomain(mailbox.domain)) {
      if (!mayRelay(this.#client) && !isForOthers(this.#tools.relay, mailbox.domain))
        throw new Refusal(status.relayDenied)
    } else {
      const plans = planLocal(this.#tools, mailbox, formatMailbox(mailbox), this.#addresses)
      const refused = plans.find((plan) => plan.kind === 'refuse')
      if (refused && plans.every((plan) => plan.kind === 'refuse')) throw new Refusal(refused.status)
    }
    this.#recipients.push({ mailbox, ...dsn })
  }

  data(): ContentSink<StoredContent> {
    return (this.#sink = this.#tools.store.sink())
  }

  abort(): void {
    this.#sink?.abort()
    this.#sink = undefined
    // Whoever said MAIL and nothing more has nothing to ask about later.
    if (this.#recipients.length + this.#refused.length > 0) this.noteRefused(undefined)
  }

  /** The journey of what never became a message: somebody may ask where it is. */
  noteRefused(error: unknown): void {
    const { journey, clock, random } = this.#tools
    journey.refused({
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
    try {
      this.#content = await this.#sink!.finish()
    } catch (error) {
      throw this.#failed(error)
    }
    try {
      return await this.#take(this.#content)
    } catch (error) {
      dropContent(this.#content, error)
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

  async #take(given: StoredContent): Promise<readonly Status[]> {
    let content = given
    const { store, clock, random, options, journey } = this.#tools
    const client = this.#client
    const id = newArrivalId(clock, random)
    const atMs = clock.now()
    let { facts, message } = await factsOf(store, content, new Uint8Array(0))
    if (message.hopCount > options.hopsMax) throw new Refusal(status.tooManyHops)
    let fixes = ''
    if (mayRelay(client)) {
      // A printer has no account whose addresses it could be held to.
      if (client.user) this.#checkFrom(client.user.name, message)
      fixes = submissionFixes(message, id, options.hostname, atMs)
      // ENVELOPE has to show what we added.
      if (fixes !== '') ({ facts, message } = await factsOf(store, content, bytesOf(fixes)))
    }
    const judged = this.#early && (await this.#judge(this.#early, content, message))
    if (judged?.refuse) throw new Refusal(judged.refuse)
    if (judged && judged.forged.length > 0) {
      this.#content = content = await withoutFields(store, content, judged.forged)
      ;({ facts, message } = await factsOf(store, content, new Uint8Array(0)))
    }
    const mailboxes = this.#recipients.map(({ mailbox }) => mailbox)
    const clientName = judged?.evidence.iprev.name ?? client.clientName
    const via = { helo: client.helo, clientName, peer: client.peer, protocol: client.withProtocol, tls: client.tls }
    const received = receivedField(via, options.hostname, id, atMs, mailboxes)
    const signature = mayRelay(client) ? await this.#sign(content, message, fixes, atMs) : ''
    const prefix = (judged?.field ?? '') + received + signature + fixes
    const arrival: Arrival = {
      id,
      atMs,
      reversePath: this.#reversePath,
      recipients: this.#recipients,
      body: this.#parameters.body,
      smtpUtf8: this.#parameters.smtpUtf8,
      requireTls: this.#parameters.requireTls,
      deliverBy: this.#parameters.deliverBy,
      priority: this.#parameters.priority,
      release: this.#parameters.release,
      // RFC 8689 §4.1: MAIL counts more.
      tlsOptional: !this.#parameters.requireTls && message.tlsOptional ? true : undefined,
      ret: this.#parameters.ret,
      envelopeId: this.#parameters.envelopeId,
      submitter: client.user?.accountId,
    }
    const planned = this.#plan(content.sizeBytes + prefix.length, judged?.junk === true)
    const notice = this.#reversePath === null ? await this.#whole(content) : undefined
    const replies = await this.#commit(arrival, content, facts, prefix, planned)
    journey.arrived({
      arrival,
      client,
      parameters: this.#parameters,
      sizeBytes: content.sizeBytes,
      messageId: message.messageIdKeys.messageId,
      refused: this.#refused,
      planned,
      replies,
    })
    // Nobody waits for what is only told.
    if (notice) clock.soon(() => this.#noteReport(id, notice))
    return replies
  }

  /** A message that may be another host's notice. */
  #whole(content: StoredContent): Promise<Uint8Array> | undefined {
    return content.sizeBytes <= reportBytesMax
      ? this.#tools.store.readContent(content, 0, content.sizeBytes)
      : undefined
  }

  #noteReport(id: string, bytes: Uint8Array): void {
    const { journey, log } = this.#tools
    try {
      const line = cameBack(id, bytes)
      if (line) journey.note(line)
    } catch (error) {
      log.warn('a notice could not be read', { id, error: String(error) })
    }
  }

  /** What a user writes as From must be his: the address that readers see counts more than the envelope. RFC 6409 §6.1. */
  #checkFrom(user: string, message: MessageFacts): void {
    for (const { localPart, domain } of message.fromMailboxes) {
      if (!this.#maySendAs(user, localPart, domain.toLowerCase())) throw new Refusal(status.senderNotYours)
    }
  }

  async #judge(early: EarlyEvidence, content: StoredContent, message: MessageFacts): Promise<Judgement> {
    const { store, authenticity } = this.#tools
    const { header, body } = await contentParts(store, content, '')
    return authenticity!.judge(early, this.#client, message, header, body())
  }

  /** Signed as it leaves us, with the fields that we added. Only in the name of a domain of ours. */
  async #sign(content: StoredContent, message: MessageFacts, fixes: string, nowMs: number): Promise<string> {
    const { store, signingKeys } = this.#tools
    const domain = message.fromMailboxes[0]?.domain.toLowerCase()
    if (!signingKeys || domain === undefined || !store.read.isLocalDomain(domain)) return ''
    const keys = signingKeys.of(domain)
    if (keys.length === 0) return ''
    const { header, body } = await contentParts(store, content, fixes)
    const signer = new DkimSigner(header, keys, { nowMs })
    for await (const piece of body()) signer.write(piece)
    return signer.end()
  }

  #plan(sizeBytes: number, junk: boolean): Planned[] {
    const { store } = this.#tools
    return this.#recipients.map(({ mailbox }) => {
      const recipient = formatMailbox(mailbox)
      if (!store.read.isLocalDomain(mailbox.domain)) {
        return { recipient, plans: [{ kind: 'queue', recipient, address: recipient, destination: mailbox.domain }] }
      }
      const plans = planLocal(this.#tools, mailbox, recipient, this.#addresses).map((plan): Plan => {
        if (plan.kind !== 'file') return plan
        const mailbox = junk ? junkOf(store.read, plan.account.id) : undefined
        // With what stands before it: the commit counts that as well, and would refuse all recipients for the one.
        const own = deliveryPrefix(this.#reversePath, recipient).length
        const fits = fitsQuota(store.read, plan.account, sizeBytes + own)
        // RFC 4865 §4.2: nobody has it before its time, not even here.
        if (fits && this.#parameters.release)
          return { kind: 'queue', recipient, address: plan.account.name, destination: localDestination }
        return fits
          ? { ...plan, mailbox: mailbox ?? plan.mailbox }
          : { kind: 'refuse', recipient, status: status.mailboxFull }
      })
      return { recipient, plans }
    })
  }

  async #commit(
    arrival: Arrival,
    content: StoredContent,
    facts: Parameters<typeof arriveOperation>[3],
    prefix: string,
    planned: readonly Planned[],
  ): Promise<readonly Status[]> {
    const { store } = this.#tools
    const queued: Status = { code: 250, enhanced: '2.0.0', text: `Ok, taken as ${arrival.id}` }
    try {
      const lmtp = this.#client.service === 'lmtp' ? decideEach(planned, queued) : undefined
      if (lmtp?.accepted.length === 0) {
        content.abort()
        return lmtp.replies
      }
      const outcome = lmtp ? { kind: 'accept' as const, ...lmtp } : decide(planned)
      if (outcome.kind === 'refuse') throw new Refusal(outcome.status)
      const { accepted, refused } = outcome
      const reports = [
        ...(lmtp ? [] : failuresWanted(arrival, failuresOf(refused))),
        ...deliveriesOf(arrival, accepted),
      ]
      const operation = arriveOperation(this.#tools, arrival, content, facts, prefix, accepted, refused)
      const notice = await noticeOperation(this.#tools, {
        reversePath: pathText(arrival.reversePath),
        arrivedAtMs: arrival.atMs,
        envelopeId: arrival.envelopeId,
        requireTls: arrival.requireTls,
        header: reports.length === 0 ? '' : await this.#header(content),
        full: await this.#full(arrival, reports, content),
        reports,
      })
      await store.commit(notice ? [operation, notice] : [operation], { until: 'durable' })
      if (notice) this.#tools.journey.note(noticeLine(notice.arrivalId, arrival.id, pathText(arrival.reversePath)))
      return lmtp?.replies ?? [queued]
    } catch (error) {
      // Somebody else's message took the last room, or a mailbox went, between our look and the commit: the client tries again.
      if (error instanceof StoreRefusal) {
        throw new Refusal(error.code === 'overQuota' ? status.mailboxFull : status.localError, { cause: error })
      }
      throw error
    }
  }

  /** What RET=FULL returns. */
  async #full(arrival: Arrival, reports: readonly Report[], content: StoredContent): Promise<Uint8Array | undefined> {
    const wanted = arrival.ret === 'full' && reports.some(({ action }) => action === 'failed')
    if (!wanted || content.sizeBytes > returnedFullMax) return undefined
    return this.#tools.store.readContent(content, 0, content.sizeBytes)
  }

  async #header(content: StoredContent): Promise<string> {
    return headerText(await this.#tools.store.readContent(content, 0, Math.min(content.sizeBytes, returnedHeaderMax)))
  }
}
