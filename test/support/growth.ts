/**
 * Counts what a piece of work costs, in steps and not in time: blocks of code that ran (V8's precise coverage) and bytes
 * that native searches, patterns and copies were given. Equal runs give equal counts, on any machine.
 *
 * Import it before what is measured: a function that was compiled before counting began has no blocks to count.
 */
import assert from 'node:assert/strict'
import { Session } from 'node:inspector'
import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'

interface FunctionCoverage {
  readonly ranges: readonly { readonly count: number }[]
}
interface Coverage {
  readonly result: readonly { readonly url: string; readonly functions: readonly FunctionCoverage[] }[]
}

// Code that was thrown away between two looks would take its counts along.
setFlagsFromString('--no-flush-bytecode')
const session = new Session()
session.connect()
session.post('Profiler.enable')
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

/** Under a name of its own, so that it does not count what it does itself. */
const sumOf = runInThisContext(
  `(result) => {
    let blocks = 0
    for (const { url, functions } of result)
      if (!url.startsWith('node:')) for (const { ranges } of functions) for (const { count } of ranges) blocks += count
    return blocks
  }`,
  { filename: 'node:growth' },
) as (result: Coverage['result']) => number

/** Blocks since it was asked last. */
function takeBlocks(): number {
  let blocks = 0
  session.post('Profiler.takePreciseCoverage', (error: Error | null, coverage: Coverage) => {
    if (error) throw error
    blocks = sumOf(coverage.result)
  })
  return blocks
}

/** What native code had to look at, told by the wrappers below. */
let weight = 0

type Method = (this: never, ...args: never[]) => unknown

/** Wraps methods of a prototype so that each call adds what it cost; @returns what undoes it. */
function weighed(
  prototype: object,
  costs: Readonly<Record<string, (self: never, args: never[], result: unknown) => number>>,
): () => void {
  const own = Object.entries(costs).map(([name, cost]) => {
    const before = Object.getOwnPropertyDescriptor(prototype, name)!
    const method = before.value as Method
    Object.defineProperty(prototype, name, {
      ...before,
      value(this: never, ...args: never[]) {
        const result = method.apply(this, args)
        weight += cost(this, args, result)
        return result
      },
    })
    return () => Object.defineProperty(prototype, name, before)
  })
  return () => {
    for (const undo of own) undo()
  }
}

const searched = (self: { length: number }, [, from = 0]: [unknown, number?], result: unknown): number =>
  ((result as number) < 0 ? self.length : (result as number)) - from
const whole = (self: { length: number }): number => self.length

/** A pattern that is bound to its place stops there; any other looks through what is left. */
function matched(self: RegExp, [text]: [string], result: unknown, from: number): number {
  const match = result as RegExpExecArray | null
  if (match) return match.index - from + match[0].length
  return self.sticky || (self.source.startsWith('^') && !self.multiline) ? 1 : Math.max(0, text.length - from)
}

function weighNative(): () => void {
  const patterns: { exec: RegExp['exec'] } = RegExp.prototype
  const { exec } = patterns
  patterns.exec = function (this: RegExp, text: string) {
    const from = this.global || this.sticky ? this.lastIndex : 0
    const result = exec.call(this, text)
    weight += matched(this, [text], result, from)
    return result
  }
  // What lies in memory that was not cleared must not decide how far a search goes.
  const { allocUnsafe, allocUnsafeSlow } = Buffer
  Buffer.allocUnsafe = Buffer.allocUnsafeSlow = (size) => Buffer.alloc(size)
  const undo = [
    // endsWith and trim flatten a string that was built piece by piece: that costs its whole length each time.
    weighed(String.prototype, {
      indexOf: searched,
      endsWith: whole,
      toLowerCase: whole,
      toUpperCase: whole,
      trim: whole,
      trimEnd: whole,
    } as never),
    weighed(
      Object.getPrototypeOf(Uint8Array.prototype) as object,
      { indexOf: searched, slice: (_: never, __: never, out: { length: number }) => out.length } as never,
    ),
    weighed(Buffer.prototype, {
      indexOf: searched,
      latin1Slice: (_: never, __: never, out: string) => out.length,
      utf8Slice: (_: never, __: never, out: string) => out.length,
    } as never),
    weighed(Buffer, { concat: (_: never, __: never, out: Uint8Array) => out.length } as never),
    weighed(Array.prototype, {
      indexOf: searched,
      includes: whole,
      find: whole,
      shift: whole,
      slice: (_: never, __: never, out: unknown[]) => out.length,
      filter: whole,
      some: whole,
    } as never),
  ]
  return () => {
    patterns.exec = exec
    Object.assign(Buffer, { allocUnsafe, allocUnsafeSlow })
    for (const one of undo) one()
  }
}

/** Steps that each of these takes, in turn. */
export async function countSteps(...works: readonly (() => unknown)[]): Promise<number[]> {
  const steps: number[] = []
  const undo = weighNative()
  takeBlocks()
  try {
    for (const work of works) {
      weight = 0
      await work()
      steps.push(takeBlocks() + weight)
    }
    return steps
  } finally {
    undo()
  }
}

/** What may be lost on tables that double, and on what is done once. */
const factorMax = 2.3
const stepsOnce = 20_000

/**
 * Twice the input costs twice the work.
 * @param input of about that size
 */
export async function assertGrowsInLine(
  name: string,
  size: number,
  input: (size: number) => string,
  work: (input: string) => unknown,
): Promise<void> {
  const [one, two] = [input(size), input(2 * size)]
  // What a first call compiles, loads and fills is not the input's cost.
  await work(input(64))
  const [once = 0, twice = 0] = await countSteps(
    () => work(one),
    () => work(two),
  )
  assert.ok(
    twice <= factorMax * once + stepsOnce,
    `${name}: ${size} costs ${once} steps, twice as much ${twice} (${(twice / once).toFixed(2)} times)`,
  )
}
