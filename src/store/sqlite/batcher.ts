/**
 * Gathers commits into groups for the writer. If the writer is idle, the commits of this turn of the loop are posted as a group; if it is
 * busy, gathering goes on. One group is in flight; all its commits share one sync, and no timer is needed.
 */
import type { Clock, Timer } from '../../base/clock.ts'
import type { Change } from '../changes.ts'
import type { ContentFate, SunkContent } from '../contents/sunk.ts'
import type { EngineOperation } from '../operations.ts'
import { recordQueue } from '../record-form.ts'
import { layRecord, recordSize, type RecordKind } from '../record.ts'
import { StoreFault, StoreRefusal } from '../store.ts'
import { numbersOf } from './deliver.ts'
import type { WireCommit, WireContent } from './group.ts'
import type { CommitOutcome } from './outcomes.ts'
import { Promised } from './promised.ts'

/** Commits in one group at most, so that a large group does not delay its answers. */
const groupCommitsMax = 512
const groupBytesMax = 8 * 1024 * 1024
/** How often late arrivals are checked: if the first attempt takes twice this time, their rows are written. */
const lateRowsMs = 2500
/** The least buffer of a group; a larger group's is the next power of two. */
const bufferBytes = 256 * 1024
/** Buffers up to this size are reused: new memory must be zeroed, faulted in and collected for each group. */
const spareBytesMax = groupBytesMax

/** Where groups are written: on a thread, or in place. */
export interface WriterHost {
  group(
    buffer: ArrayBuffer | null,
    commits: readonly WireCommit[],
    durable: (outcomes: readonly CommitOutcome[]) => void,
    done: (
      outcomes: readonly CommitOutcome[],
      changes: readonly Change[],
      buffer: ArrayBuffer | null,
      /** Number of arrivals with late rows. */
      late: number,
    ) => void,
  ): void
}

/** A waiting caller. */
interface Asker {
  readonly until: 'durable' | 'visible'
  readonly resolve: (results: readonly unknown[]) => void
  readonly reject: (error: Error) => void
}

interface Waiting extends Asker {
  readonly kind: RecordKind
  /** The operations: as JSON for a record, else as objects. */
  readonly operations: Buffer | readonly EngineOperation[]
  readonly contents: readonly Uint8Array[]
  readonly contentsBytes: number
  readonly numbers: number
  /** Numbers known in advance (ids of moved contents). */
  readonly given?: readonly number[]
  readonly sizeBytes: number
  /** The mailboxes of its filings; undefined: it is no arrival. */
  readonly filed?: readonly number[] | undefined
  readonly release: () => void
  readonly named: (fate: ContentFate) => void
}

export class Batcher {
  readonly #host: WriterHost
  readonly #clock: Clock
  readonly #changed: (changes: readonly Change[]) => Promise<unknown> | void
  #waiting: Waiting[] = []
  #scheduled = false
  #inFlight = false
  #spare: ArrayBuffer | undefined
  #broken: Error | undefined
  #idle: (() => void)[] = []
  /** There are late rows, or rows that a failed group could not write: the next group writes them. */
  #rowsAreMissing = false
  readonly promised = new Promised()
  #rows: Timer | undefined

  constructor(host: WriterHost, clock: Clock, changed: (changes: readonly Change[]) => Promise<unknown> | void) {
    this.#host = host
    this.#clock = clock
    this.#changed = changed
  }

  commit(operations: readonly EngineOperation[], until: 'durable' | 'visible'): Promise<readonly unknown[]> {
    return new Promise((resolve, reject) => {
      this.#add(encodeOperations(operations, { until, resolve, reject }))
    })
  }

