/** How values are compared with keys: a match type and a comparator. RFC 5228 §2.7. */
import type { Comparator } from './comparator.ts'
import type { Run } from './run.ts'
import type { Texts } from './text.ts'
import { Value } from './value.ts'

/** A key that was made ready for a match type. */
export type PreparedKey = unknown

export interface MatchType {
  /** `contains` */
  readonly name: string
  /** It needs a comparator that can look for parts of strings. RFC 5228 §2.7.1. */
  readonly substrings?: true
  /** It has a string behind its tag, as `:count "gt"`. @returns what is wrong with it. */
  readonly checkArgument?: (argument: string) => string | undefined
  /** What is wrong with a constant key. */
  readonly checkKey?: (key: string, comparator: Comparator) => string | undefined
  /** The number of values is what is compared. RFC 5231 §4.2. */
  readonly counts?: true
  prepare(key: string, comparator: Comparator, run: Run): PreparedKey
  /** @returns whether they match, or what the match variables are set to. RFC 5229 §3.2. */
  match(run: Run, value: Value, key: PreparedKey, comparator: Comparator, argument: string): boolean | readonly string[]
  /** `contains`, for an explanation. */
  readonly words: string
}

/** Of one test. */
export class Match {
  readonly type: MatchType
  readonly #comparator: Comparator
  readonly #argument: string
  readonly #setsVariables: boolean
  /** Of constant keys, ready since the first run. */
  #prepared: { readonly texts: readonly string[]; readonly keys: readonly PreparedKey[] } | undefined

  constructor(type: MatchType, comparator: Comparator, argument: string, setsVariables: boolean) {
    this.type = type
    this.#comparator = comparator
    this.#argument = argument
    this.#setsVariables = setsVariables
  }

  /** What is wrong with constant keys: told when the script is compiled. */
  faultOf(keys: Texts): string | undefined {
    for (const key of keys.items) {
      const problem = typeof key === 'string' ? this.type.checkKey?.(key, this.#comparator) : undefined
      if (problem !== undefined) return problem
    }
    return undefined
  }

  /**
   * Whether any value matches any key. Values go first, keys second.
   * @param what is looked at, for an explanation: `"Subject"`.
   * @param setsVariables false: the match variables stay as they are.
   */
  any(run: Run, what: string, values: readonly Value[], keys: Texts, setsVariables = this.#setsVariables): boolean {
    const { type } = this
    const texts = run.texts(keys)
    const prepared = this.#prepare(run, keys, texts)
    for (const value of type.counts ? [new Value(String(values.length))] : values)
      for (let at = 0; at < prepared.length; at += 1) {
        const taken = type.match(run, value, prepared[at], this.#comparator, this.#argument)
        if (taken === false) continue
        if (taken !== true && setsVariables) run.variables.takeMatch(taken)
        if (run.isExplained)
          run.because = `${type.counts ? `the number of ${what}` : what} is ${shown(value.text)}, which ${type.words}${this.#argument && ` ${this.#argument}`} ${shown(texts[at]!)}`
        return true
      }
    if (run.isExplained)
      run.because = type.counts
        ? `there are ${values.length} of ${what}`
        : values.length === 0
          ? `there is no ${what}`
          : unmatched(what, values)
    return false
  }

  #prepare(run: Run, keys: Texts, texts: readonly string[]): readonly PreparedKey[] {
    if (keys.constant === undefined) return texts.map((key) => this.#ready(run, key))
    if (this.#prepared?.texts !== texts) this.#prepared = { texts, keys: texts.map((key) => this.#ready(run, key)) }
    return this.#prepared.keys
  }

  #ready(run: Run, key: string): PreparedKey {
    run.spend(1 + (key.length >> 10))
    return this.type.prepare(key, this.#comparator, run)
  }
}

function unmatched(what: string, values: readonly Value[]): string {
  return `${what} is ${shown(values[0]!.text)}${values.length > 1 ? ` and ${values.length - 1} more` : ''}`
}

/** Of a longer value only the beginning is shown. */
const shownMax = 100

export function shown(text: string): string {
  return JSON.stringify(text.length > shownMax ? `${text.slice(0, shownMax)}…` : text)
}
