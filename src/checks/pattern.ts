/**
 * Patterns in content rules: `/pattern/` or `/pattern/i`. Matching takes linear time:
 * they run in `re2js`, which does not backtrack; JavaScript's own engine took 13.7 s for `^(a|a)*$` on 28 characters.
 */
import { loadRe2 } from '../base/re2.ts'

/** A compiled pattern. */
export interface PatternTest {
  test(text: string): boolean
}

export type Pattern =
  { readonly kind: 'pattern'; readonly expression: PatternTest } | { readonly kind: 'fault'; readonly problem: string }

/** Longest pattern, in characters. */
const patternLengthMax = 2000

/** @param text between slashes; `i`: ignores case. `^` and `$` match at the ends of a line. */
export function parsePattern(text: string): Pattern {
  const match = text.length > patternLengthMax ? null : /^\/(.+)\/(i?)$/s.exec(text)
  if (!match) return { kind: 'fault', problem: 'must stand between slashes, as "/^Subject: lottery/i"' }
  const [, source = '', flags = ''] = match
  try {
    // JavaScript's syntax decides first, so that existing patterns keep their meaning.
    const native = new RegExp(source, `m${flags}`)
    if (isPlain(source)) return { kind: 'pattern', expression: native }
  } catch (error) {
    return { kind: 'fault', problem: `is no pattern: ${wordsOf(error)}` }
  }
  if (/\(\?<?[=!]/.test(source))
    return { kind: 'fault', problem: 'looks ahead or behind, as (?=a) does: write it without' }
  try {
    const engine = loadRe2()
    const expression = engine.compile(
      engine.translateRegExp(source),
      engine.MULTILINE | (flags === 'i' ? engine.CASE_INSENSITIVE : 0),
    )
    return { kind: 'pattern', expression }
  } catch (error) {
    return { kind: 'fault', problem: `is no pattern that can be run in bounded time: ${wordsOf(error)}` }
  }
}

function wordsOf(error: unknown): string {
  return (error as Error).message.replace(/^(?:Invalid regular expression|error parsing regexp): /, '')
}

/**
 * Literals, classes and top-level alternatives, with no repetition but one `.*` after a leading `^`: without
 * backtracking, the platform's engine, ten times as fast, is safe.
 */
function isPlain(source: string): boolean {
  const rest = source.startsWith('^') && !source.includes('|') ? source.slice(1).replace('.*', '') : source
  return /^(?:[^\\()[\]{}*+?]|\\[^\dkpPuxc]|\[(?:[^\\[\]]|\\[^\dkpPuxc])*\])*$/.test(rest)
}
