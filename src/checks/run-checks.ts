/**
 * Runs the checks of a connection: in order, within their limits, until the first refusal; and gathers what they note.
 * docs/architecture.md §30.
 */
import type { Log } from '../base/log.ts'
import type { Wheel } from '../base/wheel.ts'
import type { Mailbox, RecipientDsn, ReversePath } from '../mail/envelope.ts'
import { Refusal, type Status } from '../mail/status.ts'
import type { MailParameters, SmtpClientFacts } from '../protocol/smtp/backend.ts'
import { declined, type Answer, type Check, type CheckedMessage, type CheckSession } from './check.ts'
import type { Moment, Verdict } from './check.ts'
import { speaksFor } from './clients.ts'
import { faultOfNote, gatherNotes, type MessageNotes, type NoteOf } from './notes.ts'

export interface RunTools {
  readonly log: Log
  readonly wheel: Wheel
}

/** What a check refused or deferred. */
export class CheckRefusal extends Refusal {
  readonly check: string
  /** Not worth a line in the log and the trace. */
  readonly untraced: boolean

  constructor(check: string, status: Status, untraced = false) {
    super(status)
    this.check = check
    this.untraced = untraced
  }
}

/** The array of checks. */
export class Checks {
  readonly #checks: readonly Check[]
  readonly #tools: RunTools

  constructor(checks: readonly Check[], tools: RunTools) {
    const twice = checks.find(({ name }, at) => checks.findIndex((other) => other.name === name) < at)
    if (twice) throw new TypeError(`two checks are called ${twice.name}`)
    this.#checks = checks
    this.#tools = tools
  }

  /** A connection has opened: `closed` must follow. */
  begin(client: SmtpClientFacts): ConnectionChecks {
    return new ConnectionChecks(this.#checks, this.#tools, client)
  }
}

interface Begun {
  readonly check: Check
  /** undefined: it could not begin. */
  readonly session: CheckSession | undefined
  /** It failed, and counts as failed for the rest of the message. */
  failure: { readonly error: unknown } | undefined
}

/** How long trust holds: a connection, a message, or a moment. */
interface Scope {
  /** Names of checks that are not asked. */
  skipped: readonly string[]
}

/** What the checks have said so far: of a connection, or of a message. */
interface Said extends Scope {
  readonly notes: NoteOf[]
}

const nothingSaid = (): Said => ({ notes: [], skipped: [] })

/** One moment on its way through the checks. */
interface Round {
  readonly moment: Moment
  readonly client: SmtpClientFacts
  readonly ask: (session: CheckSession) => Answer
  readonly said: Said
  /** `said`, unless trust is to end with the moment. */
  readonly scope: Scope
}

export class ConnectionChecks {
  readonly #begun: Begun[] = []
  readonly #tools: RunTools
  readonly #connectionId: string
  #greeted = nothingSaid()
  /** Moments that run, and messages that have not ended. */
  #open = 0
  #closed = false

  constructor(checks: readonly Check[], tools: RunTools, client: SmtpClientFacts) {
    this.#tools = tools
    this.#connectionId = client.connectionId
    for (const check of checks) this.#begin(check, client)
  }

  #begin(check: Check, client: SmtpClientFacts): void {
    try {
      const session = check.begin(client)
      if (session) this.#begun.push({ check, session, failure: undefined })
    } catch (error) {
      this.#note(check, 'begin', error)
      this.#begun.push({ check, session: undefined, failure: { error } })
    }
  }

