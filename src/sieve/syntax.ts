/** The tree of a script as its grammar has it, before names are looked up. RFC 5228 §8.2. `at` is the place in the text. */

export interface StringNode {
  readonly at: number
  readonly text: string
}

export type ArgumentNode =
  | { readonly kind: 'string'; readonly at: number; readonly text: string }
  | { readonly kind: 'strings'; readonly at: number; readonly items: readonly StringNode[] }
  | { readonly kind: 'number'; readonly at: number; readonly value: number }
  | { readonly kind: 'tag'; readonly at: number; readonly name: string }

export interface TestNode {
  readonly at: number
  /** Lower case. */
  readonly name: string
  readonly arguments: readonly ArgumentNode[]
  /** `not` has one, `allof` a list. */
  readonly tests: readonly TestNode[]
  /** The tests stand in parentheses. */
  readonly listed: boolean
}

export interface CommandNode extends TestNode {
  readonly block?: readonly CommandNode[]
}
