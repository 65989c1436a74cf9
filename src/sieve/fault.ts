/** What is wrong with a script, and where. RFC 5228 §2.10.6. Faults are values: several are told at a time. */
import { lowerBound } from '../base/lower-bound.ts'

export interface SieveFault {
  /** From 1. */
  readonly line: number
  /** From 1, in characters. */
  readonly column: number
  /** `there is no action "filinto"` */
  readonly problem: string
  /** What may be meant: `did you mean "fileinto"?` */
  readonly hint?: string
}

/** `line 3, column 7: there is no action "filinto"; did you mean "fileinto"?` */
export function formatFault({ line, column, problem, hint }: SieveFault): string {
  return `line ${line}, column ${column}: ${problem}${hint === undefined ? '' : `; ${hint}`}`
}

/** Gathers the faults of one script, by their offsets in its text. */
export class Faults {
  readonly found: SieveFault[] = []
  readonly #text: string
  readonly #max: number
  #lines: Uint32Array | undefined

  constructor(text: string, max: number) {
    this.#text = text
    this.#max = max
  }

  get isFull(): boolean {
    return this.found.length >= this.#max
  }

  add(at: number, problem: string, hint?: string): void {
    if (this.isFull) return
    const fault = { ...this.position(at), problem, ...(hint === undefined ? {} : { hint }) }
    // What follows from a fault stands where it stands: one is enough.
    if (this.found.some(({ line, column }) => line === fault.line && column === fault.column)) return
    this.found.push(fault)
  }

  position(at: number): { readonly line: number; readonly column: number } {
    const starts = (this.#lines ??= lineStarts(this.#text))
    const line = lowerBound(starts, starts.length, at + 1)
    return { line, column: at - starts[line - 1]! + 1 }
  }
}

function lineStarts(text: string): Uint32Array {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return Uint32Array.from(starts)
}
