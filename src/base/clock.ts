/** The interface to time: real, or simulated. Timers exist in `platform/` only. */

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Wall clock, milliseconds since 1970. It may jump. */
  now(): number
  /** Milliseconds that only grow: for limits and measurements. */
  monotonic(): number
  after(delayMs: number, run: () => void): Timer
  /** Runs after the events that are pending now: long work yields to the event loop by this. */
  soon(run: () => void): void
}

/**
 * Resolves after the delay. An aborted `signal` ends the wait at once and without an error: check it afterwards.
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

/** Yields to the event loop once. */
export function turn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.soon(resolve))
}
