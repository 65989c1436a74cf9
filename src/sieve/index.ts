/** The exports of this room: scripts that decide what happens to mail, compiled and run. RFC 5228. */
import { compileWith, type CompileResult } from './compile.ts'
import type { Extension } from './declare.ts'
import { extensions } from './extensions.ts'
import type { SieveLimits } from './limits.ts'
import { sieveLimits } from './limits.ts'
import { Registry } from './registry.ts'

export { bodyTexts } from './body-texts.ts'
export type { CompileResult } from './compile.ts'
export type { Comparator } from './comparator.ts'
export { action as declareAction, test as declareTest } from './declare.ts'
export type {
  ActionDeclaration,
  AddressPart,
  Compiling,
  Extension,
  Parameters,
  TagDeclaration,
  TestDeclaration,
} from './declare.ts'
export { formatFault } from './fault.ts'
export type { SieveFault } from './fault.ts'
export { replayScript, runScript, runWithHost } from './evaluate.ts'
export type { RecordedAnswer, ReplayFault, RunInput } from './evaluate.ts'
export { sieveLimits } from './limits.ts'
export type { SieveLimits } from './limits.ts'
export type { MatchType } from './match.ts'
export { ask } from './question.ts'
export type { Answer, Asking, BodyQuestion, DuplicateQuestion, Question } from './question.ts'
export type { RecordedStep, RunResult, SieveAction } from './result.ts'
export type { Run, SieveEnvelope, SieveMessage } from './run.ts'
export { RunFault } from './run-fault.ts'
export type { SieveScript } from './script.ts'
export type { Text, Texts } from './text.ts'
export { vacationRefusal } from './vacation-refusal.ts'

export interface CompileOptions {
  readonly limits?: Partial<SieveLimits>
  /** Others than ours. */
  readonly extensions?: readonly Extension[]
}

const ours = new Registry(extensions)

/** What `require` may name. */
export const sieveCapabilities: readonly string[] = ours.capabilities

/** Compiles a script. @returns its faults, several at a time, or what `runScript` runs. */
export function compileScript(text: string, options: CompileOptions = {}): CompileResult {
  const { extensions: more = [], limits } = options
  const registry = more.length === 0 ? ours : new Registry([...extensions, ...more])
  return compileWith(registry, text, { ...sieveLimits, ...limits })
}
