/** Tells the operator when the event loop was held up, and by what: everybody else waits as long. */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { begun, begunSince } from '../base/running.ts'

/** FairOrder that are told. */
const turnMaxMs = 200
/** How often it looks. What is held up is seen by its lateness, which may be shorter by as much. */
const everyMs = 50
/** One line in so long: an overloaded machine is told of once, not a hundred times. */
const quietMs = 10_000

export interface Watchdog {
  cancel(): void
}

/** @param late told of each turn's lateness, seconds. */
export function watchLoop(clock: Clock, log: Log, late?: (seconds: number) => void): Watchdog {
  let dueMs = 0
  let before = 0
  let quietUntilMs = -Infinity
  let untold = 0
  let timer = next()

  function next() {
    before = begun()
    dueMs = clock.monotonic() + everyMs
    return clock.after(everyMs, look)
  }

  function look(): void {
    const nowMs = clock.monotonic()
    const lateMs = nowMs - dueMs
    late?.(Math.max(0, lateMs) / 1000)
    if (lateMs > turnMaxMs - everyMs) {
      if (nowMs < quietUntilMs) untold++
      else {
        const running = begunSince(before)
        const facts = {
          ms: Math.round(lateMs),
          running: running.length > 0 ? running.join(', ') : 'nothing with a name',
        }
        log.warn('event loop blocked', untold > 0 ? { ...facts, untold } : facts)
        quietUntilMs = nowMs + quietMs
        untold = 0
      }
    }
    timer = next()
  }

  return { cancel: () => timer.cancel() }
}