  /** Moves contents to the log's end. */
  relocate(from: number, ids: readonly number[], contents: readonly Uint8Array[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const operations = Buffer.from(JSON.stringify({ from, sizes: contents.map((content) => content.length) }))
      const contentsBytes = contents.reduce((sum, content) => sum + content.length, 0)
      this.#add({
        kind: 2,
        operations,
        contents,
        contentsBytes,
        numbers: ids.length,
        given: ids,
        sizeBytes: recordSize(operations.length, contentsBytes, ids.length),
        until: 'visible',
        resolve,
        reject,
        release: () => {},
        named: () => {},
      })
    })
  }

  #add(waiting: Waiting): void {
    if (this.#broken) {
      waiting.release()
      return waiting.reject(new StoreFault(`The store has stopped: ${this.#broken.message}`, false))
    }
    waiting.named('offered')
    this.#waiting.push(waiting)
    if (this.#inFlight || this.#scheduled) return
    this.#scheduled = true
    this.#clock.soon(() => {
      this.#scheduled = false
      if (!this.#inFlight) this.#post()
    })
  }

  /** Schedules the writing of late rows. */
  #rowsSoon(): void {
    if (this.#broken) return
    this.#rows ??= this.#clock.after(lateRowsMs, () => {
      this.#rows = undefined
      this.commit([{ kind: 'materialize', all: false }], 'visible').catch(() => {})
    })
  }

  /** Resolves when every record has its rows; undefined: it has. */
  allRows(): Promise<unknown> | undefined {
    return this.#rowsAreMissing ? this.commit([{ kind: 'materialize', all: true }], 'visible') : undefined
  }

  /** The store closes: no more late rows are requested. */
  stop(): void {
    this.#rows?.cancel()
  }

  /** The writer has stopped: all waiting callers get the error. */
  break(error: Error): void {
    this.#broken = error
    // What was answered is in the log, and has its rows after the next start: no read waits for them any more.
    this.promised.kept()
    for (const waiting of this.#waiting.splice(0)) {
      waiting.release()
      waiting.named('refused')
      waiting.reject(new StoreFault(`The store has stopped: ${error.message}`, false))
    }
  }

  /** Resolves when no commit is waiting. */
  async idle(): Promise<void> {
    while (this.#inFlight || this.#scheduled || this.#waiting.length > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  #take(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const waiting of this.#waiting) {
      if (count === groupCommitsMax || (count > 0 && bytes + waiting.sizeBytes > groupBytesMax)) break
      bytes += waiting.sizeBytes
      count++
    }
    return this.#waiting.splice(0, count)
  }

  #post(): void {
    const group = this.#take()
    if (group.length === 0) {
      for (const resolve of this.#idle.splice(0)) resolve()
      return
    }
    const bytes = group.reduce((sum, waiting) => sum + waiting.sizeBytes, 0)
    const buffer = bytes === 0 ? null : this.#buffer(bytes)
    const commits = layGroup(group, buffer)
    this.#inFlight = true
    let early: readonly CommitOutcome[] | undefined
    this.#host.group(
      buffer,
      commits,
      (outcomes) => {
        early = outcomes
        const answered = group.filter(({ until, filed }, i) => until === 'durable' && filed && outcomes[i]!.ok)
        if (answered.length > 0) this.promised.add(answered.flatMap(({ filed }) => filed!))
        group.forEach((waiting, i) => waiting.until === 'durable' && settle(waiting, outcomes[i]))
      },
      (outcomes, changes, returned, late) => {
        this.#inFlight = false
        this.#rowsAreMissing = late > 0 || outcomes.some(isFault)
        if (late > 0) this.#rowsSoon()
        if (returned && returned.byteLength <= spareBytesMax) this.#spare = returned
        const answer = (): void =>
          group.forEach((waiting, i) => {
            if (!early || waiting.until === 'visible') settle(waiting, outcomes[i])
          })
        const reading = this.#changed(changes)
        this.promised.kept()
        if (reading) void reading.then(answer)
        else answer()
        // Commits that these answers cause in this turn join the next group.
        if (!this.#scheduled) {
          this.#scheduled = true
          queueMicrotask(() => {
            this.#scheduled = false
            if (!this.#inFlight) this.#post()
          })
        }
      },
    )
  }

  #buffer(bytes: number): ArrayBuffer {
    const spare = this.#spare
    this.#spare = undefined
    if (spare && spare.byteLength >= bytes) return spare
    let size = bufferBytes
    while (size < bytes) size *= 2
    return new ArrayBuffer(size)
  }
}

/**
 * Operations that get a record although they have no message bytes: reports of attempts and what clients do to messages, so that they share
 * the sync of arrivals. A replay does them again on the rows of then: what comes of them must follow from the rows and the operation alone.
 */