  /** EHLO. Throws, or rejects with, a Refusal; not a promise where nothing has to be waited for. */
  hello(client: SmtpClientFacts): Promise<void> | undefined {
    const said = nothingSaid()
    this.#forgetFailures()
    const work = this.#run({ moment: 'hello', client, ask: (one) => one.hello?.(client), said, scope: said })
    // A refused EHLO leaves everything as it was. RFC 5321 §4.1.1.1.
    if (work) return work.then(() => void (this.#greeted = said))
    this.#greeted = said
    return undefined
  }

  /** MAIL: a message, which ends by its `end`. */
  message(client: SmtpClientFacts, reversePath: ReversePath, parameters: MailParameters): MessageChecks {
    this.#open++
    this.#forgetFailures()
    const { notes, skipped } = this.#greeted
    const said: Said = { notes: [...notes], skipped }
    const room = {
      run: (moment: Moment, passing: boolean, ask: Round['ask']) =>
        this.#run({ moment, client, ask, said, scope: passing ? { skipped: said.skipped } : said }),
      tell: (mailbox: Mailbox, status: Status) => this.#tell(client, mailbox, status),
      ended: () => this.#ended(),
    }
    return new MessageChecks(room, said, { client, reversePath, parameters })
  }

  /** The connection is gone. Checks are told once nothing of it is under way any more. */
  closed(): void {
    if (this.#closed) return
    this.#closed = true
    this.#open++
    this.#ended()
  }

  #ended(): void {
    if (--this.#open > 0 || !this.#closed) return
    for (const { check, session } of this.#begun) {
      try {
        session?.closed?.()
      } catch (error) {
        this.#note(check, 'closed', error)
      }
    }
    this.#begun.length = 0
  }

  #tell(client: SmtpClientFacts, mailbox: Mailbox, status: Status): void {
    for (const { check, session } of this.#begun) {
      if (!session?.refused || !speaksFor(check.speaksFor, client)) continue
      try {
        session.refused(client, mailbox, status)
      } catch (error) {
        this.#note(check, 'refused', error)
      }
    }
  }

  /** One that could not even begin stays failed. */
  #forgetFailures(): void {
    for (const one of this.#begun) if (one.session) one.failure = undefined
  }

  /** Without a promise as long as no check gives one. */
  #run(round: Round): Promise<void> | undefined {
    for (let at = 0; at < this.#begun.length; at++) {
      const one = this.#begun[at]!
      const answer = this.#ask(one, round)
      if (answer instanceof Promise) return this.#rest(round, at, answer)
      if (answer) this.#took(one, round, answer)
    }
    return undefined
  }

  async #rest(round: Round, from: number, first: Promise<Verdict>): Promise<void> {
    this.#open++
    try {
      this.#took(this.#begun[from]!, round, await first)
      for (let at = from + 1; at < this.#begun.length; at++) {
        const one = this.#begun[at]!
        const answer = this.#ask(one, round)
        this.#took(one, round, answer instanceof Promise ? await answer : answer)
      }
    } finally {
      this.#ended()
    }
  }

  #ask(one: Begun, round: Round): Answer {
    const { check, session, failure } = one
    const { moment, client, ask, scope } = round
    // One that could not begin answers at the first moment of a message.
    if (session ? !session[moment] : moment !== 'sender') return undefined
    if (scope.skipped.includes(check.name) || !speaksFor(check.speaksFor, client)) return undefined
    if (failure) return this.#answerFor(check, failure.error)
    let answer
    try {
      answer = ask(session!)
    } catch (error) {
      return this.#failed(one, moment, error)
    }
    if (answer instanceof Promise) return this.#settled(one, moment, answer)
    return this.#sound(one, moment, answer)
  }

  async #settled(one: Begun, moment: Moment, answer: Promise<Verdict>): Promise<Verdict> {
    const { limitMs } = one.check
    let verdict
    try {
      verdict = await (limitMs === undefined ? answer : within(this.#tools.wheel, limitMs, answer))
    } catch (error) {
      return this.#failed(one, moment, error)
    }
    return this.#sound(one, moment, verdict)
  }

  /** A verdict that cannot be meant is an error of the check. */
  #sound(one: Begun, moment: Moment, verdict: Verdict): Verdict {
    if (verdict === undefined) return verdict
    const fault = faultOf(verdict)
    return fault === undefined ? verdict : this.#failed(one, moment, new TypeError(fault))
  }

  #failed(one: Begun, moment: Moment, error: unknown): Verdict {
    if (error instanceof Refusal) return declined(error.status)
    // The transaction logs it, and the store may be back at the next recipient.
    if (one.check.onFailure === 'fault') throw error
    one.failure = { error }
    this.#note(one.check, moment, error)
    return this.#answerFor(one.check, error)
  }

  #answerFor({ onFailure }: Check, error: unknown): Verdict {
    if (onFailure === 'fault') throw error
    if (onFailure === 'pass') return undefined
    return { kind: 'defer', status: { code: 451, enhanced: '4.7.1', text: onFailure.defer } }
  }

  #note({ name, onFailure }: Check, moment: string, error: unknown): void {
    const answer = typeof onFailure === 'string' ? onFailure : 'defer'
    this.#tools.log.warn('check failed', { check: name, moment, connection: this.#connectionId, answer, error })
  }

  #took({ check: { name } }: Begun, { said, scope }: Round, verdict: Verdict): void {
    switch (verdict?.kind) {
      case undefined:
        return
      case 'refuse':
      case 'defer':
        throw new CheckRefusal(name, verdict.status, verdict.untraced)
      case 'note':
        said.notes.push({ check: name, note: verdict })
        return
      case 'trust':
        scope.skipped = [...scope.skipped, ...this.#after(name).filter((other) => verdict.skips.includes(other))]
    }
  }

  #after(name: string): readonly string[] {
    const names = this.#begun.map(({ check }) => check.name)
    return names.slice(names.indexOf(name) + 1)
  }
}

