/**
 * The trace of each message: one JSON line per event, in day files, apart from the delivery path. docs/architecture.md
 * §9.
 * Best effort: it never waits, never fails a delivery, and is limited in size and age. What must not be lost is in the
 * ledger.
 */
import { BoundedMap } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import { parseIpAddress } from '../base/ip-network.ts'
import type { Files } from '../base/files.ts'
import type { Log } from '../base/log.ts'
import { formatMailbox } from '../mail/address.ts'
import type { Status } from '../mail/status.ts'
import type { Mailbox, ReversePath } from '../mail/envelope.ts'
import type { MailParameters, SmtpClientFacts } from '../protocol/smtp/backend.ts'
import type { Arrival } from './arrival.ts'
import { pathText } from './headers.ts'
import type { Plan, Planned } from './plan.ts'

/** Lines are collected for this long: one write for many messages. */
const flushAfterMs = 200
/** Lines waiting for the disk; more are dropped and counted. */
const waitingMax = 20_000
export const traceMaxBytes = 256 * 1024 * 1024
/** Guessed addresses must not fill the day: refused transactions have only this share of it. */
const refusedMaxBytes = traceMaxBytes / 4
/** Recipients listed for refused transactions, and for messages of unauthenticated clients: the ledger has them all. */
const toldRecipientsMax = 20
/** Bytes a day for unauthenticated clients of one network. */
const networkMaxBytes = traceMaxBytes / 16
/** Networks that are counted; beyond that, the oldest one starts again from zero. */
const networksMax = 10_000
export const traceKeepDays = 30

/**
 * `notice`: a DSN of ours. `report`: a DSN of another host about one of our messages. `attempt`: to deliver to another
 * host. `refused`: not accepted. `missing`: an alias has a member that does not exist.
 */
export type TraceEvent = 'arrived' | 'refused' | 'notice' | 'report' | 'attempt' | 'ended' | 'missing'

export interface TraceLine {
  readonly id: string
  readonly at: string
  readonly event: TraceEvent
  readonly [fact: string]: unknown
}

/** A line without its time. */
export type TraceNote = AttemptNote | EndedNote | OtherNote

interface OtherNote {
  readonly id: string
  readonly event: Exclude<TraceEvent, 'attempt' | 'ended'>
  readonly [fact: string]: unknown
}

/**
 * The result of an attempt for a recipient; `never` and `later` are the host's reply, and an `ended` follows if it was
 * final.
 */
export interface AttemptNote {
  readonly id: string
  readonly event: 'attempt'
  readonly recipient: string
  readonly outcome: 'relayed' | 'later' | 'never' | 'filed' | 'discarded'
  /** Since the message was accepted. */
  readonly delayMs: number
  readonly host?: string | undefined
  /** The host's last reply. */
  readonly words?: string | undefined
  readonly [fact: string]: unknown
}

/** A recipient that will not get the message. */
export interface EndedNote {
  readonly id: string
  readonly event: 'ended'
  readonly recipient: string
  readonly outcome: 'bounced'
  readonly delayMs: number
  readonly why: string
  readonly [fact: string]: unknown
}

/** An address that was refused at RCPT, with the reply. */
export interface RefusedRecipient {
  readonly address: string
  readonly status: Status
}

export interface ArrivedFacts {
  readonly arrival: Arrival
  readonly client: SmtpClientFacts
  readonly parameters: MailParameters
  readonly sizeBytes: number
  readonly messageId: string | undefined
  readonly refused: readonly RefusedRecipient[]
  readonly planned: readonly Planned[]
  readonly replies: readonly Status[]
  /** What checks noted: rules that matched, scores. */
  readonly rules?: readonly string[]
  /** Edits of the message, in words. */
  readonly changed?: readonly string[]
  /** The name of a mailbox for operators. */
}

export interface RefusedFacts {
  readonly id: string
  readonly client: SmtpClientFacts
  readonly reversePath: ReversePath
  readonly parameters: MailParameters
  readonly recipients: readonly Mailbox[]
  readonly refused: readonly RefusedRecipient[]
  /** What checks noted before. */
  readonly rules?: readonly string[]
  /** The reply for the whole message; absent if the client disconnected, or sent RSET, before the end. */
  readonly status?: Status
}

