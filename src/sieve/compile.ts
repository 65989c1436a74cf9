/** From the tree of a script to what runs: names are looked up, arguments checked, `require` obeyed. RFC 5228 §2.10.5, §3. */
import { nearest } from '../base/suggest.ts'
import { readArguments, type ArgumentScope } from './arguments.ts'
import type {
  ActionDeclaration,
  ActionRun,
  Compiling,
  Parameters,
  Signal,
  TestDeclaration,
  TestRun,
} from './declare.ts'
import { Faults, type SieveFault } from './fault.ts'
import { sieveLimits, type SieveLimits } from './limits.ts'
import { parseScript } from './parser.ts'
import { countedTest, runBranches, type Block, type Branch, type CompiledCommand, type Program } from './program.ts'
import type { Asking } from './question.ts'
import { commandNames, type Known, type Registry } from './registry.ts'
import type { Run } from './run.ts'
import { RunFault } from './run-fault.ts'
import type { SieveScript } from './script.ts'
import type { CommandNode, StringNode, TestNode } from './syntax.ts'
import { decodeEncodedCharacters, parseTemplate, type Text } from './text.ts'

export type CompileResult =
  | { readonly kind: 'script'; readonly script: SieveScript }
  | { readonly kind: 'faults'; readonly faults: readonly SieveFault[] }

/** Compiles a script with the extensions of this registry. Never throws for what a script holds. */
export function compileWith(registry: Registry, text: string, limits: SieveLimits = sieveLimits): CompileResult {
  const faults = new Faults(text, limits.faultsMax)
  const nodes = parseScript(text, faults, limits)
  const compiler = new Compiler(registry, faults)
  const block = compiler.script(nodes)
  if (faults.found.length > 0)
    return { kind: 'faults', faults: faults.found.toSorted((a, b) => a.line - b.line || a.column - b.column) }
  const program: Program = { block, adjusts: registry.adjusts }
  return { kind: 'script', script: { requires: compiler.required, program } }
}

/** A match variable beyond this is an error. RFC 5229 §6. */
const matchVariablesMax = 99

/** Something unknown behind an `ihave`: the script is wrong only if it comes there. RFC 5463 §4. */
class Unknown extends Error {}

class Compiler implements ArgumentScope {
  readonly #registry: Registry
  readonly #faults: Faults
  readonly #required = new Set<string>()
  /** What `ihave` named so far. */
  readonly #perhaps = new Set<string>()
  #ihaveSeen = false
  /** What must have been found when the present command or test runs: any of each. */
  #checks: (readonly string[])[] = []

  constructor(registry: Registry, faults: Faults) {
    this.#registry = registry
    this.#faults = faults
  }

