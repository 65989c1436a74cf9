/** Reads a script into the tree of its grammar. RFC 5228 §8.2. Goes on behind a fault, so that several are told at a time. */
import type { Faults } from './fault.ts'
import { Lexer, type Token } from './lexer.ts'
import type { SieveLimits } from './limits.ts'
import type { ArgumentNode, CommandNode, StringNode, TestNode } from './syntax.ts'

/** Reads all commands. Never throws: what could not be read is in `faults`, and left out. */
export function parseScript(text: string, faults: Faults, limits: SieveLimits): CommandNode[] {
  if (text.length > limits.scriptLengthMax) {
    faults.add(0, `the script is longer than ${limits.scriptLengthMax} characters`)
    return []
  }
  return new ScriptParser(text, faults, limits).script()
}

/** Ends the reading of one command. It never leaves this file. */
class Unreadable extends Error {}

class ScriptParser {
  readonly #lexer: Lexer
  readonly #faults: Faults
  readonly #limits: SieveLimits
  #token: Token
  #depth = 0

  constructor(text: string, faults: Faults, limits: SieveLimits) {
    this.#lexer = new Lexer(text, faults, limits)
    this.#faults = faults
    this.#limits = limits
    this.#token = this.#lexer.next()
  }

  /** `start = commands` */
  script(): CommandNode[] {
    const commands: CommandNode[] = []
    for (;;) {
      for (const command of this.#commands()) commands.push(command)
      if (this.#token.kind === 'end' || this.#faults.isFull) return commands
      this.#faults.add(this.#token.at, 'this } closes no block')
      this.#advance()
    }
  }

  /** Up to a `}` or the end. */
  #commands(): CommandNode[] {
    const commands: CommandNode[] = []
    const depth = this.#depth
    while (this.#token.kind !== 'end' && !this.#isMark('}') && !this.#faults.isFull) {
      try {
        commands.push(this.#command())
      } catch (error) {
        if (!(error instanceof Unreadable)) throw error
        this.#depth = depth
        this.#recover()
      }
    }
    return commands
  }

  /** `command = identifier arguments (";" / block)` */
  #command(): CommandNode {
    const start = this.#token
    if (start.kind !== 'identifier') {
      if (this.#isMark(';')) this.#fail('a semicolon without a command before it')
      this.#fail(`a command must begin here, not ${said(start)}`)
    }
    this.#advance()
    const parts = { at: start.at, name: start.text, ...this.#arguments() }
    if (this.#isMark(';')) {
      this.#advance()
      return parts
    }
    if (!this.#isMark('{')) {
      const isEnd = this.#token.kind === 'end' || this.#isMark('}') || this.#token.kind === 'identifier'
      this.#fail(
        `${said(this.#token)} cannot follow here`,
        isEnd ? `a semicolon is missing behind "${start.text}"` : undefined,
      )
    }
    return { ...parts, block: this.#block() }
  }

  /** `block = "{" commands "}"` */
  #block(): CommandNode[] {
    const open = this.#token
    this.#enter(open)
    this.#advance()
    const commands = this.#commands()
    this.#depth -= 1
    if (this.#isMark('}')) this.#advance()
    else if (!this.#faults.isFull) this.#faults.add(open.at, 'this block has no end', 'a } is missing')
    return commands
  }

  /** `arguments = *argument [ test / test-list ]` */
  #arguments(): Pick<TestNode, 'arguments' | 'tests' | 'listed'> {
    const found: ArgumentNode[] = []
    for (;;) {
      const argument = this.#argument()
      if (argument === undefined) break
      found.push(argument)
    }
    if (this.#token.kind === 'identifier') return { arguments: found, tests: [this.#test()], listed: false }
    if (this.#isMark('(')) return { arguments: found, tests: this.#testList(), listed: true }
    return { arguments: found, tests: [], listed: false }
  }

  #argument(): ArgumentNode | undefined {
    const { kind, at, text, value } = this.#token
    if (kind === 'string') {
      this.#advance()
      return { kind, at, text }
    }
    if (kind === 'number') {
      this.#advance()
      return { kind, at, value }
    }
    if (kind === 'tag') {
      this.#advance()
      return { kind, at, name: text }
    }
    return this.#isMark('[') ? { kind: 'strings', at, items: this.#stringList() } : undefined
  }

  /** `string-list = "[" string *("," string) "]"` */
  #stringList(): StringNode[] {
    const open = this.#token
    const items: StringNode[] = []
    do {
      this.#advance()
      const { kind, at, text } = this.#token
      if (kind !== 'string') {
        const isClosed = this.#isMark(']')
        this.#fail(
          isClosed && items.length === 0
            ? 'a list must hold a string'
            : `a string must stand here, not ${said(this.#token)}`,
          isClosed && items.length > 0 ? 'the last comma of the list is one too many' : undefined,
        )
      }
      items.push({ at, text })
      this.#advance()
    } while (this.#isMark(','))
    if (!this.#isMark(']')) {
      const hint = this.#token.kind === 'string' ? 'strings in a list are separated by commas' : 'a ] is missing'
      this.#fail(`${said(this.#token)} cannot follow in a list`, hint)
    }
    this.#advance()
    if (items.length > this.#limits.listItemsMax)
      this.#faults.add(open.at, `this list has more than ${this.#limits.listItemsMax} strings`)
    return items
  }

  /** `test = identifier arguments` */
  #test(): TestNode {
    const start = this.#token
    if (start.kind !== 'identifier') this.#fail(`a test must begin here, not ${said(start)}`)
    this.#enter(start)
    this.#advance()
    const test = { at: start.at, name: start.text, ...this.#arguments() }
    this.#depth -= 1
    return test
  }

  /** `test-list = "(" test *("," test) ")"` */
  #testList(): TestNode[] {
    const tests: TestNode[] = []
    do {
      this.#advance()
      tests.push(this.#test())
    } while (this.#isMark(','))
    if (!this.#isMark(')')) {
      const hint = this.#token.kind === 'identifier' ? 'tests in a list are separated by commas' : 'a ) is missing'
      this.#fail(`${said(this.#token)} cannot follow in a list of tests`, hint)
    }
    this.#advance()
    return tests
  }

  /** Goes on behind the next semicolon or block, or before the end of the block that is open. */
  #recover(): void {
    for (;;) {
      if (this.#token.kind === 'end' || this.#isMark('}')) return
      if (this.#isMark(';')) return this.#advance()
      if (this.#isMark('{')) {
        const { nestingMax } = this.#limits
        if (this.#depth < nestingMax) {
          this.#block()
          return
        }
        return this.#skipBlock()
      }
      this.#advance()
    }
  }

  /** A block that stands too deep is passed over, however deep it goes on. */
  #skipBlock(): void {
    let open = 0
    do {
      if (this.#isMark('{')) open += 1
      else if (this.#isMark('}')) open -= 1
      this.#advance()
    } while (open > 0 && this.#token.kind !== 'end')
  }

  /** One step deeper. A recursion without a limit would end the process. */
  #enter({ at }: Token): void {
    if (this.#depth >= this.#limits.nestingMax) {
      this.#faults.add(at, `blocks and tests may be nested ${this.#limits.nestingMax} deep`)
      throw new Unreadable()
    }
    this.#depth += 1
  }

  #isMark(mark: string): boolean {
    return this.#token.kind === 'mark' && this.#token.text === mark
  }

  #advance(): void {
    this.#token = this.#lexer.next()
  }

  #fail(problem: string, hint?: string): never {
    this.#faults.add(this.#token.at, problem, hint)
    throw new Unreadable()
  }
}

function said({ kind, text }: Token): string {
  if (kind === 'end') return 'the end of the script'
  if (kind === 'string') return 'a string'
  return kind === 'tag' ? `the tag :${text}` : kind === 'number' ? `the number ${text}` : `"${text}"`
}
