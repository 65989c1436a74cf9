/** Runs a script over one message: a generator that asks its host and ends with actions. RFC 5228 §2.10. */
import type { Edit } from '../mail/edit.ts'
import { sieveLimits, type SieveLimits } from './limits.ts'
import { isAsking, programOf, runBlock } from './program.ts'
import type { Answer, Asking, Question } from './question.ts'
import type { Signal } from './declare.ts'
import type { Keep, RunResult } from './result.ts'
import { Run, type SieveEnvelope, type SieveMessage } from './run.ts'
import { RunFault } from './run-fault.ts'
import type { SieveScript } from './script.ts'

export interface RunInput {
  readonly message: SieveMessage
  readonly envelope?: SieveEnvelope
  readonly limits?: Partial<SieveLimits>
  /** Records each step with its reason. It costs time. */
  readonly explain?: boolean
}

/** Runs a script: each `yield` is a question, `next(answer)` its answer, and the return value is the result. */
export function* runScript(script: SieveScript, input: RunInput): Asking<RunResult> {
  const { message, envelope = {}, explain = false } = input
  const program = programOf(script)
  const limits = { ...sieveLimits, ...input.limits }
  const run = new Run({ message, envelope, limits, explain }, program.adjusts)
  try {
    const result = runBlock(run, program.block)
    if (isAsking<Signal>(result)) yield* result
    if (run.outcome.isKeepImplicit) run.add({ kind: 'keep', line: 0, edits: run.header.edits, copy: false })
    return { kind: 'done', actions: run.outcome.actions, remember: run.remember, steps: run.steps }
  } catch (error) {
    if (!(error instanceof RunFault)) throw error
    // The message as it came: RFC 5293 §7.
    const keep: Keep = { kind: 'keep', line: 0, edits: noEdits, copy: false }
    return { kind: 'error', line: run.line, problem: error.message, actions: [keep], remember: [], steps: run.steps }
  }
}

const noEdits: readonly Edit[] = []

/** A question and what it was answered. */
export interface RecordedAnswer {
  readonly question: Question
  readonly answer: Answer
}

/** Runs a script with a host that answers at once, or by promises. */
export async function runWithHost(
  script: SieveScript,
  input: RunInput,
  answer: (question: Question) => Answer | Promise<Answer>,
): Promise<RunResult & { readonly answers: readonly RecordedAnswer[] }> {
  const answers: RecordedAnswer[] = []
  const running = runScript(script, input)
  let step = running.next()
  while (step.done !== true) {
    const question = step.value
    const given = await answer(question)
    answers.push({ question, answer: given })
    step = running.next(given)
  }
  return { ...step.value, answers }
}

/** The run took another way than when its answers were recorded: another script, or another message. */
export interface ReplayFault {
  readonly kind: 'fault'
  readonly question: Question
}

/** Runs a script again with the answers that were recorded. The same script, message and answers give the same result. */
export function replayScript(
  script: SieveScript,
  input: RunInput,
  answers: readonly RecordedAnswer[],
): RunResult | ReplayFault {
  const running = runScript(script, input)
  let step = running.next()
  for (const { question, answer } of answers) {
    if (step.done === true) return step.value
    if (JSON.stringify(step.value) !== JSON.stringify(question)) return { kind: 'fault', question: step.value }
    step = running.next(answer)
  }
  return step.done === true ? step.value : { kind: 'fault', question: step.value }
}
