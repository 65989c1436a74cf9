/** How a control command is declared: the arguments it takes, by kind, and what it does. */
import type { Clock } from '../base/clock.ts'
import type { Store } from '../store/store.ts'
import type { Sessions } from '../access/sessions.ts'

/** What the commands work on. */
export interface ControlTools {
  readonly store: Store
  readonly clock: Clock
  /** Who is signed in; absent where no server runs. */
  readonly sessions?: Sessions
  /** Writes what the journey holds back, so that `trace` sees it. */
  readonly flushTrace?: () => Promise<void>
  /** The certificate (DER) that a client is shown which asks for this name; absent where nothing listens. */
  /** What is counted of an account begins anew; absent where no server runs. */
  readonly forgetWatched?: (account: number) => void
  readonly certificateShown?: (name: string) => Uint8Array | undefined
}

/** A trailing `?`: may be absent. */
export type ArgumentKind = 'text' | 'text?' | 'count' | 'count?' | 'flag?' | 'texts' | 'counts'

interface Kinds {
  text: string
  'text?': string | undefined
  count: number
  'count?': number | undefined
  'flag?': boolean | undefined
  texts: readonly string[]
  counts: readonly number[]
}

export type Arguments = Readonly<Record<string, ArgumentKind>>
type OptionalKey<Declared extends Arguments> = {
  [K in keyof Declared]: Declared[K] extends `${string}?` ? K : never
}[keyof Declared]

export type Values<Declared extends Arguments> = {
  readonly [K in Exclude<keyof Declared, OptionalKey<Declared>>]: Kinds[Declared[K]]
} & { readonly [K in OptionalKey<Declared>]?: Kinds[Declared[K]] }

export interface Command<Given, Answer> {
  readonly arguments: Arguments
  run(tools: ControlTools, args: Given): Answer | Promise<Answer>
}

export function command<const Declared extends Arguments, Answer>(
  declared: Declared,
  run: (tools: ControlTools, args: Values<Declared>) => Answer | Promise<Answer>,
): Command<Values<Declared>, Answer> {
  return { arguments: declared, run }
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

/** A line of a request holds no more than this anyway. */
const listMax = 1000

/** @returns what is wrong with them, undefined where nothing is. */
export function argumentFault(declared: Arguments, given: unknown): string | undefined {
  if (typeof given !== 'object' || given === null) return 'arguments are an object'
  for (const name of Object.keys(given)) if (!Object.hasOwn(declared, name)) return `there is no argument ${name}`
  for (const [name, kind] of Object.entries(declared)) {
    const value = (given as Record<string, unknown>)[name]
    if (value === undefined && kind.endsWith('?')) continue
    if (!fits(kind, value)) return `${name} must be a ${kind.replace('?', '')}`
  }
  return undefined
}

function fits(kind: ArgumentKind, value: unknown): boolean {
  switch (kind) {
    case 'text':
    case 'text?':
      return isText(value)
    case 'count':
    case 'count?':
      return isCount(value)
    case 'flag?':
      return typeof value === 'boolean'
    case 'texts':
      return Array.isArray(value) && value.length <= listMax && value.every(isText)
    case 'counts':
      return Array.isArray(value) && value.length <= listMax && value.every(isCount)
  }
}

/** A piece of a list. `next` is what the following piece is asked with; undefined at the end. */
export interface Page<Row, Key> {
  readonly rows: readonly Row[]
  readonly next?: Key
}

/** Rows that are read for a page, and how long it may be as JSON: an answer is one line, held in memory at both ends. */
export const pageRowsMax = 200
const pageBytesMax = 256 * 1024

/** Cuts what was read to a page. `read` holds up to `pageRowsMax` rows; fewer mean the end. */
export function pageOf<Row, Key>(read: readonly Row[], key: (row: Row) => Key): Page<Row, Key> {
  let bytes = 0
  let taken = 0
  while (taken < read.length && (taken === 0 || bytes < pageBytesMax)) bytes += JSON.stringify(read[taken++]).length
  const rows = read.slice(0, taken)
  return taken < read.length || read.length === pageRowsMax ? { rows, next: key(rows[taken - 1]!) } : { rows }
}