export interface Trace {
  arrived(facts: ArrivedFacts): void
  refused(facts: RefusedFacts): void
  note(line: TraceNote): void
  /** Waits until all lines are written. */
  flush(): Promise<void>
}

export const silentTrace: Trace = { arrived() {}, refused() {}, note() {}, flush: async () => {} }

export function dayName(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 10)}.jsonl`
}

function clientFacts(client: SmtpClientFacts): Record<string, unknown> {
  return {
    connection: client.connectionId,
    service: client.service,
    peer: client.peer.address,
    port: client.peer.port,
    proxy: client.proxy,
    origin: client.origin,
    helo: client.helo,
    with: client.withProtocol,
    tls: client.tls ? `${client.tls.version} ${client.tls.cipher}` : undefined,
    user: client.user?.name,
  }
}

function statusText({ code, enhanced, text }: Status): string {
  return `${code} ${enhanced} ${text}`
}

function refusedText({ address, status }: RefusedRecipient): string {
  return `${address}: ${statusText(status)}`
}

/** The parameters of MAIL except AUTH=, which may name another user. RFC 5321 §4.1.1.2. */
function parametersText(parameters: MailParameters): string | undefined {
  const { sizeBytes, body, smtpUtf8, ret, envelopeId, requireTls, deliverBy, priority, release } = parameters
  const said: string[] = []
  if (sizeBytes !== undefined) said.push(`SIZE=${sizeBytes}`)
  if (body !== '7bit') said.push(`BODY=${body.toUpperCase()}`)
  if (smtpUtf8) said.push('SMTPUTF8')
  if (ret !== undefined) said.push(`RET=${ret.toUpperCase()}`)
  if (envelopeId !== undefined) said.push(`ENVID=${envelopeId}`)
  if (requireTls) said.push('REQUIRETLS')
  // The time instead of the seconds: the line is read later.
  if (deliverBy) said.push(`BY=${new Date(deliverBy.atMs).toISOString()};${deliverBy.mode === 'return' ? 'R' : 'N'}`)
  if (priority !== undefined) said.push(`MT-PRIORITY=${priority}`)
  if (release) said.push(`HOLDUNTIL=${new Date(release.atMs).toISOString()}`)
  return said.length === 0 ? undefined : said.join(' ')
}

function planText(plan: Plan): string {
  switch (plan.kind) {
    case 'refuse':
      return `${plan.recipient}: refused ${statusText(plan.status)}`
    case 'queue':
      return plan.address === plan.recipient
        ? `${plan.recipient}: queued`
        : `${plan.recipient}: queued for ${plan.address}`
    case 'discard':
      return `${plan.recipient}: discarded by ${plan.rule}`
    case 'file':
      return plan.account.name === plan.recipient
        ? `${plan.recipient}: filed in ${plan.mailboxName}`
        : `${plan.recipient}: filed in ${plan.mailboxName} of ${plan.account.name}`
  }
}

/** The line for a DSN of ours. */
export function bounceLine(id: string, about: string, to: string): TraceNote {
  return { id, event: 'notice', about, to }
}

/** /24 and /64: the usual size of one customer's network, or of a small host's neighbourhood. */
function networkOf(address: string): string {
  const bytes = parseIpAddress(address)
  if (!bytes) return address
  return Buffer.from(bytes.subarray(0, bytes.length === 4 ? 3 : 8)).toString('hex')
}

export class FileTrace implements Trace {
  readonly #folder: string
  readonly #files: Files
  readonly #clock: Clock
  readonly #log: Log
  #waiting: string[] = []
  #dropped = 0
  #scheduled = false
  #writing: Promise<void> = Promise.resolve()
  #failing = false
  #day = ''
  #dayBytes = 0
  #refusedBytes = 0
  /** Bytes of unauthenticated clients today, by network. */
  readonly #networkBytes = new BoundedMap<string, number>(networksMax)

  constructor(folder: string, files: Files, clock: Clock, log: Log) {
    this.#folder = folder
    this.#files = files
    this.#clock = clock
    this.#log = log
  }

  arrived({
    arrival,
    client,
    parameters,
    sizeBytes,
    messageId,
    refused,
    planned,
    replies,
    rules = [],
    changed = [],
  }: ArrivedFacts): void {
    const stranger = !client.user && !client.trusted
    const network = stranger ? networkOf(client.peer.address) : ''
    const before = this.#networkBytes.get(network) ?? 0
    if (stranger && before > networkMaxBytes) {
      this.#dropped++
      return
    }
    const told = stranger ? toldRecipientsMax : Infinity
    const plans = planned.flatMap((one) => one.plans)
    const bytes = this.#add({
      id: arrival.id,
      at: new Date(arrival.atMs).toISOString(),
      event: 'arrived',
      ...clientFacts(client),
      from: pathText(arrival.reversePath),
      parameters: parametersText(parameters),
      recipients: arrival.recipients.slice(0, told).map(({ mailbox }) => formatMailbox(mailbox)),
      recipientsLeftOut: arrival.recipients.length > told ? arrival.recipients.length - told : undefined,
      refused: refused.length === 0 ? undefined : refused.slice(0, toldRecipientsMax).map(refusedText),
      sizeBytes,
      messageId,
      rules: rules.length === 0 ? undefined : rules,
      changed: changed.length === 0 ? undefined : changed,
      plans: plans.slice(0, told).map(planText),
      replies: replies.slice(0, told).map(statusText),
    })
    if (!stranger) return
    this.#networkBytes.set(network, before + bytes)
  }

  refused({ id, client, reversePath, parameters, recipients, refused, rules = [], status }: RefusedFacts): void {
    if (this.#refusedBytes > refusedMaxBytes) {
      this.#dropped++
      return
    }
    this.#refusedBytes += this.#add({
      id,
      at: new Date(this.#clock.now()).toISOString(),
      event: 'refused',
      ...clientFacts(client),
      from: pathText(reversePath),
      parameters: parametersText(parameters),
      recipients: recipients.slice(0, toldRecipientsMax).map(formatMailbox),
      refused: refused.slice(0, toldRecipientsMax).map(refusedText),
      rules: rules.length === 0 ? undefined : rules,
      replies: status ? [statusText(status)] : undefined,
    })
  }

  note(line: TraceNote): void {
    this.#add({ at: new Date(this.#clock.now()).toISOString(), ...line })
  }

  /** @returns the length of the line. */
  #add(line: TraceLine): number {
    if (this.#waiting.length >= waitingMax) {
      this.#dropped++
      return 0
    }
    const text = `${JSON.stringify(line)}\n`
    this.#waiting.push(text)
    if (!this.#scheduled) {
      this.#scheduled = true
      this.#clock.after(flushAfterMs, () => void this.flush())
    }
    return text.length
  }

  flush(): Promise<void> {
    this.#scheduled = false
    const lines = this.#waiting
    this.#waiting = []
    if (lines.length > 0)
      this.#writing = this.#writing.then(() => this.#write(lines)).catch((error) => this.#lost(error))
    return this.#writing
  }

  async #write(lines: readonly string[]): Promise<void> {
    const name = dayName(this.#clock.now())
    const path = `${this.#folder}/${name}`
    if (name !== this.#day) {
      this.#day = name
      this.#refusedBytes = 0
      this.#networkBytes.clear()
      this.#dayBytes = (await this.#files.sizeBytes(path)) ?? 0
      await this.#expire()
    }
    const bytes = Buffer.from(lines.join(''))
    if (this.#dayBytes + bytes.length > traceMaxBytes) {
      this.#dropped += lines.length
      return
    }
    await this.#files.append(path, bytes)
    this.#dayBytes += bytes.length
    if (this.#failing) this.#log.info('trace is written again')
    this.#failing = false
    if (this.#dropped > 0) {
      this.#log.warn('trace lines dropped', { lines: this.#dropped })
      this.#dropped = 0
    }
  }

  /** Logged once per outage, not five times a second. */
  #lost(error: unknown): void {
    if (this.#failing) return
    this.#failing = true
    this.#log.warn('trace could not be written', { error: String(error) })
  }

  async #expire(): Promise<void> {
    const oldest = dayName(this.#clock.now() - traceKeepDays * 86_400_000)
    for (const name of await this.#files.list(this.#folder)) {
      if (/^\d{4}-\d\d-\d\d\.jsonl$/.test(name) && name < oldest) await this.#files.remove(`${this.#folder}/${name}`)
    }
  }
}
