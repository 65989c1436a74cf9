/**
 * The message log and its metrics: wraps the trace, counts its events and logs them at info, one line a message and
 * outcome, as Postfix does. As a wrapper, it needs no second place that reports events.
 */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Counter, Histogram, type Metric } from '../base/metrics.ts'
import { formatMailbox } from '../mail/address.ts'
import type { SmtpClientFacts } from '../protocol/smtp/backend.ts'
import { pathText } from './headers.ts'
import type { ArrivedFacts, AttemptNote, EndedNote, Trace, TraceNote, RefusedFacts } from './trace.ts'

/** Addresses in one log line; the trace has more, the ledger all. */
const namedMax = 5
/** Seconds: from immediate delivery to the five days after which mail bounces. */
const delayBounds = [0.01, 0.05, 0.25, 1, 5, 30, 120, 600, 3600, 6 * 3600, 86_400, 3 * 86_400, 5 * 86_400]

export class MailFigures {
  readonly received = new Counter('pennypost_messages_received', 'Messages accepted.', 'service')
  readonly receivedBytes = new Counter('pennypost_received_bytes', 'Octets of messages accepted.', 'service')
  readonly refused = new Counter(
    'pennypost_messages_refused',
    'Transactions refused as a whole, by enhanced status code; "aborted": the client left or began anew.',
    'service',
    'status',
  )
  readonly recipientsRefused = new Counter(
    'pennypost_recipients_refused',
    'Recipients refused while others of their message, or none, were accepted, by enhanced status code.',
    'service',
    'status',
  )
  readonly recipients = new Counter(
    'pennypost_recipients',
    'Recipients by outcome: filed, relayed, bounced, discarded. "queued" and "deferred" are steps on the way.',
    'outcome',
  )
  readonly delay = new Histogram(
    'pennypost_delivery_delay_seconds',
    'From acceptance of a message to its end for a recipient.',
    delayBounds,
    'outcome',
  )
  readonly bounces = new Counter('pennypost_bounces_sent', 'Bounces and other delivery status notifications written.')

  get all(): readonly Metric[] {
    const { received, receivedBytes, refused, recipientsRefused, recipients, delay, bounces } = this
    return [received, receivedBytes, refused, recipientsRefused, recipients, delay, bounces]
  }
}

/** Recipients of a message with the same outcome in one turn of the event loop: they share a log line. */
interface Outcome {
  readonly event: 'filed' | 'relayed' | 'deferred' | 'bounced' | 'discarded'
  readonly id: string
  readonly to: string[]
  recipients: number
  readonly delayMs: number
  readonly host: string | undefined
  readonly reply: string | undefined
}

interface Tools {
  readonly clock: Pick<Clock, 'now' | 'soon'>
  readonly log: Log
  readonly figures: MailFigures
}

export class MailLog implements Trace {
  readonly #trace: Trace
  readonly #tools: Tools
  readonly #outcomes = new Map<string, Outcome>()

  constructor(trace: Trace, tools: Tools) {
    this.#trace = trace
    this.#tools = tools
  }

  arrived(facts: ArrivedFacts): void {
    this.#trace.arrived(facts)
    const { figures, clock, log } = this.#tools
    const { arrival, client, sizeBytes, messageId, refused, planned } = facts
    const { service } = client
    figures.received.of(service).value++
    figures.receivedBytes.of(service).value += sizeBytes
    const delayMs = clock.now() - arrival.atMs
    const counts = { file: 0, queue: 0, discard: 0, refuse: 0 }
    for (const { plans } of planned) {
      for (const plan of plans) {
        counts[plan.kind]++
        if (plan.kind === 'refuse') figures.recipientsRefused.of(service, plan.status.enhanced).value++
      }
    }
    for (const { status } of refused) figures.recipientsRefused.of(service, status.enhanced).value++
    const { file, queue, discard } = counts
    if (file > 0) {
      figures.recipients.of('filed').value += file
      const delay = figures.delay.of('filed')
      for (let i = 0; i < file; i++) delay.add(delayMs / 1000)
    }
    if (queue > 0) figures.recipients.of('queued').value += queue
    if (discard > 0) figures.recipients.of('discarded').value += discard
    log.info('message received', {
      id: arrival.id,
      ...clientWords(client),
      from: pathText(arrival.reversePath),
      to: arrival.recipients.slice(0, namedMax).map(({ mailbox }) => formatMailbox(mailbox)),
      sizeBytes,
      messageId,
      filed: file || undefined,
      queued: queue || undefined,
      discarded: discard || undefined,
      refused: counts.refuse + refused.length || undefined,
      delayMs,
    })
  }

