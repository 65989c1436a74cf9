/** Reads one table of the configuration against its options, and collects what is wrong with it: the first half of `read.ts`. */
import { isAbsolute, join, resolve } from 'node:path'
import type { IpNetwork } from '../base/ip-network.ts'
import { nearest } from '../base/suggest.ts'
import type { ConfigFault } from './fault.ts'
import { ValueFault } from '../base/options/kinds.ts'
import { childPath, type KeyPath, type Lines } from './lines.ts'
import type { OptionTable, ValuesOf } from '../base/options/option.ts'
import { sections } from './options.ts'

export type Table = Readonly<Record<string, unknown>>

export interface Source {
  /** undefined: there is no file, only defaults. */
  readonly file: string | undefined
  readonly lines: Lines | undefined
  /** What relative paths are relative to; absolute. */
  readonly folder: string
}

export class SectionReader {
  readonly #source: Source
  readonly #faults: ConfigFault[]
  readonly #warnings: ConfigFault[] = []

  constructor(source: Source, faults: ConfigFault[]) {
    this.#source = source
    this.#faults = faults
  }

  /** Names of earlier versions that the file has, in its order. */
  get warnings(): readonly ConfigFault[] {
    return this.#warnings.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0))
  }

  /** The line of a key in the file, for sentences that name it. */
  lineOf(key: KeyPath): number | undefined {
    return this.#source.lines?.of(key)
  }

  /** Notes what is wrong at a key: see ConfigFault. */
  fault(key: KeyPath, text: string, hint?: string): void {
    const { file, lines } = this.#source
    this.#faults.push({ file, line: lines?.of(key), key, text, hint })
  }

  #warn(key: KeyPath, text: string, hint: string): void {
    const { file, lines } = this.#source
    this.#warnings.push({ file, line: lines?.of(key), key, text, hint })
  }

  /** The table with the names of today. Of an old and a new name of one thing, the new one counts, and the old one is a fault. */
  #current(table: Table, path: KeyPath): Table {
    const names = formerNames(path.replace(/\[\d+\]/g, ''))
    if (!Object.keys(table).some((key) => names.has(key))) return table
    const current: Record<string, unknown> = { ...table }
    for (const [old, name] of names) {
      if (table[old] === undefined) continue
      const at = childPath(path, old)
      const text = `"${old}" is the old name of "${name}"`
      if (table[name] !== undefined) this.fault(at, `${text}, and both are set`, 'Keep the new one.')
      else this.#warn(at, text, 'Rename it: a later version will not know the old one.')
      current[name] ??= table[old]
      delete current[old]
    }
    return current
  }

  /** @returns an absolute path; relative ones begin at the file's folder. */
  path(name: string): string {
    return isAbsolute(name) ? name : resolve(join(this.#source.folder, name))
  }

  /** The whole file, with the names of today. */
  root(table: Table): Table {
    return this.#current(table, '')
  }

  /** The table of that name, empty where there is none. */
  table(parent: Table, name: string, path: KeyPath = name): Table {
    const value = parent[name]
    if (value === undefined) return {}
    if (isTable(value)) return this.#current(value, path)
    this.fault(
      path,
      `${path} must be a table`,
      Array.isArray(value)
        ? `Write [${path}], with one pair of brackets.`
        : `Write [${path}] on a line of its own, and its keys below.`,
    )
    return {}
  }

  /** The tables of a repeated section, `[[name]]`. */
  tables(parent: Table, name: string, path: KeyPath = name): readonly Table[] {
    const value = parent[name]
    if (value === undefined) return []
    if (Array.isArray(value) && value.every(isTable))
      return value.map((table, at) => this.#current(table, `${path}[${at}]`))
    this.fault(
      path,
      `${path} must be a list of tables`,
      `Write [[${path}]], with two pairs of brackets, for each of them.`,
    )
    return []
  }

  /** The values of a table, defaults where nothing is said; unknown keys and bad values are faults. */
  section<Options extends OptionTable>(table: Table, path: KeyPath, known: Options): ValuesOf<Options> {
    // Tables below this one: `[tls]` knows `certificate`, the top knows them all.
    const below = sections
      .map(({ name }) => name)
      .filter((name) => (path === '' ? name !== '' && !name.includes('.') : name.startsWith(`${path}.`)))
    const tables = new Set(path === '' ? below : below.map((name) => name.slice(path.length + 1)))
    for (const key of Object.keys(table))
      if (!Object.hasOwn(known, key) && !tables.has(key)) this.#unknown(key, path, [...Object.keys(known), ...tables])
    const values: Record<string, unknown> = {}
    for (const [key, option] of Object.entries(known)) {
      values[key] = option.default
      if (table[key] === undefined) continue
      try {
        const current = option.kind.renamed?.get(table[key])
        if (current !== undefined)
          this.#warn(
            childPath(path, key),
            `${childPath(path, key)}: "${String(table[key])}" is the old name of "${String(current)}"`,
            'Rename it: a later version will not know the old one.',
          )
        values[key] = option.kind.read(current ?? table[key])
      } catch (error) {
        if (!(error instanceof ValueFault)) throw error
        const near = typeof table[key] === 'string' ? nearest(table[key], choicesOf(option.kind.words)) : undefined
        this.fault(
          childPath(path, key),
          `${childPath(path, key)} ${error.message}`,
          near === undefined ? error.hint : `Did you mean "${near}"?`,
        )
      }
    }
    return values as ValuesOf<Options>
  }

  #unknown(key: string, path: KeyPath, known: readonly string[]): void {
    const where = path === '' ? 'the configuration' : `[${path.replace(/\[\d+\]/g, '')}]`
    const near = nearest(key, known)
    if (near !== undefined)
      return this.fault(childPath(path, key), `Unknown key "${key}" in ${where}`, `Did you mean "${near}"?`)
    const home = sections.find(({ options }) => Object.hasOwn(options, key))
    const hint =
      home && home.name !== path
        ? `"${key}" belongs ${home.name === '' ? 'to the top, before the first [table]' : `in ${home.repeated ? `[[${home.name}]]` : `[${home.name}]`}`}.`
        : `Known keys: ${known.join(', ')}.`
    this.fault(childPath(path, key), `Unknown key "${key}" in ${where}`, hint)
  }

  /** Networks that are trusted; one that is a large part of the internet is a fault. */
  narrow(
    key: KeyPath,
    networks: readonly (IpNetwork & { readonly text: string })[],
    harm: string,
  ): readonly IpNetwork[] {
    for (const { prefixBits, text } of networks) {
      if (prefixBits < 8)
        this.fault(
          key,
          `${text} is a large part of the internet, and every host in it could ${harm}`,
          'Name only networks of your own.',
        )
    }
    return networks
  }
}

/** Old names of keys and tables in a table, and what they are called now. */
function formerNames(path: KeyPath): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  const options = sections.find(({ name }) => name === path)?.options ?? {}
  for (const [key, { formerly = [] }] of Object.entries(options)) for (const old of formerly) names.set(old, key)
  const above = path === '' ? '' : `${path}.`
  for (const { name, formerly = [] } of sections)
    if (name.startsWith(above) && !name.slice(above.length).includes('.'))
      for (const old of formerly) names.set(old, name.slice(above.length))
  return names
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

/** The quoted words of a choice. */
function choicesOf(words: string): string[] {
  return words.startsWith('one of ') ? [...words.matchAll(/"([^"]+)"/g)].map((match) => match[1]!) : []
}
