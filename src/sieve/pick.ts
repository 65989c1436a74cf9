/** Which of the fields of one name a test looks at: all, or the one that `:index` and `:last` say. RFC 5260 §6. */
import type { GivenTags } from './declare.ts'
import type { ViewedField } from './header-view.ts'
import type { Run } from './run.ts'
import { Value } from './value.ts'

type Fault = (problem: string, hint?: string, argument?: never) => void

/** @returns the position from the start, or from the end if it is negative; 0 for all. */
export function indexOf(tags: GivenTags, fault: Fault): number {
  const index = tags.number('index')
  const isLast = tags.has('last')
  if (index === 0) fault(':index counts from 1')
  if (isLast && index === undefined) fault(':last stands with :index only')
  return isLast ? -(index ?? 0) : (index ?? 0)
}

/** The values of the fields of these names. */
export function pickValues(tags: GivenTags, fault: Fault): (run: Run, names: readonly string[]) => readonly Value[] {
  const index = indexOf(tags, fault)
  if (index !== 0)
    return (run, names) => pickedFields(run, names, index).map((field) => new Value(run.header.text(field)))
  return (run, names) =>
    names.length === 1 ? run.header.values(names[0]!) : names.flatMap((name) => run.header.values(name))
}

/** The fields of all names are counted together, in the order of the names. RFC 5260 §6. */
export function pickedFields(run: Run, names: readonly string[], index: number): readonly ViewedField[] {
  const one = names.flatMap((name) => run.header.named(name.toLowerCase())).at(index > 0 ? index - 1 : index)
  return one === undefined ? [] : [one]
}
