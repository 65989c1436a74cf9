/** Reads the arguments of one command or test by its declaration. RFC 5228 §2.6. */
import { nearest } from '../base/suggest.ts'
import type { AddressPart, ArgumentValue, GivenTags, ParameterKind, Parameters } from './declare.ts'
import { Match } from './match.ts'
import type { Known, KnownTag } from './registry.ts'
import type { Comparator } from './comparator.ts'
import { textsOf, type Text, type Texts } from './text.ts'
import type { ArgumentNode, StringNode, TestNode } from './syntax.ts'

/** What this needs of the compiler. */
export interface ArgumentScope {
  fault(at: number, problem: string, hint?: string): void
  /** A string, with what the script's extensions make of it. */
  text(node: StringNode): Text
  /** Whether any of these may be used; if not, this was noted. */
  mayUse(at: number, name: string, needs: readonly string[]): boolean
  /** Notes that something is unknown; an extension that is not here may have it. */
  unknown(at: number, problem: string, hint?: string): void
  comparator(name: string): Known<Comparator> | undefined
  readonly comparatorNames: Iterable<string>
  readonly setsMatchVariables: boolean
}

export interface ReadArguments {
  readonly values: Readonly<Record<string, ArgumentValue | undefined>>
  /** Where each was written. */
  readonly places: ReadonlyMap<string, number>
  readonly tags: GivenTags
  readonly match: Match
  readonly addressPart: AddressPart
}

interface Tagged {
  readonly tag: KnownTag
  readonly at: number
  readonly value?: ArgumentValue
  readonly valueAt: number
}

/** @returns undefined if they are wrong in a way that was noted. */
export function readArguments(
  node: TestNode,
  parameters: Parameters,
  known: ReadonlyMap<string, KnownTag>,
  scope: ArgumentScope,
): ReadArguments | undefined {
  const split = splitTags(node, known, scope)
  if (split === undefined) return undefined
  const { tagged, positional } = split
  const chosen = choose(node, parameters, positional, scope)
  if (chosen === undefined) return undefined
  const values: Record<string, ArgumentValue> = {}
  const places = new Map<string, number>()
  let isWrong = false
  for (const [name, kind, argument] of chosen) {
    const value = valueOf(argument, kind, `argument "${name}" of "${node.name}"`, scope)
    places.set(name, argument.at)
    if (value === undefined) isWrong = true
    else values[name] = value
  }
  for (const { tag, valueAt } of tagged) places.set(`:${tag.name}`, valueAt)
  for (const { tag, at } of tagged)
    if (tag.beside !== undefined && !tagged.some((other) => other.tag.name === tag.beside))
      scope.fault(at, `:${tag.name} stands beside :${tag.beside} only`)
  const match = matchOf(tagged, known, scope)
  if (isWrong || match === 'wrong') return undefined
  const part = tagged.find(({ tag }) => tag.addressPart !== undefined)?.tag ?? known.get('all')
  return { values, places, tags: new Tags(tagged), match, addressPart: part?.addressPart as AddressPart }
}

function splitTags(
  node: TestNode,
  known: ReadonlyMap<string, KnownTag>,
  scope: ArgumentScope,
): { tagged: Tagged[]; positional: ArgumentNode[] } | undefined {
  const tagged: Tagged[] = []
  const positional: ArgumentNode[] = []
  let isWrong = false
  const list = node.arguments
  for (let at = 0; at < list.length; at += 1) {
    const argument = list[at]!
    if (argument.kind !== 'tag') {
      positional.push(argument)
      continue
    }
    const tag = known.get(argument.name)
    if (tag === undefined) {
      const near = nearest(argument.name, known.keys())
      const hint = near === undefined ? undefined : `did you mean :${near}?`
      scope.unknown(argument.at, `"${node.name}" has no tag :${argument.name}`, hint)
      return undefined
    }
    if (!scope.mayUse(argument.at, `:${tag.name}`, tag.needs)) isWrong = true
    if (positional.length > 0) scope.fault(argument.at, `:${tag.name} must stand before the other arguments`)
    const other = tagged.find((one) => one.tag.group === tag.group)
    if (other !== undefined) {
      const problem =
        other.tag === tag
          ? `:${tag.name} is given twice`
          : `:${other.tag.name} and :${tag.name} cannot be used together`
      scope.fault(argument.at, problem)
    }
    if (tag.argument === undefined) {
      tagged.push({ tag, at: argument.at, valueAt: argument.at })
      continue
    }
    const next = list[at + 1]
    if (next === undefined || next.kind === 'tag') {
      scope.fault(argument.at, `:${tag.name} must be followed by ${kindWords[tag.argument]}`)
      isWrong = true
      continue
    }
    at += 1
    const value = valueOf(next, tag.argument, `:${tag.name}`, scope)
    if (value === undefined) isWrong = true
    else tagged.push({ tag, at: argument.at, value, valueAt: next.at })
  }
  return isWrong ? undefined : { tagged, positional }
}

type Chosen = [name: string, kind: ParameterKind, argument: ArgumentNode]

