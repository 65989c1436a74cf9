/** New lines of the trace, for `pennypost trace --follow`. Only reads the files: the writer is not involved. */
import type { Clock } from '../base/clock.ts'
import type { Files } from '../base/files.ts'
import { dayName, type TraceLine } from './trace.ts'
import { needlesOf, parseLine, standsAlone } from './trace-search.ts'

/** Bytes of one read; the rest comes with the next. */
const readMax = 1024 * 1024

export class TraceFollower {
  readonly #tools: { readonly files: Files; readonly folder: string; readonly clock: Pick<Clock, 'now'> }
  readonly #needles: readonly Buffer[] | undefined
  #day = ''
  #at = 0

  /** @param text found as a whole word in a line, as in `findTraces`; undefined: every line. */
  constructor(
    tools: { readonly files: Files; readonly folder: string; readonly clock: Pick<Clock, 'now'> },
    text: string | undefined,
  ) {
    this.#tools = tools
    this.#needles = text === undefined ? undefined : needlesOf(text)
  }

  /** Begins at the present end of the file. */
  async start(): Promise<void> {
    this.#day = dayName(this.#tools.clock.now())
    this.#at = (await this.#tools.files.sizeBytes(this.#path)) ?? 0
  }

  get #path(): string {
    return `${this.#tools.folder}/${this.#day}`
  }

  /** Lines written since the last call, up to a limit. */
  async next(): Promise<readonly TraceLine[]> {
    const { files, clock } = this.#tools
    // Taken before the read: lines that are written to the old file after midnight are still read from it.
    const today = dayName(clock.now())
    const bytes = await files.readPart(this.#path, this.#at, readMax)
    const read = bytes === undefined ? Buffer.alloc(0) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    // An incomplete line waits; one that fills the whole read is skipped.
    const end = read.lastIndexOf(10) + 1 || (read.length === readMax ? read.length : 0)
    this.#at += end
    if (end === 0 && today !== this.#day) {
      this.#day = today
      this.#at = 0
      return this.next()
    }
    return this.#fitting(read.subarray(0, end))
  }

  #fitting(read: Buffer): readonly TraceLine[] {
    const found: TraceLine[] = []
    for (let start = 0; start < read.length;) {
      const end = read.indexOf(10, start)
      if (end < 0) break
      const text = read.subarray(start, end)
      if (!this.#needles || this.#needles.some((needle) => stands(text, needle))) {
        const line = parseLine(read, start)
        if (line) found.push(line)
      }
      start = end + 1
    }
    return found
  }
}

function stands(line: Buffer, needle: Buffer): boolean {
  for (let at = line.indexOf(needle); at >= 0; at = line.indexOf(needle, at + 1))
    if (standsAlone(line, at, needle.length)) return true
  return false
}
