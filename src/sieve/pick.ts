/** Which of the fields of one name a test looks at: all, or the one that `:index` and `:last` say. RFC 5260 §6. */
import type { GivenTags } from './declare.ts'
import type { ViewedField } from './header-view.ts'
import type { Run } from './run.ts'
import type { Value } from './value.ts'

type Fault = (problem: string, hint?: string, argument?: never) => void

/** @returns the position from the start, or from the end if it is negative; 0 for all. */
export function indexOf(tags: GivenTags, fault: Fault): number {
  const index = tags.number('index')
  const isLast = tags.has('last')
  if (index === 0) fault(':index counts from 1')
  if (isLast && index === undefined) fault(':last stands with :index only')
  return isLast ? -(index ?? 0) : (index ?? 0)
}

/** The values of the fields of a name. */
export function pickFields(tags: GivenTags, fault: Fault): (run: Run, name: string) => readonly Value[] {
  const index = indexOf(tags, fault)
  if (index === 0) return (run, name) => run.header.values(name)
  return (run, name) => picked(run.header.values(name), index)
}

export function pickedFields(run: Run, name: string, index: number): readonly ViewedField[] {
  return picked(run.header.named(name.toLowerCase()), index)
}

function picked<Item>(items: readonly Item[], index: number): readonly Item[] {
  if (index === 0) return items
  const one = items.at(index > 0 ? index - 1 : index)
  return one === undefined ? [] : [one]
}
