/** The variables that a script sees: its own, those it shares, and what the last match took. RFC 5229, RFC 6609 §3.4. */
import type { Reference } from './text.ts'

/** Of one script in a run. Scripts that include one another share `shared`, and nothing else. */
export class Variables {
  readonly #own = new Map<string, string>()
  readonly #sharedNames = new Set<string>()
  readonly #shared: Map<string, string>
  /** `${0}`, `${1}` … of the last match that held. */
  #taken: readonly string[] = []

  constructor(shared: Map<string, string>) {
    this.#shared = shared
  }

  get(reference: Reference): string {
    const { name, namespace } = reference
    if (typeof name === 'number') return this.#taken[name] ?? ''
    return this.#mapOf(name, namespace).get(name) ?? ''
  }

  /** @returns false if there are too many already. */
  set(name: string, namespace: string | undefined, value: string, variablesMax: number): boolean {
    const map = this.#mapOf(name, namespace)
    if (map.size >= variablesMax && !map.has(name)) return false
    map.set(name, value)
    return true
  }

  /** @returns false if the script has set a variable of its own with that name. RFC 6609 §3.4.1. */
  share(name: string): boolean {
    if (this.#own.has(name)) return false
    this.#sharedNames.add(name)
    return true
  }

  takeMatch(taken: readonly string[]): void {
    this.#taken = taken
  }

  #mapOf(name: string, namespace: string | undefined): Map<string, string> {
    return namespace === 'global' || this.#sharedNames.has(name) ? this.#shared : this.#own
  }
}
