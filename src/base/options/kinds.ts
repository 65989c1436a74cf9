/**
 * The types of values in the configuration: how each is read from TOML, written back, and described. Those of mail are
 * in `mail/option-kinds.ts`.
 */
import { parseIpNetwork, type IpNetwork } from '../ip-network.ts'

/** What is wrong with a value, as the end of a sentence that starts with the key: 'must be …'. */
export class ValueFault extends Error {
  /** How to fix it, a sentence. */
  readonly hint: string | undefined
  constructor(text: string, hint?: string) {
    super(text)
    this.name = 'ValueFault'
    this.hint = hint
  }
}

export interface Kind<T> {
  /** For the reference: 'a size, as "50MB" or bytes'. */
  readonly words: string
  /** Throws a ValueFault. */
  read(value: unknown): T
  /** The value as TOML; `read` gives it back. */
  format(value: T): string
  /** Values of earlier versions and their new names: accepted, with a warning. */
  readonly renamed?: ReadonlyMap<unknown, T>
}

/** A string as TOML writes it. */
export function quote(text: string): string {
  return JSON.stringify(text)
}

/** Numbers with a unit; written with the largest unit that divides them. */
function scaled(
  words: string,
  example: string,
  units: Readonly<Record<string, number>>,
  unitless: string,
): Kind<number> {
  const byName = new Map(Object.entries(units).map(([name, factor]) => [name.toLowerCase(), factor]))
  const largestFirst = Object.entries(units).sort(([, a], [, b]) => b - a)
  return {
    words,
    read(value) {
      if (typeof value === 'number' || typeof value === 'bigint') return wholeNumber(value)
      const match = typeof value === 'string' ? /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(value) : null
      const factor = match && (match[2] === '' ? 1 : byName.get(match[2]!.toLowerCase()))
      if (!match || !factor) {
        throw new ValueFault(
          `must be ${words}`,
          `Write it like ${example}; units: ${Object.keys(units).join(', ')}, and a plain number counts ${unitless}.`,
        )
      }
      return wholeNumber(Math.round(Number(match[1]) * factor))
    },
    format(value) {
      const fits = largestFirst.find(([, factor]) => value >= factor && value % factor === 0)
      return fits && value > 0 ? quote(`${value / fits[1]}${fits[0]}`) : String(value)
    },
  }
}

function wholeNumber(value: unknown): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 0) {
    throw new ValueFault('must be a whole number, 0 or more')
  }
  return number
}

export const size = scaled(
  'a size: bytes, or a number with KB, MB, GB or TB (powers of 1024)',
  '"50MB"',
  { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 },
  'bytes',
)

/** setTimeout counts in 31 bits; nothing here waits longer. */
const durationMax = 0x7fff_ffff

const anyDuration = scaled(
  'a time: milliseconds, or a number with ms, s, m, h or d',
  '"30s"',
  { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 },
  'milliseconds',
)

export const duration: Kind<number> = {
  ...anyDuration,
  read(value) {
    const ms = anyDuration.read(value)
    if (ms > durationMax) throw new ValueFault('must be at most 24 days')
    return ms
  },
}

/** A duration that is only compared, so that it may be longer. */
export const span: Kind<number> = anyDuration

export function count(min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  const words =
    max === Number.MAX_SAFE_INTEGER ? `a whole number, ${min} or more` : `a whole number from ${min} to ${max}`
  return {
    words,
    read(value) {
      const number = wholeNumber(value)
      if (number < min || number > max) throw new ValueFault(`must be ${words}`)
      return number
    },
    format: String,
  }
}

export const flag: Kind<boolean> = {
  words: 'true or false',
  read(value) {
    if (typeof value !== 'boolean') throw new ValueFault('must be true or false, without quotes')
    return value
  },
  format: String,
}

export const text: Kind<string> = {
  words: 'a string',
  read(value) {
    if (typeof value !== 'string') throw new ValueFault('must be a string in quotes')
    return value
  },
  format: quote,
}

/** A path, relative to the folder of the configuration file. */
export const path: Kind<string> = {
  words: "a path, relative to this file's folder",
  read(value) {
    const name = text.read(value)
    if (name === '') throw new ValueFault('must not be empty')
    return name
  },
  format: quote,
}

export function choice<const Names extends readonly string[]>(...names: Names): Kind<Names[number]> {
  const words = `one of ${names.map(quote).join(', ')}`
  return {
    words,
    read(value) {
      if (!names.includes(value as string)) throw new ValueFault(`must be ${words}`)
      return value as Names[number]
    },
    format: quote,
  }
}

/** A choice whose values have old names too: `renamed(choice('none'), { never: 'none' })`. */
export function renamed<const T extends string>(kind: Kind<T>, words: Readonly<Record<string, NoInfer<T>>>): Kind<T> {
  return { ...kind, renamed: new Map<unknown, T>(Object.entries(words)) }
}

/** A network, or a single address. */
export const ipNetwork: Kind<IpNetwork & { readonly text: string }> = {
  words: 'a network, as "10.0.0.0/8" or "fd00::/8", or an address',
  read(value) {
    const given = text.read(value)
    const network = parseIpNetwork(given)
    if (!network) throw new ValueFault('must be a network, as "10.0.0.0/8" or "fd00::/8", or an address')
    return { ...network, text: given }
  },
  format: (network) => quote(network.text),
}

/** A longer list is a mistake, or an attack on the parser. */
export const listMax = 10_000

export function list<T>(item: Kind<T>, min = 0): Kind<readonly T[]> {
  return {
    words: `a list, each ${item.words}`,
    read(value) {
      if (!Array.isArray(value))
        throw new ValueFault('must be a list in [ ]', `Write [${sampleOf(value)}] where it is only one.`)
      if (value.length < min) throw new ValueFault(`must have at least ${min} ${min === 1 ? 'entry' : 'entries'}`)
      if (value.length > listMax) throw new ValueFault(`must have at most ${listMax} entries`)
      return value.map((entry, at) => {
        try {
          return item.read(entry)
        } catch (error) {
          if (error instanceof ValueFault) throw new ValueFault(`(entry ${at + 1}) ${error.message}`, error.hint)
          throw error
        }
      })
    },
    format: (values) => `[${values.map((value) => item.format(value)).join(', ')}]`,
  }
}

function sampleOf(value: unknown): string {
  return typeof value === 'string' ? quote(value) : typeof value === 'number' ? String(value) : '"…"'
}
