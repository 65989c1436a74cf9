/** What is odd about the bytes of a message, whatever they mean: line ends, NUL, long lines. RFC 5322 §2.1.1, §2.2. */
import { lineOctetsMax } from '../compose/transfer-encode.ts'
import type { Part } from '../mime/part.ts'
import type { DefectList } from './defects.ts'

/** A run of bytes and the innermost part that it belongs to. */
interface Run {
  readonly end: number
  readonly part: Part
  /** The body of a part that is sent as it is: any bytes are right there. RFC 3030 §3. */
  readonly isBinary: boolean
}

/** Cuts the message into runs, in order. */
function runsOf(root: Part): Run[] {
  const runs: Run[] = []
  let at = 0
  const run = (end: number, part: Part, isBinary = false): void => {
    if (end <= at) return
    runs.push({ end, part, isBinary })
    at = end
  }
  const walk = (part: Part): void => {
    run(part.bodyStart, part)
    const inner = part.message === undefined ? part.children : [part.message]
    for (const child of inner) {
      // Preamble and delimiters are the multipart's.
      run(child.headerStart, part)
      walk(child)
    }
    run(part.bodyEnd, part, inner.length === 0 && part.encoding === 'binary')
  }
  walk(root)
  return runs
}

/** Asks for parts at growing positions. */
class RunFinder {
  readonly #runs: readonly Run[]
  #at = 0
  constructor(runs: readonly Run[]) {
    this.#runs = runs
  }
  at(position: number): Run {
    while (this.#at < this.#runs.length - 1 && this.#runs[this.#at]!.end <= position) this.#at += 1
    return this.#runs[this.#at]!
  }
}

const lf = 0x0a
const cr = 0x0d

export function inspectLines(bytes: Uint8Array, root: Part, defects: DefectList): void {
  const runs = runsOf(root)
  if (runs.length === 0) return
  const lineRuns = new RunFinder(runs)
  let start = 0
  while (start < bytes.length) {
    const found = bytes.indexOf(lf, start)
    const next = found < 0 ? bytes.length : found
    const hasCr = next > start && bytes[next - 1] === cr
    const end = hasCr && found >= 0 ? next - 1 : next
    if (end - start > lineOctetsMax) {
      const { part, isBinary } = lineRuns.at(start)
      if (!isBinary) defects.add('longLine', start, end, part)
    }
    if (found >= 0 && !hasCr) {
      const { part, isBinary } = lineRuns.at(found)
      if (!isBinary) defects.add('bareLf', found, found + 1, part)
    }
    start = next + 1
  }
  const crRuns = new RunFinder(runs)
  for (let at = bytes.indexOf(cr); at >= 0; at = bytes.indexOf(cr, at + 1)) {
    if (bytes[at + 1] === lf) continue
    const { part, isBinary } = crRuns.at(at)
    if (!isBinary) defects.add('bareCr', at, at + 1, part)
  }
  const nulRuns = new RunFinder(runs)
  for (let at = bytes.indexOf(0); at >= 0; at = bytes.indexOf(0, at + 1)) {
    const { part, isBinary } = nulRuns.at(at)
    if (!isBinary) defects.add('nul', at, at + 1, part)
  }
}
