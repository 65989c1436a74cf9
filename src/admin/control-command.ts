/** Declares control commands: the arguments by kind, and the function to run. */
import type { AccountId } from '../mail/ids.ts'
import type { Clock } from '../base/clock.ts'
import type { Store } from '../store/store.ts'
import type { Sessions } from '../access/sessions.ts'

/** The tools of commands. */
export interface ControlTools {
  readonly store: Store
  readonly clock: Clock
  /** Signed-in sessions; absent without a running server. */
  readonly sessions?: Sessions
  /** Writes buffered trace lines, so that `trace` shows them. */
  readonly flushTrace?: () => Promise<void>
  /** Restarts the counts of an account from zero; absent without a running server. */
  readonly forgetWatched?: (account: AccountId) => void
  /** The certificate (DER) in use for a name; absent without a running server. */
  readonly certificateShown?: (name: string) => Uint8Array | undefined
}

/** With a trailing `?`: optional. */
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

/** Longest list; a request line holds no more anyway. */
const listMax = 1000

/** @returns the problem, or undefined. */
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

/** A page of a list. `next` is the argument for the next page; undefined at the end. */
export interface Page<Row, Key> {
  readonly rows: readonly Row[]
  readonly next?: Key
}

/** Rows read for a page, and its size limit as JSON: an answer is one line, held in memory on both sides. */
export const pageRowsMax = 200
const pageBytesMax = 256 * 1024

/** Cuts rows to a page. `read` holds up to `pageRowsMax` rows; fewer mean the end. */
export function pageOf<Row, Key>(read: readonly Row[], key: (row: Row) => Key): Page<Row, Key> {
  let bytes = 0
  let taken = 0
  while (taken < read.length && (taken === 0 || bytes < pageBytesMax)) bytes += JSON.stringify(read[taken++]).length
  const rows = read.slice(0, taken)
  return taken < read.length || read.length === pageRowsMax ? { rows, next: key(rows[taken - 1]!) } : { rows }
}