interface Envelope {
  readonly client: SmtpClientFacts
  readonly reversePath: ReversePath
  readonly parameters: MailParameters
}

/** What its receiver says of a message. Functions of their own, not methods. */
export type CheckedContent = Omit<CheckedMessage, 'reversePath' | 'parameters' | 'notes'>

interface Room {
  /** @param passing trust ends with the moment. */
  run(moment: Moment, passing: boolean, ask: Round['ask']): Promise<void> | undefined
  tell(mailbox: Mailbox, status: Status): void
  ended(): void
}

/** The checks of one message. All moments throw, or reject with, a Refusal; no promise where nothing has to be waited for. */
export class MessageChecks {
  readonly #room: Room
  readonly #said: Said
  readonly #envelope: Envelope
  #ended = false

  constructor(room: Room, said: Said, envelope: Envelope) {
    this.#room = room
    this.#said = said
    this.#envelope = envelope
  }

  /** So far. */
  get notes(): MessageNotes {
    return gatherNotes(this.#said.notes)
  }

  sender(): Promise<void> | undefined {
    const { client, reversePath, parameters } = this.#envelope
    return this.#room.run('sender', false, (one) => one.sender?.(client, reversePath, parameters))
  }

  recipient(mailbox: Mailbox, dsn: RecipientDsn): Promise<void> | undefined {
    const { client } = this.#envelope
    return this.#room.run('recipient', true, (one) => one.recipient?.(client, mailbox, dsn))
  }

  /** A recipient was refused. */
  refused(mailbox: Mailbox, status: Status): void {
    this.#room.tell(mailbox, status)
  }

  data(): Promise<void> | undefined {
    return this.#room.run('data', false, (one) => one.data?.(this.#envelope.client))
  }

  message(given: CheckedContent): Promise<void> | undefined {
    const { client, reversePath, parameters } = this.#envelope
    const { notes } = this.#said
    const { id, recipients, sizeBytes, facts, header, body, read } = given
    // Written out, without a spread or a getter: either cost 12 µs for each message, and the getter memory too.
    const message: CheckedMessage = {
      id,
      reversePath,
      parameters,
      recipients,
      sizeBytes,
      facts,
      notes: () => gatherNotes(notes),
      header,
      body,
      read,
    }
    return this.#room.run('message', true, (one) => one.message?.(client, message))
  }

  /** It was accepted, refused or given up. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#room.ended()
  }
}

function faultOf(verdict: NonNullable<Verdict>): string | undefined {
  switch (verdict.kind) {
    case 'refuse':
    case 'defer':
      return declined(verdict.status)!.kind === verdict.kind ? undefined : `${verdict.kind} with ${verdict.status.code}`
    case 'note':
      return faultOfNote(verdict)
    case 'trust':
      return undefined
  }
}

/** Rejects after the limit; what comes later is ignored. */
function within<T>(wheel: Wheel, limitMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const expired = (): void => reject(new Error(`no answer within ${limitMs} ms`))
    const deadline = wheel.add(wheel.now() + limitMs, expired)
    const settle = <V>(settled: (value: V) => void): ((value: V) => void) => {
      return (value) => {
        wheel.remove(deadline)
        settled(value)
      }
    }
    work.then(settle(resolve), settle(reject))
  })
}
