/**
 * The journey of each message in words: one JSON line per event, in day files, behind the delivery path. docs/architecture.md §9.
 * Best effort: it never waits, never fails a delivery, and is capped and expiring. The ledger is what must not be lost.
 */
import type { Clock } from '../base/clock.ts'
import type { Files } from '../base/files.ts'
import type { Log } from '../base/log.ts'
import { formatMailbox } from '../mail/address.ts'
import type { Status } from '../mail/status.ts'
import type { SmtpClientFacts } from '../protocol/smtp/backend.ts'
import type { Arrival } from './arrival.ts'
import { pathText } from './headers.ts'
import type { Planned } from './plan.ts'

/** Lines wait so long for company: one write for many messages. */
const flushAfterMs = 200
/** Lines that wait for the disk; more are dropped and counted. */
const waitingMax = 20_000
export const journeyMaxBytes = 256 * 1024 * 1024
export const journeyKeepDays = 30

export interface JourneyLine {
  readonly id: string
  readonly at: string
  readonly event: 'arrived' | 'attempt' | 'ended'
  readonly [fact: string]: unknown
}

export interface Journey {
  arrived(facts: {
    readonly arrival: Arrival
    readonly client: SmtpClientFacts
    readonly sizeBytes: number
    readonly messageId: string | undefined
    readonly planned: readonly Planned[]
    readonly replies: readonly Status[]
  }): void
  note(line: { readonly id: string; readonly event: 'attempt' | 'ended'; readonly [fact: string]: unknown }): void
  /** Waits until what was noted is written. */
  flush(): Promise<void>
}

export const silentJourney: Journey = { arrived() {}, note() {}, flush: async () => {} }

export function dayName(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 10)}.jsonl`
}

export class FileJourney implements Journey {
  readonly #folder: string
  readonly #files: Files
  readonly #clock: Clock
  readonly #log: Log
  #waiting: string[] = []
  #dropped = 0
  #scheduled = false
  #writing: Promise<void> = Promise.resolve()
  #day = ''
  #dayBytes = 0

  constructor(folder: string, files: Files, clock: Clock, log: Log) {
    this.#folder = folder
    this.#files = files
    this.#clock = clock
    this.#log = log
  }

  arrived({ arrival, client, sizeBytes, messageId, planned, replies }: Parameters<Journey['arrived']>[0]): void {
    this.#add({
      id: arrival.id,
      at: new Date(arrival.atMs).toISOString(),
      event: 'arrived',
      connection: client.connectionId,
      service: client.service,
      peer: client.peer.address,
      helo: client.helo,
      with: client.withProtocol,
      tls: client.tls ? `${client.tls.version} ${client.tls.cipher}` : undefined,
      user: client.user?.name,
      from: pathText(arrival.reversePath),
      recipients: arrival.recipients.map(({ mailbox }) => formatMailbox(mailbox)),
      sizeBytes,
      messageId,
      plans: planned.flatMap(({ plans }) =>
        plans.map((plan) => {
          if (plan.kind === 'refuse') return `${plan.recipient}: refused ${plan.status.code} ${plan.status.text}`
          if (plan.kind === 'queue') return `${plan.recipient}: queued for ${plan.address}`
          if (plan.kind === 'discard') return `${plan.recipient}: discarded by ${plan.rule}`
          return `${plan.recipient}: filed in mailbox ${plan.mailbox}`
        }),
      ),
      replies: replies.map(({ code, enhanced, text }) => `${code} ${enhanced} ${text}`),
    })
  }

  note(line: Parameters<Journey['note']>[0]): void {
    this.#add({ at: new Date(this.#clock.now()).toISOString(), ...line })
  }

  #add(line: JourneyLine): void {
    if (this.#waiting.length >= waitingMax) {
      this.#dropped++
      return
    }
    this.#waiting.push(`${JSON.stringify(line)}\n`)
    if (this.#scheduled) return
    this.#scheduled = true
    this.#clock.after(flushAfterMs, () => void this.flush())
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
      this.#dayBytes = (await this.#files.sizeBytes(path)) ?? 0
      await this.#expire()
    }
    const bytes = Buffer.from(lines.join(''))
    if (this.#dayBytes + bytes.length > journeyMaxBytes) {
      this.#dropped += lines.length
      return
    }
    await this.#files.append(path, bytes)
    this.#dayBytes += bytes.length
    if (this.#dropped > 0) {
      this.#log.warn('journey lines dropped', { lines: this.#dropped })
      this.#dropped = 0
    }
  }

  #lost(error: unknown): void {
    this.#log.warn('the journey could not be written', { error: String(error) })
  }

  async #expire(): Promise<void> {
    const oldest = dayName(this.#clock.now() - journeyKeepDays * 86_400_000)
    for (const name of await this.#files.list(this.#folder)) {
      if (/^\d{4}-\d\d-\d\d\.jsonl$/.test(name) && name < oldest) await this.#files.remove(`${this.#folder}/${name}`)
    }
  }
}

/** Lines of the journeys that a question fits, oldest first: ids, addresses and Message-IDs are found as text. Bounded by `limit`. */
export async function findJourneys(
  files: Files,
  folder: string,
  question: string,
  limit: number,
): Promise<JourneyLine[]> {
  const needle = Buffer.from(JSON.stringify(question).slice(1, -1))
  const found: JourneyLine[] = []
  for (const name of await files.list(folder)) {
    if (!name.endsWith('.jsonl')) continue
    const bytes = await files.read(`${folder}/${name}`)
    if (!bytes) continue
    const day = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = day.indexOf(needle); at >= 0 && found.length < limit;) {
      const start = day.lastIndexOf(10, at) + 1
      const end = day.indexOf(10, at)
      if (end < 0) break
      found.push(JSON.parse(day.toString('utf8', start, end)) as JourneyLine)
      at = day.indexOf(needle, end)
    }
  }
  return found
}
