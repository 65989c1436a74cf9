/**
 * Accepts a message at the end of its data: checks it, edits it, signs it, plans each recipient and commits all of it
 * at once. docs/architecture.md §3.
 */
import type { AccountId } from '../mail/ids.ts'
import { bytesOf } from '../base/bytes.ts'
import type { Log } from '../base/log.ts'
import { formatMailbox, needsSmtpUtf8, parseMailbox } from '../mail/address.ts'
import { domainDestination, localDestination } from '../mail/destination.ts'
import type { Mailbox, ReversePath } from '../mail/envelope.ts'
import { formatField } from '../mail/header-format.ts'
import type { HeaderFacts } from '../mail/message-facts.ts'
import { Refusal, status, type Status } from '../mail/status.ts'
import type { MailParameters, SmtpClientFacts } from '../protocol/smtp/backend.ts'
import type { FiledFacts } from '../store/facts.ts'
import type { MailboxRow } from '../store/entities.ts'
import type { StoredContent, StoreReads } from '../store/store.ts'
import type { ImmediateDelivery } from './immediate-delivery.ts'
import { sealForwarded } from './seal.ts'
import { DkimSigner } from '../trust/dkim/sign.ts'
import { messageIndex, newArrivalId, type Arrival, type ArrivalRecipient } from './arrival.ts'
import { mayRelay } from '../checks/clients.ts'
import type { MessageNotes } from '../checks/notes.ts'
import type { MessageChecks } from '../checks/run-checks.ts'
import { isResultsOf } from '../trust/authentication-results.ts'
import { watchIncomingDsn } from './incoming-dsn.ts'
import { commitArrival } from './commit.ts'
import { planAnyway, type TransferTools } from './file.ts'
import { deliveryPrefix, receivedField, submissionFixes } from './headers.ts'
import type { Trace, RefusedRecipient } from './trace.ts'
import type { Edit } from '../mail/edit.ts'
import { applyEdits, contentParts, type ContentParts } from './edits.ts'
import type { Plan, Planned } from './plan.ts'
import { fitsQuota, planLocal } from './resolve.ts'
import { noteMissingMembers, type MissingMember } from './missing-member.ts'
import { isForward, loopMarks, passedMax, wasSentOn } from './loop-mark.ts'
import { headerEdits } from './rewrite/header.ts'
import type { Rewriter } from './rewrite/rewriter.ts'
import type { SigningKeys } from './signing.ts'

export interface AcceptTools extends TransferTools {
  readonly trace: Trace
  readonly log: Log
  /** undefined: the queue finds new arrivals by itself. */
  readonly immediateDelivery?: ImmediateDelivery
  /** undefined: nothing is signed. */
  readonly signingKeys?: SigningKeys
  /** undefined: addresses are not rewritten, and there are no BCC copies. */
  readonly rewriter?: Rewriter
}

/** What the SMTP or LMTP transaction has collected. */
export interface ReceivedMessage {
  readonly client: SmtpClientFacts
  readonly reversePath: ReversePath
  readonly parameters: MailParameters
  readonly recipients: readonly ArrivalRecipient[]
  readonly refused: readonly RefusedRecipient[]
  readonly checks: MessageChecks
}

/** The Junk mailbox of an account; undefined when it has none. */
async function junkOf(read: StoreReads, account: AccountId): Promise<MailboxRow | undefined> {
  return (await read.mailboxes(account)).find(({ role }) => role === 'junk')
}

export class MessageAcceptance {
  /** The current content, after edits so far: to be aborted when the message is not accepted. */
  content: StoredContent
  readonly #tools: AcceptTools
  readonly #received: ReceivedMessage
  /** Sent by one of our own users or hosts. */
  readonly #ours: boolean
  readonly #missing: MissingMember[] = []
  /** Edits of the message, for the trace; all else is kept byte for byte. */
  readonly #changed = new Set<string>()

  constructor(tools: AcceptTools, content: StoredContent, brought: ReceivedMessage) {
    this.#tools = tools
    this.content = content
    this.#received = brought
    this.#ours = mayRelay(brought.client)
  }

