/** Regular expressions that take linear time: `re2js` does not backtrack. Loaded with the first pattern that needs it. */
import { createRequire } from 'node:module'

/** One search. */
export interface Re2Matcher {
  /** Whether it is found. */
  find(): boolean
  /** What a group took; 0 is the whole. null if it took nothing. */
  group(index: number): string | null
  groupCount(): number
}

/** A compiled pattern. */
export interface Re2Pattern {
  test(text: string): boolean
  matcher(text: string): Re2Matcher
  /** Instructions: a character costs so many steps at most. */
  programSize(): number
}

export interface Re2 {
  compile(source: string, flags: number): Re2Pattern
  translateRegExp(source: string): string
  readonly MULTILINE: number
  readonly CASE_INSENSITIVE: number
  readonly DOTALL: number
  readonly LONGEST_MATCH: number
}

let loaded: Re2 | undefined

export function loadRe2(): Re2 {
  return (loaded ??= (createRequire(import.meta.url)('re2js') as { readonly RE2JS: Re2 }).RE2JS)
}
