/** The extension `relational`: `:count` and `:value`. RFC 5231. */
import type { Comparator } from '../comparator.ts'
import type { Extension } from '../declare.ts'
import type { MatchType } from '../match.ts'

/** RFC 5231 §4: whether an order below, at or above 0 is what is asked for. */
const relations: Readonly<Record<string, (order: number) => boolean>> = {
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
}

const base = {
  checkArgument: (argument: string): string | undefined =>
    Object.hasOwn(relations, argument.toLowerCase())
      ? undefined
      : `${JSON.stringify(argument)} is no relation: there are gt, ge, lt, le, eq and ne`,
  prepare: (key: string, comparator: Comparator): string => comparator.fold(key),
} satisfies Partial<MatchType>

const match: MatchType['match'] = (run, value, key, comparator, argument) => {
  run.spend(1)
  return relations[argument.toLowerCase()]!(comparator.order(value.folded(comparator), key as string))
}

export const relational: Extension = {
  capabilities: ['relational'],
  matchTypes: [
    { ...base, name: 'value', words: 'is', match },
    { ...base, name: 'count', words: 'is', counts: true, match },
  ],
}
