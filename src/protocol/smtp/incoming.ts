/** How a message comes in, by DATA or BDAT, up to what its end earns. RFC 5321 §4.1.1.4, RFC 3030 §2. */
import { running } from '../../base/running.ts'
import { Refusal, type Status } from '../../mail/status.ts'
import type { Action } from '../action.ts'
import { IncomingBody } from './body.ts'
import { countedIntake, dottedIntake, type Intake } from './intake.ts'
import * as limits from './limits.ts'
import type { ServerState } from './command.ts'
import { formatReply, formatStatus } from './wire/reply.ts'

/** What it needs of the session. */
export interface IncomingHost extends ServerState {
  /** What is out of order for a message to come; undefined: nothing. */
  readonly missing: string | undefined
  /** An answer that counts as the client's fault. */
  refused(words: Uint8Array): Action
}

export class Incoming {
  readonly #session: IncomingHost
  /** What comes by BDAT, from the first piece to the last. */
  #body: IncomingBody | undefined
  /** The octets that are being read. */
  #intake: Intake | undefined
  #startedMs = 0

  constructor(session: IncomingHost) {
    this.#session = session
  }

  /** A message has begun to come by BDAT. */
  get chunking(): boolean {
    return this.#body !== undefined
  }

  /** It takes longer than any message does. */
  get isEndless(): boolean {
    const { clock } = this.#session.options
    return clock !== undefined && clock.monotonic() - this.#startedMs > limits.bodyTimeMaxMs
  }

  reset(): void {
    this.#body = undefined
  }

  #start(dotted: boolean): IncomingBody {
    const { options, binary, transaction } = this.#session
    const { messageBytesMax, bareNewline = 'refuse', clock } = options
    this.#startedMs = clock?.monotonic() ?? 0
    const rules = { bytesMax: messageBytesMax, bareNewline: binary ? ('keep' as const) : bareNewline, dotted }
    return new IncomingBody(transaction!.data(), rules)
  }

  startData(): void {
    const body = this.#start(true)
    this.#intake = dottedIntake(body, () => this.#finish(body))
  }

  startChunk(octets: number, last: boolean): void {
    const { missing } = this.#session
    const body = missing === undefined ? (this.#body ??= this.#start(false)) : undefined
    const end = (): Action => {
      if (!body) return this.#session.refused(formatReply(503, `5.5.1 ${missing!}`))
      if (last) body.end()
      if (last || body.refusal) return this.#finish(body, last)
      const reply = formatReply(250, `2.0.0 ${octets} octets received`)
      const work = body.drained()
      return work ? { kind: 'run', work: work.then(() => reply) } : { kind: 'write', bytes: reply }
    }
    this.#intake = countedIntake(octets, body, end)
  }

  /** @returns what stands behind the end of what is being read, once that has come: then `end` says what to do. */
  take(chunk: Uint8Array): Uint8Array | undefined {
    return this.#intake!.take(chunk)
  }

  drained(): Promise<undefined> | undefined {
    return this.#intake!.drained()
  }

  end(): Action {
    const intake = this.#intake!
    this.#intake = undefined
    return intake.end()
  }

  /** @param whole LMTP answers for each recipient, but only where the message has ended. */
  #finish(body: IncomingBody, whole = true): Action {
    const session = this.#session
    const transaction = session.transaction!
    const count = session.options.service === 'lmtp' && whole ? session.recipients : 1
    const { refusal } = body
    if (refusal) {
      body.drop()
      session.reset()
      const words = forEach(refusal, count)
      return refusal.code >= 500 ? session.refused(words) : { kind: 'write', bytes: words }
    }
    // The transaction is over for us whatever becomes of it; a client that leaves now changes nothing. RFC 1047.
    session.transaction = undefined
    session.reset()
    running('end of a message')
    const work = transaction.finish().then(
      (replies) => Buffer.concat(replies.map(formatStatus)),
      (error) => {
        if (error instanceof Refusal) return forEach(error.status, count)
        throw error
      },
    )
    return { kind: 'run', work }
  }
}

function forEach(status: Status, count: number): Uint8Array {
  const one = formatStatus(status)
  return count === 1 ? one : Buffer.concat(Array.from({ length: count }, () => one))
}
