/**
 * How a test, an action or an extension is declared: its grammar, what it requires, and what it does. One file holds all of one;
 * `core/` has those of RFC 5228 itself, `extensions/` the others.
 */
import type { Comparator } from './comparator.ts'
import type { Match, MatchType } from './match.ts'
import type { Asking } from './question.ts'
import type { Adjust, ActionTags, Run } from './run.ts'
import type { Text, Texts } from './text.ts'
import type { ViewedAddress } from './header-view.ts'

/** What a command says to the block that it stands in. */
export type Signal = 'stop' | 'return' | undefined

export type TestRun = (run: Run) => boolean | Asking<boolean>
export type ActionRun = (run: Run) => Signal | void | Asking<Signal | void>

/**
 * Kinds of arguments. A text may hold variables, a constant may not; a text is taken as a list of one where a list is wanted.
 * With a question mark: may be left out.
 */
export type ParameterKind = 'text' | 'texts' | 'number' | 'constant' | 'constants'
export type Parameters = Readonly<Record<string, ParameterKind | `${ParameterKind}?`>>

interface Kinds {
  readonly text: Text
  readonly texts: Texts
  readonly number: number
  readonly constant: string
  readonly constants: readonly string[]
}

export type ArgumentValue = Kinds[ParameterKind]

export type Values<P extends Parameters> = {
  readonly [Name in keyof P]: P[Name] extends ParameterKind
    ? Kinds[P[Name]]
    : P[Name] extends `${infer K extends ParameterKind}?`
      ? Kinds[K] | undefined
      : never
}

/** The tags that were given. */
export interface GivenTags extends ActionTags {
  number(name: string): number | undefined
  constant(name: string): string | undefined
  constants(name: string): readonly string[] | undefined
  /** The modifiers that were given, in the order in which they are applied. */
  modifiers(): readonly ((text: string) => string)[]
  /** The tag of that group. */
  inGroup(group: string): string | undefined
}

export interface TagDeclaration {
  /** Without its colon. */
  readonly name: string
  readonly argument?: ParameterKind
  /** One tag of a group may be given. Alone in its group by default. */
  readonly group?: string
  /** Commands, tests and traits that have the tag: for tags that extensions add. */
  readonly on?: readonly string[]
  /** What must be required for it, if that is not the extension's first capability. */
  readonly needs?: readonly string[]
  /** It stands beside this tag only. */
  readonly beside?: string
  /** Of a modifier of `set`: what it makes of the value. Those of a higher group come first. RFC 5229 §4.1. */
  readonly modify?: (text: string) => string
}

/** `matches`: match types and comparators; `addressParts`: `:all`, `:localpart` and others. RFC 5228 §2.7. */
export type Trait = 'matches' | 'addressParts'

/** Which part of an address is looked at. undefined: it has no such part, and nothing matches. */
export interface AddressPart {
  readonly name: string
  of(address: ViewedAddress): string | undefined
}

/** What a declaration is given while a script is compiled. */
export interface Compiling<P extends Parameters> {
  readonly line: number
  readonly values: Values<P>
  readonly tags: GivenTags
  /** With the trait `matches`. */
  readonly match: Match
  /** With the trait `addressParts`. */
  readonly addressPart: AddressPart
  readonly tests: readonly TestRun[]
  /** Notes what is wrong, at an argument or at the command itself. */
  fault(problem: string, hint?: string, argument?: keyof P & string): void
  /** Whether the script may use it. */
  requires(capability: string): boolean
  /** Whether the engine has it, and `ihave` may find it. RFC 5463 §4. */
  isAvailable(capability: string): boolean
  /** From here on the script may use these, if they are found when it runs. RFC 5463 §4. */
  mayFind(capabilities: readonly string[]): void
}

interface Declaration<P extends Parameters> {
  readonly name: string
  /** Any of these must be required; the extension's first by default. */
  readonly needs?: readonly string[]
  readonly parameters: P
  readonly tags?: readonly TagDeclaration[]
  readonly traits?: readonly Trait[]
}

export interface TestDeclaration<P extends Parameters = Parameters> extends Declaration<P> {
  /** Tests that it holds. */
  readonly tests?: 'one' | 'list'
  compile(compiling: Compiling<P>): TestRun
}

export interface ActionDeclaration<P extends Parameters = Parameters> extends Declaration<P> {
  compile(compiling: Compiling<P>): ActionRun
}

export function test<const P extends Parameters>(declaration: TestDeclaration<P>): TestDeclaration {
  return declaration as unknown as TestDeclaration
}

export function action<const P extends Parameters>(declaration: ActionDeclaration<P>): ActionDeclaration {
  return declaration as unknown as ActionDeclaration
}

export interface Extension {
  /** What `require` names; none for what every script has. */
  readonly capabilities: readonly string[]
  readonly actions?: readonly ActionDeclaration[]
  readonly tests?: readonly TestDeclaration[]
  readonly tags?: readonly TagDeclaration[]
  readonly comparators?: readonly Comparator[]
  readonly matchTypes?: readonly MatchType[]
  readonly addressParts?: readonly AddressPart[]
  /** Namespaces of variables. RFC 5229 §3. */
  readonly namespaces?: readonly string[]
  readonly adjust?: Adjust
  /** It changes how the script itself is read: `ihave` does not find it. RFC 5463 §4. */
  readonly changesReading?: true
  /** Others that are required along with it. */
  readonly includes?: readonly string[]
}
