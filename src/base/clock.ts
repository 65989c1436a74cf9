/** Time, as the platform tells it: the real one, or the simulator's. Timers exist in `platform/` only. */

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall clock, milliseconds since 1970. It may jump. */
  now(): number
  /** Milliseconds that only grow: for limits and measurements. */
  monotonic(): number
  after(delayMs: number, run: () => void): Timer
  /** Runs once the events that wait now have been served: how long work gives the loop back. */
  soon(run: () => void): void
}

/**
 * Waits; a promise for code that is a sequence of steps. An aborted `signal` ends the wait at once: look at it afterwards.
 * @internal
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (!signal) return new Promise((resolve) => void clock.after(delayMs, resolve))
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.after(delayMs, end)
    signal.addEventListener('abort', end)
  })
}

/** Gives the event loop back once. */
export function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve))
}