const loggedKinds: ReadonlySet<EngineOperation['kind']> = new Set([
  'queueFinish',
  'queueDefer',
  'flags',
  'expunge',
  'copy',
  'move',
])

/** What clients do to messages: readers must see it with the answer, and reads wait for arrivals only. */
const isOfMessages = ({ kind }: EngineOperation): boolean => loggedKinds.has(kind) && !kind.startsWith('queue')

function encodeOperations(operations: readonly EngineOperation[], asker: Asker): Waiting {
  const { resolve, reject } = asker
  const until = operations.every(isOfMessages) ? 'visible' : asker.until
  const held = operations.flatMap((op) =>
    op.kind === 'arrive' || op.kind === 'append' ? [op.content as SunkContent] : [],
  )
  const release = (): void => {
    for (const content of held) if (content.whole) content.abort()
  }
  const named = (fate: ContentFate): void => {
    for (const content of held) content.named?.(fate)
  }
  if (held.length === 0 && !operations.every(({ kind }) => loggedKinds.has(kind))) {
    return {
      kind: 1,
      operations,
      contents: [],
      contentsBytes: 0,
      numbers: 0,
      sizeBytes: 0,
      release,
      named,
      until,
      resolve,
      reject,
    }
  }
  let contentsBytes = 0
  let numbers = 0
  const contents: Uint8Array[] = []
  let filed: number[] | undefined
  const wired = operations.map((op) => {
    if (op.kind !== 'arrive' && op.kind !== 'append') return op
    numbers += numbersOf(op)
    if (op.kind === 'arrive') (filed ??= []).push(...op.filings.map(({ mailbox }) => mailbox))
    const { sizeBytes, whole, file, digest } = op.content as SunkContent
    let content: WireContent
    if (whole) {
      content = { sizeBytes, at: contentsBytes }
      contents.push(whole)
      contentsBytes += whole.length
    } else content = { sizeBytes, file: file!, digest: digest! }
    if (op.kind === 'append' || !op.queue) return { ...op, content }
    return { ...op, queue: recordQueue(op.queue), content }
  })
  const encoded = Buffer.from(JSON.stringify(wired))
  return {
    kind: 1,
    operations: encoded,
    contents,
    contentsBytes,
    numbers,
    sizeBytes: recordSize(encoded.length, contentsBytes, numbers),
    filed,
    release,
    named,
    until,
    resolve,
    reject,
  }
}

/** Puts the records of a group into one buffer, which the writer writes as it is. */
function layGroup(group: readonly Waiting[], buffer: ArrayBuffer | null): WireCommit[] {
  const target = buffer && Buffer.from(buffer)
  let at = 0
  return group.map((waiting): WireCommit => {
    if (waiting.sizeBytes === 0) return { operations: waiting.operations as readonly EngineOperation[] }
    const start = at
    const { operations, contentsBytes, numbers, given } = waiting
    const contentsAt = layRecord(target!, at, waiting.kind, numbers, operations as Buffer, contentsBytes)
    if (given)
      given.forEach((value, i) =>
        target!.writeDoubleLE(value, start + contentsAt - (operations as Buffer).length - (numbers - i) * 8),
      )
    let next = at + contentsAt
    for (const content of waiting.contents) {
      target!.set(content, next)
      next += content.length
    }
    waiting.release()
    at += waiting.sizeBytes
    return { at: start, size: waiting.sizeBytes }
  })
}

function isFault(outcome: CommitOutcome): boolean {
  return !outcome.ok && (outcome.code === 'full' || outcome.code === 'failed')
}

/** @param outcome undefined: the writer has stopped. */
function settle(waiting: Waiting, outcome: CommitOutcome | undefined): void {
  if (!outcome) {
    waiting.named('unsure')
    return waiting.reject(new StoreFault('The store has stopped', false))
  }
  if (outcome.ok) {
    waiting.named('named')
    waiting.resolve(outcome.results)
  } else if (outcome.code === 'full' || outcome.code === 'failed') {
    waiting.named('unsure')
    waiting.reject(new StoreFault(outcome.text, outcome.code === 'full'))
  } else {
    waiting.named('refused')
    waiting.reject(new StoreRefusal(outcome.code, outcome.text))
  }
}
