/** A script as it runs: blocks of commands, each a function. What does not ask runs without a generator, which is most of it. */
import type { ActionRun, Signal, TestRun } from './declare.ts'
import type { Asking } from './question.ts'
import type { Adjust, Run } from './run.ts'
import type { SieveScript } from './script.ts'

export interface CompiledCommand {
  readonly line: number
  readonly name: string
  readonly run: ActionRun
}

export type Block = readonly CompiledCommand[]

export interface Program {
  readonly block: Block
  readonly adjusts: readonly Adjust[]
}

export function programOf(script: SieveScript): Program {
  return script.program as Program
}

/** Runs commands one after the other, until one stops the script or leaves it. */
export function runBlock(run: Run, block: Block): Signal | Asking<Signal> {
  for (let at = 0; at < block.length; at += 1) {
    const result = runCommand(run, block[at]!)
    if (isAsking(result)) return runRest(run, block, at, result)
    if (result !== undefined) return result
  }
  return undefined
}

function* runRest(run: Run, block: Block, from: number, first: Asking<Signal | void>): Asking<Signal> {
  const signal = yield* first
  if (signal) return signal
  for (const command of block.slice(from + 1)) {
    const result = runCommand(run, command)
    const next = isAsking(result) ? yield* result : result
    if (next) return next
  }
  return undefined
}

function runCommand(run: Run, command: CompiledCommand): Signal | Asking<Signal | void> {
  run.line = command.line
  run.spend(1)
  if (run.isExplained) run.because = undefined
  const result = command.run(run)
  if (run.isExplained && command.name !== 'if') {
    const { because } = run
    run.record({ line: command.line, name: command.name, ...(because === undefined ? {} : { because }) })
  }
  return result as Signal | Asking<Signal | void>
}

export function isAsking<Result>(result: unknown): result is Asking<Result> {
  return typeof result === 'object' && result !== null
}

/** A test as others call it: counted, and recorded with its reason. */
export function countedTest(line: number, name: string, inner: TestRun): TestRun {
  return (run) => {
    run.line = line
    run.spend(1)
    if (run.isExplained) run.because = undefined
    const result = inner(run)
    if (isAsking<boolean>(result)) return recorded(run, line, name, result)
    if (run.isExplained) recordTest(run, line, name, result)
    return result
  }
}

function* recorded(run: Run, line: number, name: string, asking: Asking<boolean>): Asking<boolean> {
  const held = yield* asking
  recordTest(run, line, name, held)
  return held
}

function recordTest(run: Run, line: number, name: string, held: boolean): void {
  const { because } = run
  run.record({ line, name, held, ...(because === undefined ? {} : { because }) })
  run.because = undefined
}

export interface Branch {
  /** undefined: `else`. */
  readonly test: TestRun | undefined
  readonly block: Block
}

/** `if`, `elsif` and `else`. RFC 5228 §3.1. */
export function runBranches(run: Run, branches: readonly Branch[], from = 0): Signal | Asking<Signal> {
  for (let at = from; at < branches.length; at += 1) {
    const { test, block } = branches[at]!
    const held = test === undefined ? true : test(run)
    if (isAsking<boolean>(held)) return askedBranch(run, branches, at, held)
    if (held) return runBlock(run, block)
  }
  return undefined
}

function* askedBranch(run: Run, branches: readonly Branch[], at: number, asking: Asking<boolean>): Asking<Signal> {
  const held = yield* asking
  const result = held ? runBlock(run, branches[at]!.block) : runBranches(run, branches, at + 1)
  return isAsking<Signal>(result) ? yield* result : result
}
