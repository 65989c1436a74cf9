/** What a script may use: the declarations of all extensions, by name. RFC 5228 §2.10.5. */
import { assert } from '../base/assert.ts'
import type { Comparator } from './comparator.ts'
import type {
  ActionDeclaration,
  AddressPart,
  Extension,
  ParameterKind,
  TagDeclaration,
  TestDeclaration,
  Trait,
} from './declare.ts'
import type { MatchType } from './match.ts'
import type { Adjust } from './run.ts'

/** Something that a script can name, and what it must require for that: any of `needs`. */
export interface Known<Thing> {
  readonly thing: Thing
  readonly needs: readonly string[]
}

export interface KnownTag {
  readonly name: string
  readonly group: string
  readonly argument?: ParameterKind
  readonly needs: readonly string[]
  readonly matchType?: MatchType
  readonly addressPart?: AddressPart
  readonly modify?: (text: string) => string
  readonly beside?: string
}

export const commandNames = ['if', 'elsif', 'else', 'require'] as const

export class Registry {
  readonly actions = new Map<string, Known<ActionDeclaration>>()
  readonly tests = new Map<string, Known<TestDeclaration>>()
  readonly comparators = new Map<string, Known<Comparator>>()
  readonly namespaces = new Map<string, Known<string>>()
  readonly #capabilities = new Map<string, Extension>()
  readonly #extensions: readonly Extension[]

  constructor(extensions: readonly Extension[]) {
    this.#extensions = extensions
    for (const extension of extensions) {
      const { capabilities } = extension
      for (const capability of capabilities) {
        assert(!this.#capabilities.has(capability), `the capability ${capability} is declared twice`)
        this.#capabilities.set(capability, extension)
      }
      const needs = capabilities.slice(0, 1)
      for (const one of extension.actions ?? []) add(this.actions, one.name, one, one.needs ?? needs)
      for (const one of extension.tests ?? []) add(this.tests, one.name, one, one.needs ?? needs)
      for (const one of extension.namespaces ?? []) add(this.namespaces, one, one, needs)
      for (const one of extension.comparators ?? []) add(this.comparators, one.name, one, needs)
    }
    for (const name of commandNames) assert(!this.actions.has(name), `${name} is the language's own`)
  }

  get capabilities(): readonly string[] {
    return [...this.#capabilities.keys()]
  }

  extensionOf(capability: string): Extension | undefined {
    return this.#capabilities.get(capability)
  }

  get adjusts(): readonly Adjust[] {
    return this.#extensions.flatMap(({ adjust }) => (adjust === undefined ? [] : [adjust]))
  }

  /** The tags of a command or test: its own, those of its traits, and what extensions add. */
  tagsOf(declared: {
    name: string
    tags?: readonly TagDeclaration[]
    traits?: readonly Trait[]
  }): Map<string, KnownTag> {
    const { name, tags = [], traits = [] } = declared
    const found = new Map<string, KnownTag>()
    const put = (tag: KnownTag): void => void found.set(tag.name, tag)
    for (const tag of tags) put(knownTag(tag, []))
    for (const extension of this.#extensions) {
      const needs = extension.capabilities.slice(0, 1)
      for (const tag of extension.tags ?? [])
        if (tag.on?.some((place) => place === name || (traits as readonly string[]).includes(place)))
          put(knownTag(tag, needs))
      if (traits.includes('matches'))
        for (const matchType of extension.matchTypes ?? []) {
          const argument = matchType.checkArgument === undefined ? {} : { argument: 'constant' as const }
          put({ name: matchType.name, group: 'match type', ...argument, needs, matchType })
        }
      if (traits.includes('addressParts'))
        for (const addressPart of extension.addressParts ?? [])
          put({ name: addressPart.name, group: 'address part', needs, addressPart })
    }
    if (traits.includes('matches')) put({ name: 'comparator', group: 'comparator', argument: 'constant', needs: [] })
    return found
  }
}

function knownTag(declared: TagDeclaration, needs: readonly string[]): KnownTag {
  const { name, group = name, argument, modify, beside } = declared
  const rest = { ...(argument && { argument }), ...(modify && { modify }), ...(beside && { beside }) }
  return { name, group, needs: declared.needs ?? needs, ...rest }
}

function add<Thing>(map: Map<string, Known<Thing>>, name: string, thing: Thing, needs: readonly string[]): void {
  assert(!map.has(name), `${name} is declared twice`)
  map.set(name, { thing, needs })
}
