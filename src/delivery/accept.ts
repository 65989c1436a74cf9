/**
 * Accepts a message at the end of its data: checks it, edits it, signs it, plans each recipient and commits all of it
 * at once. docs/architecture.md §3.
 */
import type { AccountId } from '../mail/ids.ts'
import { bytesOf } from '../base/bytes.ts'
import type { Log } from '../base/log.ts'
import { formatMailbox, needsSmtpUtf8, parseMailbox } from '../mail/address.ts'
import type { Mailbox, ReversePath } from '../mail/envelope.ts'
import { formatField } from '../mail/header-format.ts'
import type { HeaderFacts } from '../mail/message-facts.ts'
import { Refusal, status, type Status } from '../mail/status.ts'
import type { Authenticated } from '../protocol/sasl/authenticator.ts'
import type { MailParameters, SmtpClientFacts } from '../protocol/smtp/backend.ts'
import { factsOfContent, type FiledFacts } from '../store/facts.ts'
import type { StoredContent } from '../store/store.ts'
import type { ImmediateDelivery } from './immediate-delivery.ts'
import { sealForwarded } from './seal.ts'
import { DkimSigner } from '../trust/dkim/sign.ts'
import { newArrivalId, type Arrival, type ArrivalRecipient } from './arrival.ts'
import { mayRelay } from '../checks/clients.ts'
import type { MessageNotes } from '../checks/notes.ts'
import type { MessageChecks } from '../checks/run-checks.ts'
import { isResultsOf } from '../trust/authentication-results.ts'
import { watchIncomingDsn } from './incoming-dsn.ts'
import { commitArrival, type Decided } from './commit.ts'
import { decide, type Message } from './decide.ts'
import type { TransferTools } from './file.ts'
import { receivedField, submissionFixes } from './headers.ts'
import type { Trace, RefusedRecipient } from './trace.ts'
import type { Edit } from '../mail/edit.ts'
import { applyEdits, contentParts, type ContentParts } from './edits.ts'
import type { Plan, Planned } from './plan.ts'
import { noteMissingMembers, type MissingMember } from './missing-member.ts'
import { loopMarks, passedMax } from './loop-mark.ts'
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

/** The envelope as it is after the checks and rewriting. */
interface Envelope {
  readonly id: string
  readonly atMs: number
  readonly sender: ReversePath
  /** Of RCPT, in order. */
  readonly mailboxes: readonly Mailbox[]
  /** Further recipients that the sender does not know of. */
  readonly copied: readonly Mailbox[]
  readonly held: boolean
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