  refused(facts: RefusedFacts): void {
    this.#trace.refused(facts)
    const { figures, log } = this.#tools
    const { id, client, reversePath, recipients, refused, status } = facts
    const { service } = client
    figures.refused.of(service, status?.enhanced ?? 'aborted').value++
    for (const { status } of refused) figures.recipientsRefused.of(service, status.enhanced).value++
    const [first] = refused
    const reply = status ?? first?.status
    log.info(status || first ? 'message refused' : 'message aborted', {
      id,
      ...clientWords(client),
      from: pathText(reversePath),
      to: [...recipients.slice(0, namedMax).map(formatMailbox), ...refused.map(({ address }) => address)].slice(
        0,
        namedMax,
      ),
      reply: reply && `${reply.code} ${reply.enhanced} ${reply.text}`,
    })
  }

  note(line: TraceNote): void {
    this.#trace.note(line)
    const { figures, log } = this.#tools
    switch (line.event) {
      case 'attempt':
        return this.#attempted(line)
      case 'ended':
        return this.#ended(line, 'bounced', line.why)
      case 'notice':
        figures.bounces.of().value++
        return log.info('bounce sent', { id: line.id, about: line['about'], to: line['to'] })
      case 'arrived':
      case 'refused':
      case 'report':
      case 'missing':
        return
    }
  }

  flush(): Promise<void> {
    this.#tell()
    return this.#trace.flush()
  }

  #attempted(line: AttemptNote): void {
    switch (line.outcome) {
      case 'filed':
      case 'relayed':
      case 'discarded':
        return this.#ended(line, line.outcome, line.words)
      case 'later':
        this.#tools.figures.recipients.of('deferred').value++
        return this.#add(line, 'deferred', line.words)
      case 'never':
        // The final event follows once it is committed.
        return
    }
  }

  #ended(
    line: AttemptNote | EndedNote,
    outcome: 'filed' | 'relayed' | 'bounced' | 'discarded',
    words: string | undefined,
  ): void {
    const { figures } = this.#tools
    figures.recipients.of(outcome).value++
    figures.delay.of(outcome).add(line.delayMs / 1000)
    this.#add(line, outcome, words)
  }

  #add(line: AttemptNote | EndedNote, event: Outcome['event'], reply: string | undefined): void {
    const host = line['host'] as string | undefined
    const { id, recipient, delayMs } = line
    const key = `${id} ${event} ${host ?? ''} ${reply ?? ''}`
    const known = this.#outcomes.get(key)
    if (known) {
      known.recipients++
      if (known.to.length < namedMax) known.to.push(recipient)
      return
    }
    if (this.#outcomes.size === 0) this.#tools.clock.soon(() => this.#tell())
    this.#outcomes.set(key, { event, id, to: [recipient], recipients: 1, delayMs, host, reply })
  }

  #tell(): void {
    for (const { event, ...facts } of this.#outcomes.values()) this.#tools.log.info(event, facts)
    this.#outcomes.clear()
  }
}

function clientWords({ connectionId, service, peer, user }: SmtpClientFacts): Record<string, unknown> {
  return { connection: connectionId, service, peer: peer.address, user: user?.name }
}
