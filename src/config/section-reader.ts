/** Reads one table of the configuration against its options, and collects what is wrong with it: the first half of `read.ts`. */
import { isAbsolute, join, resolve } from 'node:path'
import type { IpNetwork } from '../base/ip-network.ts'
import { nearest } from '../base/suggest.ts'
import type { ConfigFault } from './fault.ts'
import { ValueFault } from './kinds.ts'
import { childPath, type KeyPath, type Lines } from './lines.ts'
import type { Option, OptionTable, ValuesOf } from './option.ts'
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

  constructor(source: Source, faults: ConfigFault[]) {
    this.#source = source
    this.#faults = faults
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

  /** @returns an absolute path; relative ones begin at the file's folder. */
  path(name: string): string {
    return isAbsolute(name) ? name : resolve(join(this.#source.folder, name))
  }

  /** The table of that name, empty where there is none. */
  table(parent: Table, name: string, path: KeyPath = name): Table {
    const value = parent[name]
    if (value === undefined) return {}
    if (isTable(value)) return value
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
    if (Array.isArray(value) && value.every(isTable)) return value
    this.fault(
      path,
      `${path} must be a list of tables`,
      `Write [[${path}]], with two pairs of brackets, for each of them.`,
    )
    return []
  }

  /** The values of a table, defaults where nothing is said; unknown keys and bad values are faults. */
  section<const Options extends Readonly<Record<string, unknown>>>(
    table: Table,
    path: KeyPath,
    options: Options,
  ): ValuesOf<Options> {
    const known = options as unknown as OptionTable
    // Tables below this one: `[tls]` knows `certificate`, the top knows them all.
    const below = sections
      .map(({ name }) => name)
      .filter((name) => (path === '' ? name !== '' && !name.includes('.') : name.startsWith(`${path}.`)))
    const tables = new Set(path === '' ? below : below.map((name) => name.slice(path.length + 1)))
    for (const key of Object.keys(table))
      if (!(key in known) && !tables.has(key)) this.#unknown(key, path, [...Object.keys(known), ...tables])
    const values: Record<string, unknown> = {}
    for (const [key, option] of Object.entries(known) as [string, Option<unknown>][]) {
      values[key] = option.default
      if (table[key] === undefined) continue
      try {
        values[key] = option.kind.read(table[key])
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
    const home = sections.find(({ options }) => key in options)
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

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}

/** The quoted words of a choice. */
function choicesOf(words: string): string[] {
  return words.startsWith('one of ') ? [...words.matchAll(/"([^"]+)"/g)].map((match) => match[1]!) : []
}