/** Which argument is which: parameters that may be left out are left out together, the last ones first. */
function choose(
  node: TestNode,
  parameters: Parameters,
  positional: readonly ArgumentNode[],
  scope: ArgumentScope,
): Chosen[] | undefined {
  const all = Object.entries(parameters)
  let spare = all.length - positional.length
  const used = all
    .toReversed()
    .filter(([, kind]) => !(kind.endsWith('?') && spare-- > 0))
    .reverse()
  if (used.length === positional.length)
    return used.map(([name, kind], at) => [name, kind.replace('?', '') as ParameterKind, positional[at]!])
  const least = all.filter(([, kind]) => !kind.endsWith('?')).length
  const extra = positional[used.length]
  if (extra !== undefined) scope.fault(extra.at, `"${node.name}" takes ${counted(all.length)}, this is one too many`)
  else {
    const [name, kind] = used[positional.length]!
    const problem = `"${node.name}" needs ${counted(least)}`
    scope.fault(node.at, `${problem}: ${kindWords[kind.replace('?', '') as ParameterKind]} for "${name}" is missing`)
  }
  return undefined
}

function counted(count: number): string {
  return count === 0 ? 'no arguments' : count === 1 ? 'one argument' : `${count} arguments`
}

const kindWords: Readonly<Record<ParameterKind, string>> = {
  text: 'a string',
  constant: 'a string',
  texts: 'a string or a list of strings',
  constants: 'a string or a list of strings',
  number: 'a number',
}

function valueOf(
  node: ArgumentNode,
  kind: ParameterKind,
  what: string,
  scope: ArgumentScope,
): ArgumentValue | undefined {
  const isList = kind === 'texts' || kind === 'constants'
  if (kind === 'number' && node.kind === 'number') return node.value
  if (kind === 'number' || !(node.kind === 'string' || (isList && node.kind === 'strings'))) {
    const hint = kind === 'number' && node.kind === 'string' ? 'numbers stand without quotation marks' : undefined
    scope.fault(node.at, `${what} must be ${kindWords[kind]}`, hint)
    return undefined
  }
  const texts = (node.kind === 'string' ? [node] : node.items).map((item) => scope.text(item))
  if (kind === 'text') return texts[0]
  if (kind === 'texts') return textsOf(texts)
  if (!texts.every((text) => typeof text === 'string')) {
    scope.fault(node.at, `${what} must not hold variables`)
    return undefined
  }
  return kind === 'constant' ? texts[0] : texts
}

/** The comparator and the match type. RFC 5228 §2.7.1, §2.7.3: by default `:is` and i;ascii-casemap. */
function matchOf(
  tagged: readonly Tagged[],
  known: ReadonlyMap<string, KnownTag>,
  scope: ArgumentScope,
): Match | 'wrong' {
  if (!known.has('comparator')) return noMatch
  const given = tagged.find(({ tag }) => tag.name === 'comparator')
  const name = (given?.value as string | undefined) ?? 'i;ascii-casemap'
  const comparator = scope.comparator(name)
  if (comparator === undefined) {
    const near = nearest(name, scope.comparatorNames)
    scope.unknown(
      given?.valueAt ?? 0,
      `there is no comparator ${JSON.stringify(name)}`,
      near === undefined ? undefined : `did you mean "${near}"?`,
    )
    return 'wrong'
  }
  if (!scope.mayUse(given?.valueAt ?? 0, `the comparator "${name}"`, comparator.needs)) return 'wrong'
  const typed = tagged.find(({ tag }) => tag.matchType !== undefined)
  const type = (typed?.tag ?? known.get('is'))?.matchType
  if (type === undefined) return noMatch
  if (type.substrings && !comparator.thing.substrings) {
    scope.fault(typed!.at, `:${type.name} cannot be used with the comparator "${name}"`)
    return 'wrong'
  }
  const argument = (typed?.value as string | undefined) ?? ''
  const problem = typed === undefined ? undefined : type.checkArgument?.(argument)
  if (problem !== undefined) scope.fault(typed!.valueAt, problem)
  return new Match(type, comparator.thing, argument, scope.setsMatchVariables)
}

/** Of what compares nothing. */
const noMatch = undefined as unknown as Match

class Tags implements GivenTags {
  readonly #given = new Map<string, Tagged>()

  constructor(tagged: readonly Tagged[]) {
    for (const one of tagged) this.#given.set(one.tag.name, one)
  }

  has(name: string): boolean {
    return this.#given.has(name)
  }

  text(name: string): Text | undefined {
    return this.#given.get(name)?.value as Text | undefined
  }

  texts(name: string): Texts | undefined {
    return this.#given.get(name)?.value as Texts | undefined
  }

  number(name: string): number | undefined {
    return this.#given.get(name)?.value as number | undefined
  }

  constant(name: string): string | undefined {
    return this.#given.get(name)?.value as string | undefined
  }

  constants(name: string): readonly string[] | undefined {
    return this.#given.get(name)?.value as readonly string[] | undefined
  }

  modifiers(): readonly ((text: string) => string)[] {
    return [...this.#given.values()]
      .toSorted((one, other) => (one.tag.group < other.tag.group ? 1 : -1))
      .flatMap(({ tag }) => tag.modify ?? [])
  }

  inGroup(group: string): string | undefined {
    for (const { tag } of this.#given.values()) if (tag.group === group) return tag.name
    return undefined
  }
}
