/**
 * The named steps of a start, and their ends: a failed start ends what it has begun, a stop ends everything, in bounded
 * time even if a part hangs.
 */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'

/** Called before each step with its name, `start store`, `reload TLS`, `stop queue`: tests make steps fail or hang. */
export type StepWatch = (step: string) => void | Promise<void>

/**
 * Parts that face peers end first, concurrently, since each may wait for peers; then the parts they use, in reverse
 * order.
 */
export type Phase = 'outside' | 'inside'

/** @param graceMs time for peers: then connections are cut, so that results can still be recorded. */
type End = (graceMs: number) => unknown

interface Ending {
  readonly name: string
  readonly phase: Phase
  readonly end: End
}

/** Share of the inner parts, which need no peers: closing files takes milliseconds, or this long on a slow disk. */
const insideShare = 1 / 4
const insideLeastMs = 200
/** Time between cutting connections and continuing without the part. */
const cutMs = 100

export class Lifetime {
  readonly #tools: { readonly clock: Clock; readonly log: Log; readonly watch?: StepWatch }
  readonly #endings: Ending[] = []
  #ended: Promise<readonly string[]> | undefined

  constructor(tools: { readonly clock: Clock; readonly log: Log; readonly watch?: StepWatch }) {
    this.#tools = tools
  }

  /**
   * Runs one step of a start or a reload. All that may fail or wait there is a step, so that tests can make it fail.
   */
  async step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    await this.#tools.watch?.(name)
    return work()
  }

  /** Registers a part to be ended. */
  ends(name: string, phase: Phase, end: End): void {
    this.#endings.push({ name, phase, end })
  }

  /** Ends all parts once, within `graceMs`. @returns the names of those that failed or did not end; each is logged. */
  end(graceMs: number): Promise<readonly string[]> {
    return (this.#ended ??= this.#end(graceMs))
  }

  async #end(graceMs: number): Promise<readonly string[]> {
    const { clock } = this.#tools
    const sinceMs = clock.monotonic()
    const insideMs = Math.max(insideLeastMs, graceMs * insideShare)
    const outsideMs = Math.max(0, graceMs - insideMs)
    const peersMs = Math.max(0, outsideMs - cutMs)
    const inside = this.#endings.filter(({ phase }) => phase === 'inside').reverse()
    const outside = this.#endings.filter(({ phase }) => phase === 'outside')
    const left = await Promise.all(outside.map((one) => this.#endOne(one, peersMs, Math.max(cutMs, outsideMs))))
    for (const [i, one] of inside.entries()) {
      // A part that hangs leaves the others, the store last of all, their share of the time.
      const leftMs = (graceMs - (clock.monotonic() - sinceMs)) / (inside.length - i)
      left.push(await this.#endOne(one, 0, Math.max(insideLeastMs / 2, leftMs)))
    }
    return left.filter((name) => name !== undefined)
  }

  /** @returns its name if it failed or did not end in time. */
  async #endOne({ name, end }: Ending, peersMs: number, waitMs: number): Promise<string | undefined> {
    const { clock, log, watch } = this.#tools
    const work = async (): Promise<undefined> => {
      await watch?.(`stop ${name}`)
      await end(peersMs)
    }
    let late!: () => void
    const timer = clock.after(waitMs, () => late())
    const tooLate = new Promise<string>((resolve) => {
      late = () => {
        log.error('shutdown continues without a part that does not stop', { part: name, waitedMs: Math.round(waitMs) })
        resolve(name)
      }
    })
    try {
      return await Promise.race([work(), tooLate])
    } catch (error) {
      log.error('a part failed to stop', { part: name, error: (error as Error).stack ?? String(error) })
      return name
    } finally {
      timer.cancel()
    }
  }
}
