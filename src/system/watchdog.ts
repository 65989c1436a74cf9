/** Reports to the operator when the event loop was blocked, and by what: all connections wait meanwhile. */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { begun, begunSince } from '../base/running.ts'

/** Turns of the event loop from this length on are reported. */
const turnMaxMs = 200
/** Interval of the check. A blocked turn shows as lateness, which may be shorter by this much. */
const everyMs = 50
/** At most one line in this time: an overloaded machine is reported once, not a hundred times. */
const quietMs = 10_000

export interface Watchdog {
  cancel(): void
}

/** @param late called with each turn's lateness, seconds. */
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