  /** Checks, edits, signs, decides, commits, traces. @returns the replies. Throws a Refusal. */
  async take(): Promise<readonly Status[]> {
    const { clock, random } = this.#tools
    const id = newArrivalId(clock, random)
    const atMs = clock.now()
    const checked = await this.#mended()
    this.#checkLimits(checked.message)
    const verdict = await this.#check(id, checked.message)
    const { user } = this.#received.client
    // Counted whatever the checks say.
    const held = (user !== null && (await this.#isHeld(user))) || verdict.hold
    const envelope = this.#envelope(id, atMs, verdict, held)
    const { filed, fixes } = await this.#edit(checked, verdict, envelope)
    const prefix = await this.#head(filed.message, verdict, fixes, envelope)
    const arrival = this.#arrival(envelope, filed.message)
    const noteReturned = arrival.reversePath ? undefined : await watchIncomingDsn(this.#tools, id, this.content)
    const known: Message = {
      reversePath: arrival.reversePath,
      sizeBytes: this.content.sizeBytes + prefix.length,
      junk: verdict.junk,
      discard: verdict.discard ?? (verdict.redirect && `${verdict.fitted.join(', ')}: to ${verdict.redirect}`),
      deliveredTo: filed.message.deliveredTo,
      waits: envelope.held || arrival.release !== undefined,
    }
    const { replies, decided, queued } = await commitArrival(this.#tools, {
      arrival,
      content: this.content,
      filed,
      prefix,
      lmtp: this.#received.client.service === 'lmtp',
      decide: () => this.#decide(known, envelope, verdict),
    })
    this.#trace(arrival, filed.message, verdict, decided, replies)
    // Its attempts are traced behind its arrival.
    if (queued) this.#tools.immediateDelivery?.committed(id, queued)
    if (this.#missing.length > 0) await noteMissingMembers(this.#tools, id, atMs, this.#missing)
    noteReturned?.()
    return replies
  }

  #checkLimits({ beyondLimits, hopCount, deliveredTo }: HeaderFacts): void {
    // Parts of the header that are not parsed could not be checked, but would be delivered and shown.
    if (beyondLimits) throw new Refusal(status.headerTooLarge)
    if (hopCount > this.#tools.options.now.hopsMax || deliveredTo.length > passedMax)
      throw new Refusal(status.tooManyHops)
  }

  #envelope(id: string, atMs: number, verdict: MessageNotes, held: boolean): Envelope {
    const { rewriter } = this.#tools
    const { reversePath, recipients } = this.#received
    const sender = this.#ours && rewriter ? rewriter.sender(reversePath) : reversePath
    const mailboxes = recipients.map(({ mailbox }) => mailbox)
    const copied = this.#copied(sender, mailboxes, verdict)
    return { id, atMs, sender, mailboxes, copied, held }
  }

  /** Edits the message; `fixes`: fields that belong to it from now on. */
  async #edit(
    checked: FiledFacts,
    verdict: MessageNotes,
    { id, atMs, sender }: Envelope,
  ): Promise<{ readonly filed: FiledFacts; readonly fixes: string }> {
    const { store, options } = this.#tools
    const { user } = this.#received.client
    const edits = await this.#edits(checked.message, verdict)
    if (edits.length > 0) this.content = await applyEdits(store, this.content, edits)
    const author = sender ?? (user && (parseMailbox(user.name) ?? null))
    const facts = { id, hostname: options.now.hostname, atMs, author }
    const fixes = verdict.headers.map(formatLine).join('') + (this.#ours ? submissionFixes(checked.message, facts) : '')
    if (edits.length === 0 && fixes === '') return { filed: checked, fixes }
    // ENVELOPE must show the fields that we added.
    return { filed: await factsOfContent(this.content, bytesOf(fixes)), fixes }
  }

  /** The fields in front of every copy: results, Received, signature, and `fixes`. */
  async #head(
    message: HeaderFacts,
    { judgement }: MessageNotes,
    fixes: string,
    { id, atMs, mailboxes }: Envelope,
  ): Promise<string> {
    const { client } = this.#received
    const clientName = judgement?.evidence.iprev.name ?? client.clientName
    const via = { helo: client.helo, clientName, peer: client.peer, protocol: client.withProtocol, tls: client.tls }
    const received = receivedField(via, this.#tools.options.now.hostname, id, atMs, mailboxes)
    const signature = this.#ours ? await this.#sign(message, fixes, atMs) : ''
    return (judgement?.field ?? '') + received + signature + fixes
  }

  #trace(
    arrival: Arrival,
    message: HeaderFacts,
    verdict: MessageNotes,
    { planned, copies }: Decided,
    replies: readonly Status[],
  ): void {
    const { client, parameters, refused } = this.#received
    this.#tools.trace.arrived({
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
  }

  /**
   * Inserts the missing blank line after the header: into text without a header or without that line, as our own fields
   * in front would run into the text. This comes before all checks: a line that is no field, amid a signed header,
   * would show text of its own under a valid signature.
   */
  async #mended(): Promise<FiledFacts> {
    const { store } = this.#tools
    const filed = await factsOfContent(this.content, new Uint8Array(0))
    if (filed.mends.length === 0) return filed
    for (const { text } of filed.mends)
      this.#changed.add(text === '\r\n' ? 'a blank line put before the text' : 'an mbox line made X-Mailbox-Line')
    this.content = await applyEdits(store, this.content, filed.mends)
    return factsOfContent(this.content, new Uint8Array(0))
  }

