/**
 * A stub resolver: queries recursive servers in turn until one answers, caches, and shares concurrent queries for the same name. RFC 1034
 * §5.3.1.
 */
import { domainToASCII } from 'node:url'
import type { DnsOutcome } from '../../../base/resolver.ts'
import { aliasesMax, readAnswer, type Answer } from './answer.ts'
import { DnsCache, type Lifetime } from './cache.ts'
import { exchange } from './exchange.ts'
import { codes, encodeName, recordTypes, type DnsMessage, type RecordType } from './message.ts'
import type { RecordValues } from './records.ts'
import type { DnsServer } from './servers.ts'

/** Timeouts for a server, by round. RFC 1536 §1: in the second round it may have the answer by then. */
const roundTimeoutsMs = [2000, 5000]
/** Queries at the same time; each holds a socket. Further ones wait. */
const underWayMax = 256

export interface StubOptions {
  readonly servers: () => Promise<readonly DnsServer[]>
  /** The servers validate, and the path to them is secure: their AD bit is trusted. RFC 4035 §4.9.3. */
  readonly validated: boolean
  readonly timeoutsMs?: readonly number[]
}

/** A result with what is needed to cache it. */
interface Settled<T> {
  readonly outcome: DnsOutcome<T>
  readonly lifetime: Lifetime
  readonly sizeBytes: number
}

const nowhere = { kind: 'none', nameExists: false } as const

export class StubResolver {
  readonly #options: StubOptions
  readonly #cache = new DnsCache<DnsOutcome<unknown>>(() => performance.now())
  readonly #underWay = new Map<string, Promise<DnsOutcome<unknown>>>()
  readonly #waiting: (() => void)[] = []
  #running = 0
  /** Index of the server that answered last: it is asked first. */
  #first = 0
  /** Servers that cannot read EDNS. */
  readonly #plain = new Set<string>()

  constructor(options: StubOptions) {
    this.#options = options
  }

  /** @param given any spelling, with or without a trailing dot. */
  ask<T extends RecordType>(given: string, type: T): Promise<DnsOutcome<RecordValues[T]>> {
    const name = asciiName(given)
    if (name === undefined || name === '') return Promise.resolve(nowhere)
    const key = `${type} ${name}`
    const kept = this.#cache.get(key) ?? this.#underWay.get(key)
    if (kept) return Promise.resolve(kept) as Promise<DnsOutcome<RecordValues[T]>>
    const asked = this.#settle(name, type).then(({ outcome, lifetime, sizeBytes }) => {
      this.#underWay.delete(key)
      this.#cache.set(key, outcome, sizeBytes, lifetime)
      return outcome
    })
    this.#underWay.set(key, asked)
    return asked
  }

  /** Never throws. */
  async #settle<T extends RecordType>(asked: string, type: T): Promise<Settled<RecordValues[T]>> {
    let name = asked
    let secure = this.#options.validated
    let ttlS = Infinity
    let sizeBytes = 0
    for (let aliases = 0; aliases <= aliasesMax; aliases++) {
      const { answer, message } = await this.#askServers(name, type)
      sizeBytes += message?.bytes.length ?? 0
      // Each link of a CNAME chain has to be authentic.
      secure &&= message?.authentic === true
      if (answer.kind === 'failed') return { outcome: answer, lifetime: { kind: 'failure' }, sizeBytes }
      if (answer.ttlS !== undefined) ttlS = Math.min(ttlS, answer.ttlS)
      if (answer.kind === 'found') {
        const { records, name } = answer
        return { outcome: { kind: 'found', records, secure, name }, lifetime: { kind: 'positive', ttlS }, sizeBytes }
      }
      if (answer.kind === 'none') {
        const { nameExists } = answer
        const lifetime = { kind: 'negative', ttlS: answer.ttlS === undefined ? 0 : ttlS } as const
        return { outcome: { kind: 'none', nameExists, secure }, lifetime, sizeBytes }
      }
      name = answer.name
      if (!encodeName(name)) return { outcome: nowhere, lifetime: { kind: 'negative', ttlS }, sizeBytes }
    }
    return { outcome: { kind: 'failed', reason: 'too many aliases' }, lifetime: { kind: 'failure' }, sizeBytes }
  }

  async #askServers<T extends RecordType>(
    name: string,
    type: T,
  ): Promise<{ readonly answer: Answer<RecordValues[T]>; readonly message?: DnsMessage }> {
    if (this.#running >= underWayMax) await new Promise<void>((go) => this.#waiting.push(go))
    this.#running++
    try {
      const servers = await this.#options.servers()
      let reason = 'no server to ask'
      for (const timeoutMs of this.#options.timeoutsMs ?? roundTimeoutsMs) {
        let declined = 0
        for (let i = 0; i < servers.length; i++) {
          const at = (this.#first + i) % servers.length
          try {
            const message = await this.#askOne(servers[at]!, name, type, timeoutMs)
            const answer = readAnswer(message, name, type)
            if (answer.kind !== 'failed') {
              if (i > 0) this.#first = at
              return { answer, message }
            }
            ;({ reason } = answer)
            declined++
          } catch (error) {
            reason = (error as Error).message
          }
        }
        // All servers answered with a refusal: asking again at once changes nothing.
        if (declined === servers.length) break
      }
      return { answer: { kind: 'failed', reason } }
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  async #askOne(server: DnsServer, name: string, type: RecordType, timeoutMs: number): Promise<DnsMessage> {
    const question = { name, type: recordTypes[type] }
    const place = `${server.address} ${server.port}`
    const signatures = this.#options.validated
    if (!this.#plain.has(place)) {
      const message = await exchange(server, question, { extended: true, signatures }, timeoutMs)
      if (message.code !== codes.formatError && message.code !== codes.notImplemented) return message
      // RFC 6891 §7: the server does not know EDNS.
      this.#plain.add(place)
    }
    return exchange(server, question, { extended: false, signatures: false }, timeoutMs)
  }
}

/** A-labels, lower case, no trailing dot; undefined for what cannot be a name. */
function asciiName(given: string): string | undefined {
  const name = given.toLowerCase().replace(/\.$/, '')
  const ascii = /[^\x00-\x7f]/.test(name) ? domainToASCII(name) : name
  return encodeName(ascii) && ascii
}
