/** The match types `:is`, `:contains` and `:matches`. RFC 5228 §2.7.1. */
import type { MatchType } from '../match.ts'
import { matchWildcard, parseWildcard, type Wildcard } from '../wildcard.ts'

export const is: MatchType = {
  name: 'is',
  words: 'is',
  prepare: (key, comparator) => comparator.fold(key),
  match: (run, value, key, comparator) => {
    run.spend(1 + (value.text.length >> 8))
    return value.folded(comparator) === key
  },
}

export const contains: MatchType = {
  name: 'contains',
  words: 'contains',
  substrings: true,
  prepare: (key, comparator) => comparator.fold(key),
  match: (run, value, key, comparator) => {
    run.spend(1 + (value.text.length >> 8))
    return value.folded(comparator).includes(key as string)
  },
}

/**
 * Departs: RFC 5228 §2.7.1, because with i;octet and i;ascii-casemap a `?` takes one character here, not one octet of its UTF-8:
 * half a character is of no use to any script.
 */
export const matches: MatchType = {
  name: 'matches',
  words: 'matches',
  substrings: true,
  prepare: (key, comparator) => parseWildcard(key, (text) => comparator.fold(text)),
  match(run, value, key, comparator) {
    const wildcard = key as Wildcard
    run.spend(1 + Math.floor((value.text.length * Math.max(4, wildcard.weight)) / 1024))
    const { subject, origin } = value.subject(comparator)
    const taken = matchWildcard(wildcard, subject)
    if (taken === undefined) return false
    return [value.text, ...taken.map(([start, end]) => value.text.slice(origin(start), origin(end)))]
  },
}
