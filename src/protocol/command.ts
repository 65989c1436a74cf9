/** What a verb is, in every protocol whose clients give commands: a row of its `commands.ts`. */
import { assert } from '../base/assert.ts'

/** The types in which the commands of one protocol differ from those of another. */
export interface CommandTypes {
  /** What a verb sees of its session, and changes. */
  readonly context: unknown
  /** The states of a session, by the RFC's names. */
  readonly state: string
  /** What stands behind the verb's name. */
  readonly line: unknown
  /** What is announced because the verb is there. */
  readonly capability: unknown
  readonly answer: unknown
  /** What only this protocol has to say of a verb. */
  readonly own: object
}

/** One verb. A table forgets what `Parsed` is: each row's grammar feeds only its own run. */
export type Command<Types extends CommandTypes, Parsed = unknown> = Types['own'] & {
  /** In capitals. */
  readonly name: string
  /** Where it may be given. */
  readonly states: readonly Types['state'][]
  /** EHLO, CAPABILITY and CAPA are derived from it for the present state and configuration. */
  readonly capability?: Types['capability']
  /**
   * Reads what stands behind the name, and changes nothing. Throws the protocol's fault of syntax. Some arguments can only be read in their
   * context: a message number, a parameter that belongs to an extension. Without it, what stands there is not looked at by the verb.
   */
  grammar?(line: Types['line'], context: Types['context']): Parsed
  /** Does the work. */
  run(context: Types['context'], parsed: Parsed): Types['answer']
}

/** @returns `command()` of one protocol, which finds out what a row's grammar gives its run. */
export function commandOf<Types extends CommandTypes>(): <Parsed>(row: Command<Types, Parsed>) => Command<Types> {
  return (row) => row
}

/** Verbs by their names, in the order of the RFC. A session is handed one: no verb needs the file that names them all. */
export type CommandTable<Row> = ReadonlyMap<string, Row>

export function commandTable<Row extends { readonly name: string }>(rows: readonly Row[]): CommandTable<Row> {
  const table = new Map(rows.map((row) => [row.name, row]))
  assert(table.size === rows.length, 'two commands have one name')
  return table
}
