/** Runs Sieve scripts in tests: compiles, runs with answers to questions, and says in short what came of it. RFC 5228. */
import assert from 'node:assert/strict'
import { parseHeader } from '../../src/mail/header.ts'
import { parseStructure } from '../../src/mail/mime/structure.ts'
import { bodyTexts } from '../../src/sieve/body-texts.ts'
import { compileScript, formatFault, runScript } from '../../src/sieve/index.ts'
import type { Answer, Question, RunInput, RunResult, SieveAction, SieveScript } from '../../src/sieve/index.ts'

/** `line 1, column 3: …` of a script that is wrong. */
export function faultsOf(text: string): string[] {
  const compiled = compileScript(text)
  return compiled.kind === 'script' ? [] : compiled.faults.map(formatFault)
}

export function compiledScript(text: string): SieveScript {
  const compiled = compileScript(text)
  if (compiled.kind === 'faults') assert.fail(compiled.faults.map(formatFault).join('\n'))
  return compiled.script
}

export interface World extends Partial<RunInput> {
  /** Line ends may be LF; a header alone, or with a body. */
  readonly mail?: string
  readonly from?: string
  readonly to?: string
  /** Answers a question; the body is answered from the message. */
  readonly answer?: (question: Question) => Answer
}

/** Runs a script over a message. */
export function runOver(script: string | SieveScript, world: World = {}): RunResult {
  const bytes = Buffer.from((world.mail ?? 'Subject: hello\n\nbody\n').replace(/\r?\n/g, '\r\n'), 'utf8')
  const message = { header: parseHeader(bytes), sizeBytes: bytes.length }
  const mailbox = (text: string): { localPart: string; domain: string } => {
    const at = text.lastIndexOf('@')
    return { localPart: text.slice(0, at), domain: text.slice(at + 1) }
  }
  const envelope = {
    ...(world.from === undefined ? {} : { from: world.from === '' ? null : mailbox(world.from) }),
    ...(world.to === undefined ? {} : { to: mailbox(world.to) }),
  }
  const running = runScript(typeof script === 'string' ? compiledScript(script) : script, {
    message,
    envelope,
    ...world,
  })
  let step = running.next()
  while (step.done !== true) {
    const question = step.value
    step = running.next(
      question.kind === 'body' ? bodyTexts(bytes, parseStructure(bytes), question) : world.answer?.(question),
    )
  }
  return step.value
}

/** The actions in short: `keep`, `fileinto x`, or `error at line 3: …`. */
export function actionsOf(script: string | SieveScript, world: World = {}): string[] {
  const result = runOver(script, world)
  if (result.kind === 'error') return [`error at line ${result.line}: ${result.problem}`]
  return result.actions.map(inShort)
}

function inShort(action: SieveAction): string {
  const flags =
    'flags' in action && action.flags !== undefined && action.flags.length > 0 ? ` [${action.flags.join(' ')}]` : ''
  const copy = 'copy' in action && action.copy ? ' copy' : ''
  switch (action.kind) {
    case 'fileinto': {
      const create = action.create ? ' create' : ''
      const use = action.specialUse === undefined ? '' : ` ${action.specialUse}`
      return `fileinto ${action.mailbox}${use}${flags}${create}${copy}`
    }
    case 'redirect':
      return `redirect ${action.address}${copy}`
    case 'reject':
      return `${action.command} ${action.reason}`
    case 'vacation':
      return `vacation ${action.reason}`
    case 'notify':
      return `notify ${action.method}`
    default:
      return `${action.kind}${flags}`
  }
}

/** Whether a test holds. @param needs what it requires. */
export function holds(test: string, world: World = {}, needs: readonly string[] = []): boolean {
  const require = needs.length === 0 ? '' : `require ${JSON.stringify(needs)};`
  const actions = actionsOf(`${require}\nif ${test} { discard; }`, world)
  assert.match(actions.join(), /^(?:discard|keep)$/)
  return actions[0] === 'discard'
}
