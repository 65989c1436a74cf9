/** The state of one run of a script. Tests and actions are given it; it touches nothing outside. */
import type { ReversePath, Mailbox } from '../mail/envelope.ts'
import type { Header } from '../mail/header.ts'
import { HeaderView } from './header-view.ts'
import type { SieveLimits } from './limits.ts'
import { Outcome } from './outcome.ts'
import type { DuplicateQuestion } from './question.ts'
import type { RecordedStep, SieveAction } from './result.ts'
import { RunFault } from './run-fault.ts'
import type { Text, Texts } from './text.ts'
import { Variables } from './variables.ts'

/** The message that a script decides about. Its body is asked for. */
export interface SieveMessage {
  readonly header: Header
  readonly sizeBytes: number
}

/** The envelope of one recipient. RFC 5228 §5.4. */
export interface SieveEnvelope {
  /** undefined if it is not known, as of a message that was appended. */
  readonly from?: ReversePath
  /** The address that the message was sent to. */
  readonly to?: Mailbox
}

/** How an extension changes an action that others define, as `:copy` and `:flags` do. @param tags undefined for the implicit keep. */
export type Adjust = (run: Run, action: SieveAction, tags: ActionTags | undefined) => SieveAction

/** The tags of an action's command. */
export interface ActionTags {
  has(name: string): boolean
  text(name: string): Text | undefined
  texts(name: string): Texts | undefined
}

export interface RunSettings {
  readonly message: SieveMessage
  readonly envelope: SieveEnvelope
  readonly limits: SieveLimits
  /** Whether steps are recorded. */
  readonly explain: boolean
}

/** What scripts that include one another have in common. */
class Shared {
  readonly header: HeaderView
  readonly outcome: Outcome
  readonly steps: RecordedStep[] = []
  readonly remember: DuplicateQuestion[] = []
  readonly variables = new Map<string, string>()
  readonly notes = new Map<object, unknown>()
  stepsTaken = 0

  constructor({ message, limits }: RunSettings) {
    this.header = new HeaderView(message.header)
    this.outcome = new Outcome(limits)
  }
}

export class Run {
  readonly settings: RunSettings
  readonly variables: Variables
  readonly #shared: Shared
  readonly #adjusts: readonly Adjust[]
  readonly #scriptName: string | undefined
  /** Capabilities that `ihave` found so far. RFC 5463 §4. */
  readonly found = new Set<string>()
  /** The line that runs. */
  line = 0
  /** Why the last test held or did not; written only while steps are recorded. */
  because: string | undefined

  /** @param included of a script that another includes: what it is called, and the run of that other. */
  constructor(
    settings: RunSettings,
    adjusts: readonly Adjust[],
    included?: { readonly name: string; readonly by: Run },
  ) {
    this.settings = settings
    this.#adjusts = adjusts
    this.#shared = included === undefined ? new Shared(settings) : included.by.#shared
    this.#scriptName = included?.name
    this.variables = new Variables(this.#shared.variables)
  }

  get header(): HeaderView {
    return this.#shared.header
  }

  /** Of the message as it is now, changes of its header counted. */
  get sizeBytes(): number {
    const { sizeBytes } = this.settings.message
    return this.header.edits.reduce((size, { start, end, text = '' }) => size - (end - start) + text.length, sizeBytes)
  }

  get outcome(): Outcome {
    return this.#shared.outcome
  }

  get limits(): SieveLimits {
    return this.settings.limits
  }

  get isExplained(): boolean {
    return this.settings.explain
  }

  get steps(): readonly RecordedStep[] {
    return this.#shared.steps
  }

  get remember(): readonly DuplicateQuestion[] {
    return this.#shared.remember
  }

  /** Counts what the run has cost. */
  spend(steps: number): void {
    this.#shared.stepsTaken += steps
    if (this.#shared.stepsTaken > this.limits.stepsMax) throw new RunFault('the script takes too many steps')
  }

  record(step: RecordedStep): void {
    if (!this.isExplained || this.#shared.steps.length >= this.limits.recordedStepsMax) return
    const because = step.because === undefined ? {} : { because: cut(step.because, becauseLengthMax) }
    const script = this.#scriptName === undefined ? {} : { script: this.#scriptName }
    this.#shared.steps.push({ ...step, ...because, ...script })
  }

  /** Adds an action, with what the tags of extensions change of it. */
  add(action: SieveAction, tags?: ActionTags): void {
    let adjusted = action
    for (const adjust of this.#adjusts) adjusted = adjust(this, adjusted, tags)
    this.outcome.add(adjusted)
  }

  rememberOnce(question: DuplicateQuestion): void {
    const isKnown = this.remember.some(({ handle, id }) => handle === question.handle && id === question.id)
    if (!isKnown) this.#shared.remember.push(question)
  }

  /** What an extension keeps for a run; `key` is the extension's own. */
  note<Note>(key: object, make: () => Note): Note {
    const { notes } = this.#shared
    if (!notes.has(key)) notes.set(key, make())
    return notes.get(key) as Note
  }

  /** A string with its variables put in. */
  text(text: Text): string {
    if (typeof text === 'string') return text
    const parts: string[] = []
    let length = 0
    for (const part of text.parts) {
      const piece = typeof part === 'string' ? part : this.variables.get(part)
      parts.push(piece)
      length += piece.length
      // Each variable is bounded, but there may be many in one string.
      if (length > expandedLengthMax) break
    }
    this.spend(1 + (length >> 6))
    return cut(parts.join(''), expandedLengthMax)
  }

  texts(texts: Texts): readonly string[] {
    return texts.constant ?? texts.items.map((item) => this.text(item))
  }
}

/** Characters of the reason of a step. */
const becauseLengthMax = 500

/** Characters of a string with its variables put in; what is longer is cut. RFC 5229 §6. */
const expandedLengthMax = 65_536

/** The first characters; none is cut in the middle. */
export function cut(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text
  const last = text.charCodeAt(lengthMax - 1)
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? lengthMax - 1 : lengthMax)
}
