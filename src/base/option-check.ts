/** Checks options of public functions against a table of names and types; a fault is told in one sentence. */
import { nearest } from './suggest.ts'

/** Kinds of values, in the words of `kindWords`. */
type Kind = keyof typeof kindWords

/**
 * - `'string'`, `'string|bytes'`: kinds of which the value has one; with `!` behind it, the option must be there.
 * - `['a', 'b']`: one of these words.
 * - a function: looks at the value itself, and throws; `where` names the option.
 */
export type OptionRule = Kinds | `${Kinds}!` | readonly string[] | ((where: string, value: unknown) => void)
type Kinds = Kind | `${Kind}|${Kind}` | `${Kind}|${Kind}|${Kind}` | `${Kind}|${Kind}|${Kind}|${Kind}`

/** Names of every member of a union. */
type KeyOf<T> = T extends unknown ? keyof T : never

/** A rule for each option that `T` has: one that is added to the type must be added to the table. */
export type OptionTable<T> = Readonly<Record<KeyOf<T> & string, OptionRule>>

/** Names of the same options in other libraries, and what to write here. */
export type OtherNames = Readonly<Record<string, string>>

const kindWords = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  function: 'a function',
  object: 'an object',
  list: 'an array',
  bytes: 'bytes (Uint8Array)',
  stream: 'a stream (AsyncIterable)',
  null: 'null',
} as const

function hasKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'list':
      return Array.isArray(value)
    case 'bytes':
      return value instanceof Uint8Array
    case 'stream':
      return isObject(value) && Symbol.asyncIterator in value
    case 'null':
      return value === null
    case 'number':
      return typeof value === 'number' && !Number.isNaN(value)
    case 'object':
      return isObject(value) && !Array.isArray(value)
    default:
      return typeof value === kind
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/**
 * Throws a TypeError of one sentence for a value of another kind, an option that is missing, or a name that no option has.
 * What is undefined counts as not given. An instance of a class may have further fields.
 * @param where the function or the option that was given `options`: the sentence begins with it.
 */
export function checkOptions<T>(
  where: string,
  options: unknown,
  table: OptionTable<T>,
  otherNames: OtherNames = {},
): void {
  if (!hasKind(options, 'object')) throw new TypeError(`${where} takes an object, not ${shown(options)}`)
  const given = options as Readonly<Record<string, unknown>>
  const rules = table as Readonly<Record<string, OptionRule>>
  if (isPlain(options as object))
    for (const name of Object.keys(given))
      if (!Object.hasOwn(rules, name) && given[name] !== undefined)
        throw new TypeError(`${where}: unknown option ${name}${advice(name, Object.keys(rules), otherNames)}`)
  for (const [name, rule] of Object.entries(rules)) checkValue(`${where}: ${name}`, given[name], rule)
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function advice(name: string, known: readonly string[], otherNames: OtherNames): string {
  if (Object.hasOwn(otherNames, name)) return `: ${otherNames[name]}`
  const near = nearest(name, known)
  return near === undefined ? '' : `: did you mean ${near}?`
}

/** Throws a TypeError where `value` is not what `rule` says. */
export function checkValue(where: string, value: unknown, rule: OptionRule): void {
  if (typeof rule === 'function') {
    if (value !== undefined) rule(where, value)
    return
  }
  const needed = typeof rule === 'string' && rule.endsWith('!')
  const words = typeof rule === 'string' ? kindsText(rule) : rule.map((word) => JSON.stringify(word)).join(', ')
  if (value === undefined) {
    if (needed) throw new TypeError(`${where} is missing: ${words}`)
    return
  }
  const fits =
    typeof rule === 'string' ? kindsOf(rule).some((kind) => hasKind(value, kind)) : rule.includes(value as string)
  if (fits) return
  if (typeof rule === 'string') throw new TypeError(`${where} must be ${words}, not ${shown(value)}`)
  const word = typeof value === 'string' && value.length <= wordLengthMax ? JSON.stringify(value) : shown(value)
  throw new TypeError(`${where} must be one of ${words}, not ${word}`)
}

function kindsOf(rule: string): Kind[] {
  return rule.replace('!', '').split('|') as Kind[]
}

function kindsText(rule: string): string {
  const words = kindsOf(rule).map((kind) => kindWords[kind])
  return words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

/** A rule for one value or a list of them. */
export function oneOrMore(rule: (where: string, value: unknown) => void) {
  return (where: string, value: unknown): void => {
    if (Array.isArray(value)) value.forEach((one, at) => rule(`${where}[${at}]`, one))
    else rule(where, value)
  }
}

/** A rule for options within an option. */
export function optionsOf<T>(table: OptionTable<T>, otherNames?: OtherNames) {
  return (where: string, value: unknown): void => checkOptions(where, value, table, otherNames)
}

/** A wrong word is shown where one of some words is wanted, if it can be one. */
const wordLengthMax = 30

/** By its type only: text may be a password. */
function shown(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return kindWords.list
  if (typeof value === 'function') return kindWords.function
  if (typeof value === 'object') {
    const name = (value.constructor as { name?: string } | undefined)?.name
    return name === undefined || name === 'Object' ? kindWords.object : `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`
  }
  if (typeof value === 'string') return /^\d{1,10}$/.test(value) ? `the text "${value}"` : 'text'
  return String(value)
}
