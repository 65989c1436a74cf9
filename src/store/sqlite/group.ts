/** The records of one group of commits: where they will stand, and the one write that puts them there. docs/architecture.md §1. */
import type { Place, RecordLog } from '../contents/log.ts'
import type { EngineOperation } from '../operations.ts'
import { digestOf, headerBytes, kindOf, sealRecord, sealedDigest } from '../record.ts'
import type { ContentPlace } from './deliver.ts'
import { isFull } from '../faults.ts'

/** A commit as it reaches the writer: in the group's buffer as a laid-out record, or as operations alone. */
export type WireCommit =
  { readonly at: number; readonly size: number } | { readonly operations: readonly EngineOperation[] }

/** A content's place in the operations of a record: bytes from `at` in the record's contents, or a file. */
export interface WireContent {
  readonly sizeBytes: number
  readonly at?: number
  readonly file?: string
  readonly digest?: string
}

export function placeOf(wire: WireContent, segment: number, base: number, digest: () => Uint8Array): ContentPlace {
  if (wire.file !== undefined) {
    return {
      segment: 0,
      position: 0,
      file: wire.file,
      sizeBytes: wire.sizeBytes,
      digest: () => Buffer.from(wire.digest!, 'hex'),
    }
  }
  return { segment, position: base + wire.at!, file: null, sizeBytes: wire.sizeBytes, digest }
}

/** Whether any of the commits brings or moves messages' bytes (only their records hold numbers), or what can be done without. */
export function bringsContents(buffer: Buffer | null, commits: readonly WireCommit[]): boolean {
  return commits.some((commit) =>
    'at' in commit
      ? buffer!.readUInt32LE(commit.at + 28) > 0
      : commit.operations.some(({ kind }) => kind === 'snapshot'),
  )
}

export class Group {
  readonly #log: RecordLog
  readonly #buffer: Buffer | null
  readonly #sealed: Buffer[] = []
  #size = 0
  #next = 0
  #segment = 0
  error: unknown
  broken = false

  constructor(log: RecordLog, buffer: Buffer | null, commits: readonly WireCommit[]) {
    this.#log = log
    this.#buffer = buffer
    let total = 0
    for (const commit of commits) if ('at' in commit) total += commit.size
    if (total === 0) return
    const place = log.reserve(total)
    this.#segment = place.segment
    this.#next = place.position
  }

  /** Where the next record will stand. */
  get next(): Place {
    return { segment: this.#segment, position: this.#next }
  }

  #record(commit: { at: number; size: number }): Buffer {
    return this.#buffer!.subarray(commit.at, commit.at + commit.size)
  }

  isRelocation(commit: { at: number; size: number }): boolean {
    return kindOf(this.#record(commit)) === 2
  }

  /** What a record that moves contents says, and where its contents will stand. */
  relocation(commit: { at: number; size: number }): {
    numbers: Float64Array
    operations: Buffer
    segment: number
    base: number
  } {
    const record = this.#record(commit)
    const numbersBytes = record.readUInt32LE(28)
    const contentsAt = headerBytes + numbersBytes + record.readUInt32LE(12)
    const numbers = new Float64Array(numbersBytes / 8)
    for (let i = 0; i < numbers.length; i++) numbers[i] = record.readDoubleLE(headerBytes + i * 8)
    return {
      numbers,
      operations: record.subarray(headerBytes + numbersBytes, contentsAt),
      segment: this.#segment,
      base: this.#next + contentsAt,
    }
  }

  operations(commit: { at: number; size: number }): EngineOperation[] {
    const record = this.#record(commit)
    const start = headerBytes + record.readUInt32LE(28)
    return JSON.parse(record.toString('utf8', start, start + record.readUInt32LE(12))) as EngineOperation[]
  }

  place(commit: { at: number; size: number }, wire: WireContent): ContentPlace {
    const record = this.#record(commit)
    const contentsAt = headerBytes + record.readUInt32LE(28) + record.readUInt32LE(12)
    const alone = wire.sizeBytes === record.readUInt32LE(24)
    // A record with one content has its digest already, once it is sealed.
    return placeOf(wire, this.#segment, this.#next + contentsAt, () =>
      alone
        ? sealedDigest(record)
        : digestOf(record.subarray(contentsAt + wire.at!, contentsAt + wire.at! + wire.sizeBytes)),
    )
  }

  seal(commit: { at: number; size: number }, epoch: number, sequence: number, numbers: readonly number[]): void {
    const record = this.#record(commit)
    sealRecord(record, this.#sealed.length === 0, epoch, sequence, numbers)
    this.#sealed.push(record)
    this.#next += commit.size
    this.#size += commit.size
  }

  /** A crash before anything else is written there must not bring back what is refused now. */
  #erase(): void {
    try {
      this.#log.erase({ segment: this.#segment, position: this.#next - this.#size })
    } catch {
      // Nothing more can be done; the next records have another epoch.
    }
  }

  /** One write, one sync. @returns false when it failed: `broken` tells whether the process must stop. */
  write(): boolean {
    if (this.#sealed.length === 0) return true
    const first = this.#sealed[0]!
    const contiguous = this.#sealed.every(
      (record, i) => i === 0 || record.byteOffset === this.#sealed[i - 1]!.byteOffset + this.#sealed[i - 1]!.length,
    )
    const bytes = contiguous ? Buffer.from(first.buffer, first.byteOffset, this.#size) : Buffer.concat(this.#sealed)
    try {
      this.#log.append({ segment: this.#segment, position: this.#next - this.#size }, bytes)
      return true
    } catch (error) {
      this.error = error
      this.broken = !isFull(error)
      this.#erase()
      return false
    }
  }
}