  /** Asks the checks about the message as it is now. Throws a Refusal. */
  async #check(id: string, facts: HeaderFacts): Promise<MessageNotes> {
    const { checks, recipients } = this.#received
    const { content } = this
    const parts = this.#partsOf(content)
    const asked = checks.message({
      id,
      recipients: recipients.map(({ mailbox }) => mailbox),
      sizeBytes: content.sizeBytes,
      facts,
      header: async () => (await parts()).header,
      body: () => bodyOf(parts),
      read: async (start, end) => content.read(start, end),
    })
    if (asked) await asked
    return checks.notes
  }

  /** Read once, by the first that asks. */
  #partsOf(content: StoredContent): () => Promise<ContentParts> {
    let read: Promise<ContentParts> | undefined
    return () => (read ??= contentParts(content, ''))
  }

  /** All edits in order of position. */
  async #edits(message: HeaderFacts, notes: MessageNotes): Promise<readonly Edit[]> {
    const { rewriter, options } = this.#tools
    // Authentication-Results in our name are removed, whatever their source: readers would believe them. RFC 8601 §5.
    const results = message.results.filter(({ value }) => isResultsOf(value, options.now.hostname))
    const forged = this.#ours ? [...results, ...message.blind] : results
    if (forged.length > 0) this.#changed.add('fields taken out: forged findings, blind copies')
    const rewrites = this.#ours && rewriter?.changesHeaders === true
    const rewritten = rewrites ? headerEdits((await contentParts(this.content, '')).header, rewriter) : []
    return [...forged, ...notes.edits, ...rewritten].sort((a, b) => a.start - b.start)
  }

  /** Signs the message as it leaves, with the fields that we added. Only for our own domains. */
  async #sign(message: HeaderFacts, fixes: string, nowMs: number): Promise<string> {
    const { store, signingKeys } = this.#tools
    const domain = message.authors.mailboxes[0]?.domain
    if (!signingKeys || domain === undefined || !store.read.isLocalDomain(domain)) return ''
    const keys = await signingKeys.of(domain)
    if (keys.length === 0) return ''
    const { header, body } = await contentParts(this.content, fixes)
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

  #arrival({ id, atMs, sender: reversePath, copied: copies, held }: Envelope, message: HeaderFacts): Arrival {
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
  async #isHeld({ accountId, name }: Authenticated): Promise<boolean> {
    const { recipients } = this.#received
    return (await this.#tools.accountGuard?.sends(accountId as AccountId, name, recipients.length)) === true
  }

  /** Decides every recipient, and the copies. */
  async #decide(
    message: Message,
    { atMs, mailboxes, copied }: Envelope,
    { redirect, judgement }: MessageNotes,
  ): Promise<Decided> {
    const { log } = this.#tools
    this.#missing.length = 0
    const planned: Planned[] = []
    for (const mailbox of mailboxes) {
      const recipient = formatMailbox(mailbox)
      const noteMissing = (member: string): void => void this.#missing.push({ alias: recipient, member })
      planned.push({ recipient, plans: await decide(this.#tools, mailbox, message, noteMissing) })
    }
    const copies: Plan[] = []
    for (const mailbox of copied) {
      // A copy that cannot be delivered is only logged: the sender does not know of it.
      const plans = await decide(this.#tools, mailbox, {
        ...message,
        discard: undefined,
        waits: true,
        unanswered: true,
      })
      if (plans.length === 0) log.warn('BCC copy could not be filed', { recipient: formatMailbox(mailbox) })
      copies.push(...plans)
    }
    // Without the redirected copy the message would be lost.
    if (redirect !== undefined && copies.length === 0) throw new Refusal(status.localError)
    const sealed =
      judgement?.seals === true ? await sealForwarded(this.#tools, this.content, judgement, planned, atMs) : ''
    return { planned, copies, sealed: loopMarks(planned) + sealed }
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
