/** A script that was compiled: it can be run any number of times, by several runs at once. */

export interface SieveScript {
  /** The capabilities that it requires, in its order. */
  readonly requires: readonly string[]
  /** What runs: the engine's own. */
  readonly program: unknown
}
