/** Reads ahead, for a thread that reads a whole mailbox: adjacent contents come in few reads. */
import type { ContentFiles, ContentSource, DiskContents } from './reader.ts'

/** Once a read begins where the last one ended, more is read ahead: this much at first, then twice as much each time. */
const firstBytes = 32 * 1024
const mostBytes = 512 * 1024
/** Gaps between two contents that are read too: headers of records, and small messages of other accounts. */
const gapMaxBytes = 16 * 1024

/** For one page of rows only: bytes that were read ahead may be overwritten later. */
export class ReadAhead implements ContentFiles {
  readonly #files: DiskContents
  #segment = -1
  /** Position of the held bytes in the segment. */
  #start = 0
  #held: Uint8Array = new Uint8Array(0)
  #ahead = 0

  constructor(files: DiskContents) {
    this.#files = files
  }

  readSync(source: ContentSource, start: number, end: number): Uint8Array {
    if (source.file !== null) return this.#files.readSync(source, start, end)
    const first = source.position + start
    const from = first - this.#start
    const isNear = source.segment === this.#segment && from >= 0 && from <= this.#held.length + gapMaxBytes
    if (isNear && from + (end - start) <= this.#held.length) return this.#held.subarray(from, from + (end - start))
    this.#ahead = isNear ? Math.min(mostBytes, Math.max(firstBytes, 2 * this.#ahead)) : 0
    if (this.#ahead > 0) {
      try {
        this.#held = this.#files.readAheadSync(source, start, end, this.#ahead)
      } catch {
        // The failure may be in the bytes that were to be read ahead.
        this.#held = this.#files.readSync(source, start, end)
      }
    } else this.#held = this.#files.readSync(source, start, end)
    this.#segment = source.segment
    this.#start = first
    return this.#held.subarray(0, end - start)
  }

  read(source: ContentSource, start: number, end: number): Promise<Uint8Array> {
    return this.#files.read(source, start, end)
  }

  fileBytes(source: ContentSource): number {
    return this.#files.fileBytes(source)
  }

  forget(segment: number): void {
    this.#files.forget(segment)
  }

  close(): void {
    this.#files.close()
  }
}
