/**
 * What an option of the configuration is: its kind, its default, and why it is so. A room declares a table of those that
 * it obeys.
 */
import type { Kind } from './kinds.ts'

export interface Option<T, Default extends T | undefined = T | undefined> {
  readonly kind: Kind<T>
  /** undefined: nothing unless it is said. */
  readonly default: Default
  /** What it does, and the reason for its default. */
  readonly why: string
  /** Shown in the sample where there is no default. */
  readonly example?: T
  /** Names that the key had in earlier versions: understood, with a warning. */
  readonly formerly?: readonly string[]
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>

export function option<T, const Default extends T | undefined>(
  kind: Kind<T>,
  fallback: Default,
  why: string,
  example?: T,
): Option<T, Default> {
  return { kind, default: fallback, why, example }
}

/** An option whose key has a new name. `formerly('rest', backOffMs)` still understands `rest`. */
export function formerly<T extends Option<unknown>>(name: string, declared: T): T {
  return { ...declared, formerly: [...(declared.formerly ?? []), name] }
}

export type ValuesOf<Table> = {
  readonly [K in keyof Table]: Table[K] extends Option<infer T, infer Default>
    ? undefined extends Default
      ? T | undefined
      : T
    : never
}

/** The options of a room: `table({ hopsMax: option(count(1, 1000), 100, 'Maximum number of …') })`. */
export function table<Table extends OptionTable>(options: Table): Table {
  return options
}

/** What holds where nothing is said. */
export function defaultsOf<Table extends OptionTable>(options: Table): ValuesOf<Table> {
  return Object.fromEntries(
    Object.entries(options).map(([key, declared]) => [key, declared.default]),
  ) as ValuesOf<Table>
}