  get required(): readonly string[] {
    return [...this.#required]
  }

  script(nodes: readonly CommandNode[]): Block {
    const start = nodes.findIndex(({ name }) => name !== 'require')
    for (const node of start < 0 ? nodes : nodes.slice(0, start)) this.#require(node)
    return start < 0 ? [] : this.#block(nodes.slice(start))
  }

  /** RFC 5228 §3.2. */
  #require(node: CommandNode): void {
    const [list] = node.arguments
    if (node.block !== undefined || node.tests.length > 0 || node.arguments.length !== 1)
      return this.fault(node.at, '"require" takes one argument: a string or a list of strings')
    if (list?.kind !== 'string' && list?.kind !== 'strings')
      return this.fault(node.at, '"require" must be followed by a string or a list of strings')
    for (const { at, text } of list.kind === 'string' ? [list] : list.items) {
      const extension = this.#registry.extensionOf(text)
      if (extension === undefined) {
        const near = nearest(text, this.#registry.capabilities)
        this.fault(at, `there is no extension ${JSON.stringify(text)}`, near && `did you mean "${near}"?`)
      } else for (const one of [text, ...(extension.includes ?? [])]) this.#required.add(one)
    }
  }

  #block(nodes: readonly CommandNode[]): Block {
    const block: CompiledCommand[] = []
    for (let at = 0; at < nodes.length; at += 1) {
      const node = nodes[at]!
      if (node.name === 'if') {
        const chain = [node]
        while (isElse(nodes[at + 1]) && chain.at(-1)!.name !== 'else') chain.push(nodes[(at += 1)]!)
        block.push(this.#branches(chain))
      } else if (isElse(node)) {
        this.fault(node.at, `"${node.name}" must follow the block of an "if" or "elsif"`)
      } else if (node.name === 'require') {
        this.fault(node.at, '"require" must stand before all other commands')
      } else {
        const command = this.#action(node)
        if (command !== undefined) block.push(command)
      }
    }
    return block
  }

  /** RFC 5228 §3.1. */
  #branches(chain: readonly CommandNode[]): CompiledCommand {
    const branches: Branch[] = []
    for (const node of chain) {
      const wanted = node.name === 'else' ? 0 : 1
      if (node.arguments.length > 0 || node.listed || node.tests.length !== wanted) {
        const hint = node.listed ? 'several tests stand in allof (…) or anyof (…)' : undefined
        this.fault(node.at, `"${node.name}" takes ${wanted === 0 ? 'no test' : 'one test'}`, hint)
      }
      if (node.block === undefined) this.fault(node.at, `"${node.name}" must be followed by a block in { }`)
      const test = wanted === 0 ? undefined : this.#test(node.tests[0] ?? emptyTest)
      branches.push({ test, block: this.#block(node.block ?? []) })
    }
    const line = this.#faults.position(chain[0]!.at).line
    return { line, name: 'if', run: (run) => runBranches(run, branches) }
  }

  #action(node: CommandNode): CompiledCommand | undefined {
    const known = this.#registry.actions.get(node.name)
    const { line } = this.#faults.position(node.at)
    const run = this.#guarded(line, node.name, () => {
      if (known === undefined) return this.#noAction(node)
      if (node.block !== undefined) return this.fault(node.at, `"${node.name}" takes no block`)
      if (node.tests.length > 0) return this.#strayTest(node)
      return this.#compiled<ActionDeclaration, ActionRun>(node, known, line, [])
    })
    return run && { line, name: node.name, run }
  }

  #noAction({ at, name }: CommandNode): undefined {
    if (this.#registry.tests.has(name))
      return void this.fault(at, `"${name}" is a test`, 'tests stand behind "if", as: if … { … }')
    const near = nearest(name, [...this.#registry.actions.keys(), ...commandNames])
    this.unknown(at, `there is no command "${name}"`, near && `did you mean "${near}"?`)
    return undefined
  }

  #strayTest({ name, tests }: CommandNode): undefined {
    const [first] = tests as [TestNode]
    const isAction = this.#registry.actions.has(first.name)
    this.fault(
      first.at,
      `"${name}" takes no test`,
      isAction ? `a semicolon is missing before "${first.name}"` : undefined,
    )
    return undefined
  }

  #test(node: TestNode): TestRun {
    const known = this.#registry.tests.get(node.name)
    const { line } = this.#faults.position(node.at)
    const run = this.#guarded<TestRun>(line, node.name, () => {
      if (node === emptyTest) return undefined
      if (known === undefined) return this.#noTest(node)
      const { tests } = known.thing
      const [least, most] = tests === undefined ? [0, 0] : tests === 'one' ? [1, 1] : [1, Infinity]
      const isList = tests === 'list'
      if (node.tests.length < least || node.tests.length > most || (node.tests.length > 0 && node.listed !== isList)) {
        const words = tests === undefined ? 'no test' : isList ? 'a list of tests in parentheses' : 'one test'
        return void this.fault(node.at, `"${node.name}" takes ${words}`)
      }
      return this.#compiled<TestDeclaration, TestRun>(node, known, line, node.tests)
    })
    return countedTest(line, node.name, run ?? (() => false))
  }

  #noTest({ at, name }: TestNode): undefined {
    if (this.#registry.actions.has(name)) return void this.fault(at, `"${name}" is an action, no test`)
    const near = nearest(name, this.#registry.tests.keys())
    this.unknown(at, `there is no test "${name}"`, near && `did you mean "${near}"?`)
    return undefined
  }

  #compiled<Declared extends ActionDeclaration | TestDeclaration, Made extends ActionRun | TestRun>(
    node: TestNode,
    { thing, needs }: Known<Declared>,
    line: number,
    inner: readonly TestNode[],
  ): Made | undefined {
    if (!this.mayUse(node.at, `"${node.name}"`, needs)) return undefined
    const read = readArguments(node, thing.parameters, this.#registry.tagsOf(thing), this)
    if (read === undefined) return undefined
    const compiling: Compiling<Parameters> = {
      line,
      values: read.values as Compiling<Parameters>['values'],
      tags: read.tags,
      match: read.match,
      addressPart: read.addressPart,
      // One after the other: what `ihave` finds counts for those behind it.
      tests: inner.map((test) => this.#test(test)),
      fault: (problem, hint, name) => this.fault((name && read.places.get(name)) || node.at, problem, hint),
      requires: (capability) => this.#required.has(capability),
      isAvailable: (capability) => {
        const extension = this.#registry.extensionOf(capability)
        return extension !== undefined && (extension.changesReading !== true || this.#required.has(capability))
      },
      mayFind: (capabilities) => {
        this.#ihaveSeen = true
        for (const one of capabilities) this.#perhaps.add(one)
      },
    }
    return thing.compile(compiling) as Made
  }

  /** What is compiled here runs only if what it uses was found; what is unknown is told when it runs. */
  #guarded<Made extends ActionRun | TestRun>(
    line: number,
    name: string,
    compile: () => Made | undefined | void,
  ): Made | undefined {
    const outer = this.#checks
    this.#checks = []
    try {
      const made = compile()
      const checks = this.#checks
      if (made === undefined || checks.length === 0) return made as Made | undefined
      return ((run: Run): boolean | Signal | void | Asking<never> => {
        for (const needs of checks)
          if (!needs.some((one) => run.found.has(one)))
            throw new RunFault(`"${name}" uses "${needs[0]}", which "ihave" has not found`)
        return made(run) as boolean
      }) as Made
    } catch (error) {
      if (!(error instanceof Unknown)) throw error
      const { message } = error
      return ((run: Run): never => {
        run.line = line
        throw new RunFault(message)
      }) as unknown as Made
    } finally {
      this.#checks = outer
    }
  }

  // What the reader of arguments needs.

  fault(at: number, problem: string, hint?: string): void {
    this.#faults.add(at, problem, hint)
  }

  unknown(at: number, problem: string, hint?: string): void {
    if (this.#ihaveSeen) throw new Unknown(problem)
    this.fault(at, problem, hint)
  }

  mayUse(at: number, name: string, needs: readonly string[]): boolean {
    if (needs.length === 0 || needs.some((one) => this.#required.has(one))) return true
    if (needs.some((one) => this.#perhaps.has(one))) {
      this.#checks.push(needs)
      return true
    }
    // Those two need not be required. RFC 5228 §2.7.3.
    if (needs.some((one) => alwaysUsable.has(one))) return true
    this.unknown(at, `${name} cannot be used without its extension`, `add: require "${needs[0]}";`)
    return false
  }

  text({ at, text: source }: StringNode): Text {
    let text = source
    if (this.#required.has('encoded-character')) {
      const decoded = decodeEncodedCharacters(source)
      if (decoded.kind === 'fault') {
        this.fault(at, `this string ${decoded.problem}`)
        return ''
      }
      text = decoded.text
    }
    if (!this.#required.has('variables')) return text
    const template = parseTemplate(text)
    if (typeof template !== 'string')
      for (const part of template.parts) if (typeof part !== 'string') this.#check(at, part)
    return template
  }

  #check(at: number, { name, namespace }: { name: string | number; namespace?: string }): void {
    if (namespace === undefined) {
      if (typeof name === 'number' && name > matchVariablesMax)
        this.fault(at, `there are ${matchVariablesMax} match variables, not ${name}`)
      return
    }
    const known = this.#registry.namespaces.get(namespace)
    if (known === undefined) this.fault(at, `there is no namespace "${namespace}" of variables`)
    else if (typeof name === 'number') this.fault(at, `a match variable has no namespace`)
    else this.mayUse(at, `the namespace "${namespace}"`, known.needs)
  }

  comparator(name: string): ReturnType<Registry['comparators']['get']> {
    return this.#registry.comparators.get(name)
  }

  get comparatorNames(): Iterable<string> {
    return this.#registry.comparators.keys()
  }

  get setsMatchVariables(): boolean {
    return this.#required.has('variables')
  }
}

const alwaysUsable: ReadonlySet<string> = new Set(['comparator-i;octet', 'comparator-i;ascii-casemap'])
const emptyTest: TestNode = { at: 0, name: 'false', arguments: [], tests: [], listed: false }

function isElse(node: CommandNode | undefined): boolean {
  return node?.name === 'elsif' || node?.name === 'else'
}
