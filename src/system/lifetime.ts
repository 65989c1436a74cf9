/**
 * What a start has begun, step by step and by name, and how it ends: a start that fails ends what it had begun, a stop ends everything,
 * each in bounded time whatever hangs.
 */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'

/** Called before each step with its name, `start store`, `reload TLS`, `stop queue`: tests make steps fail or hang. */
export type StepWatch = (step: string) => void | Promise<void>

/**
 * What faces the outside ends first, side by side, since each may wait for peers; then what those need, the last begun first.
 */
export type Phase = 'outside' | 'inside'

/** @param graceMs how long peers may take: what still waits for them then is cut, so that its end can be written down. */
type End = (graceMs: number) => unknown

interface Ending {
  readonly name: string
  readonly phase: Phase
  readonly end: End
}

/** What is inside needs no peer: writing down and closing files takes milliseconds, on a slow disk perhaps this. */
const insideShare = 1 / 4
const insideLeastMs = 200
/** Between cutting what waits for peers and going on without it. */
const cutMs = 100

export class Lifetime {
  readonly #tools: { readonly clock: Clock; readonly log: Log; readonly watch?: StepWatch }
  readonly #endings: Ending[] = []
  #ended: Promise<readonly string[]> | undefined

  constructor(tools: { readonly clock: Clock; readonly log: Log; readonly watch?: StepWatch }) {
    this.#tools = tools
  }

  /** Does one thing of a start or a reload. Whatever may fail or wait there is a step, or no test makes it fail. */
  async step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    await this.#tools.watch?.(name)
    return work()
  }

  /** Something has begun that has to end. */
  ends(name: string, phase: Phase, end: End): void {
    this.#endings.push({ name, phase, end })
  }

  /** Ends all of it, once, within `graceMs`. @returns the names of what failed or did not end; each is in the log. */
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
      // One that hangs leaves the others, the store last of all, their part of the time.
      const leftMs = (graceMs - (clock.monotonic() - sinceMs)) / (inside.length - i)
      left.push(await this.#endOne(one, 0, Math.max(insideLeastMs / 2, leftMs)))
    }
    return left.filter((name) => name !== undefined)
  }

  /** @returns its name where it failed or did not end in time. */
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
