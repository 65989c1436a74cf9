/**
 * Runs the health checks every half minute: a problem is logged once when it begins and once when it ends, and shown by
 * readiness and as a gauge. Operators should not have to learn of it from their users.
 */
import type { Clock, Timer } from '../base/clock.ts'
import type { Log, LogFacts } from '../base/log.ts'
import type { Sample } from '../base/metrics.ts'

export interface HealthCheck {
  readonly name: string
  /** Mail is refused while it lasts: the system is not ready. */
  readonly stopsMail?: boolean
  /** Logged by the part that finds it already: the store, the directory. */
  readonly toldElsewhere?: boolean
  /** The problem, with facts for the log; undefined: none. */
  look(nowMs: number): { readonly problem: string; readonly facts?: LogFacts } | undefined
}

export interface Trouble {
  readonly name: string
  readonly problem: string
  readonly stopsMail: boolean
  readonly sinceMs: number
}

const everyMs = 30_000

export class Health {
  readonly #tools: { readonly clock: Clock; readonly log: Log }
  readonly #checks: readonly HealthCheck[]
  readonly #troubles = new Map<string, Trouble>()
  #timer: Timer | undefined

  constructor(tools: { readonly clock: Clock; readonly log: Log }, checks: readonly HealthCheck[]) {
    this.#tools = tools
    this.#checks = checks
  }

  start(): void {
    this.look()
    this.#timer = this.#tools.clock.after(everyMs, () => this.start())
  }

  stop(): void {
    this.#timer?.cancel()
  }

  /** Checks now: readiness does not wait half a minute. */
  look(): readonly Trouble[] {
    const { clock, log } = this.#tools
    const nowMs = clock.now()
    for (const { name, stopsMail = false, toldElsewhere = false, look } of this.#checks) {
      const found = look(nowMs)
      const before = this.#troubles.get(name)
      if (found) {
        if (!before && !toldElsewhere)
          log.error('trouble begins', { trouble: name, problem: found.problem, ...found.facts })
        this.#troubles.set(name, { name, stopsMail, problem: found.problem, sinceMs: before?.sinceMs ?? nowMs })
      } else if (before) {
        this.#troubles.delete(name)
        const lastedMs = nowMs - before.sinceMs
        if (!toldElsewhere) log.info('trouble is over', { trouble: name, lastedMs })
      }
    }
    return [...this.#troubles.values()]
  }

  /** For each check: 1 while the problem lasts. */
  samples(): readonly Sample[] {
    this.look()
    return this.#checks.map(({ name }) => [this.#troubles.has(name) ? 1 : 0, name])
  }
}