  async take(): Promise<readonly Status[]> {
    const { store, clock, random, options, trace, rewriter } = this.#tools
    const { client, parameters, recipients, refused } = this.#received
    const id = newArrivalId(clock, random)
    const atMs = clock.now()
    let filed = await this.#mended()
    let { message } = filed
    // Parts of the header that are not parsed could not be checked, but would be delivered and shown.
    if (message.beyondLimits) throw new Refusal(status.headerTooLarge)
    if (message.hopCount > options.now.hopsMax || message.deliveredTo.length > passedMax)
      throw new Refusal(status.tooManyHops)
    const verdict = await this.#check(id, message)
    const judged = verdict.judgement
    const edits = await this.#edits(message, verdict)
    if (edits.length > 0) this.content = await applyEdits(store, this.content, edits)
    const prepended = verdict.headers.map(formatLine).join('')
    const sender = this.#ours && rewriter ? rewriter.sender(this.#received.reversePath) : this.#received.reversePath
    const author = sender ?? (client.user && (parseMailbox(client.user.name) ?? null))
    const fixes =
      prepended + (this.#ours ? submissionFixes(message, { id, hostname: options.now.hostname, atMs, author }) : '')
    // ENVELOPE must show the fields that we added.
    if (edits.length > 0 || fixes !== '') {
      filed = await messageIndex(store, this.content, bytesOf(fixes))
      message = filed.message
    }
    const clientName = judged?.evidence.iprev.name ?? client.clientName
    const via = { helo: client.helo, clientName, peer: client.peer, protocol: client.withProtocol, tls: client.tls }
    const mailboxes = recipients.map(({ mailbox }) => mailbox)
    const received = receivedField(via, options.now.hostname, id, atMs, mailboxes)
    const signature = this.#ours ? await this.#sign(message, fixes, atMs) : ''
    const prefix = (judged?.field ?? '') + received + signature + fixes
    const copied = this.#copied(sender, mailboxes, verdict)
    const held = (await this.#isHeld(recipients.length)) || verdict.hold
    const arrival = this.#arrival(id, atMs, sender, copied, message, held)
    const planned = await this.#plan(arrival, message, this.content.sizeBytes + prefix.length, verdict, verdict.junk)
    const copies: Plan[] = []
    for (const mailbox of copied) copies.push(...(await this.#planCopy(mailbox)))
    // Without the redirected copy the message would be lost.
    if (verdict.redirect !== undefined && copies.length === 0) throw new Refusal(status.localError)
    const sealed = judged?.seals === true ? await sealForwarded(this.#tools, this.content, judged, planned, atMs) : ''
    const noteReturned = sender === null ? await watchIncomingDsn(this.#tools, id, this.content) : undefined
    const replies = await commitArrival(this.#tools, {
      arrival,
      content: this.content,
      filed,
      prefix,
      sealed: loopMarks(planned) + sealed,
      planned,
      copies,
      lmtp: client.service === 'lmtp',
    })
    trace.arrived({
      arrival,
      client,
      parameters,
      sizeBytes: this.content.sizeBytes,
      messageId: message.messageIdKeys.messageId,
      refused,
      planned: [...planned, { recipient: '', plans: copies }],
      replies,
      rules: verdict.fitted,
      changed: [...this.#changed],
    })
    if (this.#missing.length > 0) await noteMissingMembers(this.#tools, id, atMs, this.#missing)
    noteReturned?.()
    return replies
  }

  /**
   * Inserts the missing blank line after the header: into text without a header or without that line, as our own fields
   * in front would run into the text. This comes before all checks: a line that is no field, amid a signed header,
   * would show text of its own under a valid signature.
   */
  async #mended(): Promise<FiledFacts> {
    const { store } = this.#tools
    const filed = await messageIndex(store, this.content, new Uint8Array(0))
    if (filed.mends.length === 0) return filed
    for (const { text } of filed.mends)
      this.#changed.add(text === '\r\n' ? 'a blank line put before the text' : 'an mbox line made X-Mailbox-Line')
    this.content = await applyEdits(store, this.content, filed.mends)
    return messageIndex(store, this.content, new Uint8Array(0))
  }

  /** Asks the checks about the message as it is now. Throws a Refusal. */
  async #check(id: string, facts: HeaderFacts): Promise<MessageNotes> {
    const { checks, recipients } = this.#received
    const { content } = this
    const parts = this.#partsOf(content)
    await checks.message({
      id,
      recipients: recipients.map(({ mailbox }) => mailbox),
      sizeBytes: content.sizeBytes,
      facts,
      header: async () => (await parts()).header,
      body: () => bodyOf(parts),
      read: async (start, end) =>
        content.inline?.subarray(start, end) ?? this.#tools.store.readContent(content, start, end),
    })
    return checks.notes
  }

  /** Read once, by the first that asks. */
  #partsOf(content: StoredContent): () => Promise<ContentParts> {
    let read: Promise<ContentParts> | undefined
    return () => (read ??= contentParts(this.#tools.store, content, ''))
  }

  /** All edits in order of position. */
  async #edits(message: HeaderFacts, notes: MessageNotes): Promise<readonly Edit[]> {
    const { store, rewriter, options } = this.#tools
    // Authentication-Results in our name are removed, whatever their source: readers would believe them. RFC 8601 §5.
    const results = message.results.filter(({ value }) => isResultsOf(value, options.now.hostname))
    const forged = this.#ours ? [...results, ...message.blind] : results
    if (forged.length > 0) this.#changed.add('fields taken out: forged findings, blind copies')
    const rewrites = this.#ours && rewriter?.changesHeaders === true
    const rewritten = rewrites ? headerEdits((await contentParts(store, this.content, '')).header, rewriter) : []
    return [...forged, ...notes.edits, ...rewritten].sort((a, b) => a.start - b.start)
  }

  /** Signs the message as it leaves, with the fields that we added. Only for our own domains. */
  async #sign(message: HeaderFacts, fixes: string, nowMs: number): Promise<string> {
    const { store, signingKeys } = this.#tools
    const domain = message.authors.mailboxes[0]?.domain
    if (!signingKeys || domain === undefined || !store.read.isLocalDomain(domain)) return ''
    const keys = await signingKeys.of(domain)
    if (keys.length === 0) return ''
    const { header, body } = await contentParts(store, this.content, fixes)
    const signer = new DkimSigner(header, keys, { nowMs })
    for await (const piece of body()) signer.write(piece)
    return signer.end()
  }

  /** Recipients of copies. A redirect replaces all recipients. */
  #copied(sender: ReversePath, mailboxes: readonly Mailbox[], verdict: MessageNotes): Mailbox[] {
    if (verdict.discard !== undefined) return []
    const copies = verdict.redirect === undefined ? (this.#tools.rewriter?.copies(sender, mailboxes) ?? []) : []
    const wanted = [...verdict.copies, ...(verdict.redirect === undefined ? [] : [verdict.redirect])]
    return [...copies, ...wanted.flatMap((address) => parseMailbox(address) ?? [])]
  }

  #arrival(
    id: string,
    atMs: number,
    reversePath: ReversePath,
    copies: readonly Mailbox[],
    message: HeaderFacts,
    held: boolean,
  ): Arrival {
    const { client, recipients } = this.#received
    const { body, requireTls, deliverBy, priority, release, ret, envelopeId } = this.#received.parameters
    // SMTPUTF8 is kept only if needed: RFC 6531 §3.2 forbids only what is not ASCII, and many hosts do not support the
    // extension.
    const paths = [reversePath, ...recipients.map(({ mailbox }) => mailbox), ...copies]
    const smtpUtf8 =
      this.#received.parameters.smtpUtf8 && (message.isEightBit || paths.some((path) => path && needsSmtpUtf8(path)))
    return {
      id,
      atMs,
      reversePath,
      // The sender does not know of the copies, and gets no DSNs for them. RFC 3461 §4.1.
      recipients: [...recipients, ...copies.map((mailbox) => ({ mailbox, notify: ['never'] as const }))],
      body,
      smtpUtf8,
      requireTls,
      deliverBy,
      priority,
      release,
      // RFC 8689 §4.1: REQUIRETLS of MAIL overrides the header field.
      tlsOptional: !requireTls && message.tlsOptional ? true : undefined,
      held: held || undefined,
      ret,
      envelopeId,
      submitter: client.user?.accountId as AccountId | undefined,
    }
  }

  /** Whether the sending account is, or looks, compromised. */
  async #isHeld(recipients: number): Promise<boolean> {
    const { user } = this.#received.client
    if (!user) return false
    return (await this.#tools.accountGuard?.sends(user.accountId as AccountId, user.name, recipients)) === true
  }

  async #plan(
    arrival: Arrival,
    { deliveredTo }: HeaderFacts,
    sizeBytes: number,
    verdict: MessageNotes,
    junk: boolean,
  ): Promise<Planned[]> {
    const { store } = this.#tools
    const { discard, redirect } = verdict
    const planned: Planned[] = []
    for (const { mailbox } of this.#received.recipients) {
      const recipient = formatMailbox(mailbox)
      const rule = discard ?? (redirect === undefined ? undefined : `${verdict.fitted.join(', ')}: to ${redirect}`)
      if (rule !== undefined) planned.push({ recipient, plans: [{ kind: 'discard', recipient, rule }] })
      else if (!store.read.isLocalDomain(mailbox.domain))
        planned.push({
          recipient,
          plans: [{ kind: 'queue', recipient, address: recipient, destination: domainDestination(mailbox.domain) }],
        })
      else {
        const again = wasSentOn(deliveredTo, recipient)
        const local = await planLocal(this.#tools, mailbox, recipient, (member) =>
          this.#missing.push({ alias: recipient, member }),
        )
        // Two users who forward copies to each other: each keeps one copy, and no bounce is needed.
        const keepsCopy = local.some(({ kind }) => kind === 'file')
        const plans: Plan[] = []
        for (const plan of local) {
          if (again && isForward(plan))
            plans.push(
              keepsCopy
                ? { kind: 'discard', recipient, rule: 'sent on before' }
                : { kind: 'refuse', recipient, status: status.forwardingLoop },
            )
          else plans.push(plan.kind === 'file' ? await this.#planFiling(plan, arrival, sizeBytes, junk) : plan)
        }
        planned.push({ recipient, plans })
      }
    }
    return planned
  }

  async #planFiling(
    plan: Extract<Plan, { kind: 'file' }>,
    arrival: Arrival,
    sizeBytes: number,
    junk: boolean,
  ): Promise<Plan> {
    const { store } = this.#tools
    const { recipient, account } = plan
    // Includes the prefix: the commit counts it too, and would refuse all recipients because of this one.
    const own = deliveryPrefix(arrival.reversePath, recipient).length
    if (!(await fitsQuota(store.read, account, sizeBytes + own)))
      return { kind: 'refuse', recipient, status: status.mailboxFull }
    // RFC 4865 §4.2: no delivery before the release time, to local mailboxes either.
    if (arrival.release || arrival.held)
      return { kind: 'queue', recipient, address: account.name, destination: localDestination }
    const mailbox = junk ? await junkOf(store.read, account.id) : undefined
    return mailbox ? { ...plan, mailbox: mailbox.id, mailboxName: mailbox.name } : plan
  }

  /** A copy that cannot be delivered is only logged: the sender does not know of it. */
  async #planCopy(mailbox: Mailbox): Promise<Plan[]> {
    const { log } = this.#tools
    const recipient = formatMailbox(mailbox)
    return (await planAnyway(this.#tools, recipient)).flatMap((plan): Plan[] => {
      if (plan.kind === 'queue') return [plan]
      // The queue retries while the mailbox is full.
      const address = plan.kind === 'discard' ? undefined : plan.account?.name
      if (address !== undefined) return [{ kind: 'queue', recipient, address, destination: localDestination }]
      log.warn('BCC copy could not be filed', { recipient })
      return []
    })
  }
}

/** Formats a rule's `Name: value` as a header field. */
function formatLine(line: string): string {
  const colon = line.indexOf(':')
  return formatField(line.slice(0, colon), line.slice(colon + 1).trim())
}

async function* bodyOf(parts: () => Promise<ContentParts>): AsyncGenerator<Uint8Array> {
  yield* (await parts()).body()
}
