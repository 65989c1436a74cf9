/** The tests `allof`, `anyof`, `not`, `true` and `false`. RFC 5228 §5.2, §5.3, §5.6, §5.8, §5.10. */
import { test, type TestRun } from '../declare.ts'
import { isAsking } from '../program.ts'
import type { Asking } from '../question.ts'
import type { Run } from '../run.ts'

/** Tests one after the other, until one is `ends`. RFC 5463 §4 and RFC 5229 §3.2 ask for this order. */
function until(ends: boolean, tests: readonly TestRun[], run: Run): boolean | Asking<boolean> {
  for (let at = 0; at < tests.length; at += 1) {
    const held = tests[at]!(run)
    if (isAsking<boolean>(held)) return untilAsked(ends, tests, run, at, held)
    if (held === ends) return ends
  }
  return !ends
}

function* untilAsked(
  ends: boolean,
  tests: readonly TestRun[],
  run: Run,
  at: number,
  asking: Asking<boolean>,
): Asking<boolean> {
  if ((yield* asking) === ends) return ends
  const rest = until(ends, tests.slice(at + 1), run)
  return isAsking<boolean>(rest) ? yield* rest : rest
}

export const allof = test({
  name: 'allof',
  parameters: {},
  tests: 'list',
  compile:
    ({ tests }) =>
    (run) =>
      until(false, tests, run),
})

export const anyof = test({
  name: 'anyof',
  parameters: {},
  tests: 'list',
  compile:
    ({ tests }) =>
    (run) =>
      until(true, tests, run),
})

export const not = test({
  name: 'not',
  parameters: {},
  tests: 'one',
  compile: ({ tests }) => {
    const [inner] = tests as [TestRun]
    return (run) => {
      const held = inner(run)
      return isAsking<boolean>(held) ? negated(held) : !held
    }
  },
})

function* negated(asking: Asking<boolean>): Asking<boolean> {
  return !(yield* asking)
}

export const always = test({ name: 'true', parameters: {}, compile: () => () => true })
export const never = test({ name: 'false', parameters: {}, compile: () => () => false })
