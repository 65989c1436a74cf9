/**
 * The extension `regex`: POSIX extended expressions, as Pigeonhole has them. They are matched in linear time; what needs to go back,
 * as `\1`, is refused. No RFC has it. The whole match is the longest
 * of those that begin first, as in POSIX; a group in it may take less than POSIX would give it.
 */
import { loadRe2, type Re2Pattern } from '../../base/re2.ts'
import type { Comparator } from '../comparator.ts'
import type { Extension } from '../declare.ts'
import type { MatchType } from '../match.ts'
import { RunFault } from '../run-fault.ts'

/** Longer patterns are lists that should be lists. */
const patternLengthMax = 2_000
/** Characters of a value that are looked at. */
const textMax = 65_536
const groupsMax = 32

type Compiled =
  { readonly kind: 'pattern'; readonly pattern: Re2Pattern } | { readonly kind: 'fault'; readonly problem: string }

function compilePattern(source: string, comparator: Comparator): Compiled {
  if (source.length > patternLengthMax)
    return { kind: 'fault', problem: `the pattern has more than ${patternLengthMax} characters` }
  try {
    const engine = loadRe2()
    // As POSIX has it: the longest match of those that begin first, a dot takes line ends, `^` and `$` are the ends of the value.
    const flags = engine.DOTALL | engine.LONGEST_MATCH | (comparator.name === 'i;octet' ? 0 : engine.CASE_INSENSITIVE)
    return { kind: 'pattern', pattern: engine.compile(source, flags) }
  } catch (error) {
    const words = (error as Error).message.replace(/^error parsing regexp: /, '')
    return { kind: 'fault', problem: `this is no pattern that can be run in bounded time: ${words}` }
  }
}

const matchType: MatchType = {
  name: 'regex',
  words: 'matches the expression',
  substrings: true,
  checkKey(key, comparator) {
    const compiled = compilePattern(key, comparator)
    return compiled.kind === 'fault' ? compiled.problem : undefined
  },
  prepare(key, comparator, run) {
    // Compiling is the dearest that a key can ask for.
    run.spend(100 + key.length)
    const compiled = compilePattern(key, comparator)
    if (compiled.kind === 'fault') throw new RunFault(compiled.problem)
    return compiled.pattern
  },
  match(run, value, key) {
    const pattern = key as Re2Pattern
    const text = value.text.slice(0, textMax)
    run.spend(1 + Math.floor((text.length * pattern.programSize()) / 1024))
    const matcher = pattern.matcher(text)
    if (!matcher.find()) return false
    const groups = Math.min(matcher.groupCount(), groupsMax)
    return Array.from({ length: groups + 1 }, (_, index) => matcher.group(index) ?? '')
  },
}

export const regex: Extension = {
  capabilities: ['regex'],
  matchTypes: [matchType],
  tags: [
    {
      name: 'quoteregex',
      group: 'precedence 20',
      on: ['set'],
      modify: (text) => text.replace(/[\\.^$*+?()[\]{}|]/g, '\\$&'),
    },
  ],
}
