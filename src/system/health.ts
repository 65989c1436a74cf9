/**
 * What is wrong now: looked at every half minute, told in the log once when it begins and once when it is over, shown by readiness and as a
 * gauge. A sender should not have to be the one who tells.
 */
import type { Clock, Timer } from '../base/clock.ts'
import type { Log, LogFacts } from '../base/log.ts'
import type { Sample } from '../base/metrics.ts'

export interface HealthCheck {
  readonly name: string
  /** While it lasts mail is refused: the system is not ready. */
  readonly stopsMail?: boolean
  /** Whoever finds it has told of it already: the store, the directory. */
  readonly toldElsewhere?: boolean
  /** What is wrong, with facts for the log; undefined: nothing. */
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

  /** As it is at this moment: readiness does not wait half a minute. */
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

  /** 1 while it lasts, for each thing that is looked at. */
  samples(): readonly Sample[] {
    this.look()
    return this.#checks.map(({ name }) => [this.#troubles.has(name) ? 1 : 0, name])
  }
}
