/** The boundaries of the multiparts that are open, and which of them a line has. RFC 2046 §5.1.1. */
import { parameterText, parameterValue } from './parameters.ts'
import type { PartBuilder } from './part-builder.ts'

export interface OpenBoundary {
  readonly bytes: Uint8Array
  readonly part: PartBuilder
  /** Where the part lies in the stack of open parts. */
  readonly depth: number
}

export interface Delimiter {
  /** Index in the open boundaries. */
  readonly at: number
  readonly closes: boolean
}

const lf = 0x0a
const dash = 0x2d

/** The boundary that a multipart names, or undefined where it has none that can be used. */
export function boundaryOf(part: PartBuilder, bytesMax: number): Uint8Array | undefined {
  const { parameters } = part.contentType
  // Only a boundary in RFC 2231 form needs to be decoded; a plain one may look like anything.
  const isPlain = parameters.some((one) => one.name === 'boundary' && !one.extended)
  const text = isPlain ? parameterValue(parameters, 'boundary') : parameterText(parameters, 'boundary')
  // Trailing space cannot be part of it (bcharsnospace): transports add some and take it away.
  const boundary = text?.trimEnd()
  return boundary === undefined || boundary === '' || boundary.length > bytesMax
    ? undefined
    : Buffer.from(boundary, 'latin1')
}

export class OpenBoundaries {
  /** Outermost first. */
  readonly open: OpenBoundary[] = []
  #lengthMax = 0

  push(boundary: OpenBoundary): void {
    this.open.push(boundary)
    this.#lengthMax = Math.max(this.#lengthMax, boundary.bytes.length)
  }

  /** Forgets all but the outermost `count`. */
  truncate(count: number): void {
    this.open.length = count
    this.#lengthMax = this.open.reduce((max, one) => Math.max(max, one.bytes.length), 0)
  }

  /**
   * Which open boundary the line at `pos`, which begins with a dash, has. The beginning of the line decides; where several
   * match, the longest does, and of equal ones the innermost: nested boundaries are often prolonged outer ones.
   *
   * @param final whether no bytes follow these; else 'more' says that the line must grow before it can be told.
   */
  find(bytes: Uint8Array, pos: number, final: boolean): Delimiter | 'more' | undefined {
    const enough = pos + 2 + this.#lengthMax + 2
    if (!final && enough > bytes.length && bytes.indexOf(lf, pos) < 0) return 'more'
    if (bytes[pos + 1] !== dash) return undefined
    let best = -1
    let length = 0
    for (let at = this.open.length - 1; at >= 0; at -= 1) {
      const boundary = this.open[at]!.bytes
      if (boundary.length <= length || !startsAt(bytes, pos + 2, boundary)) continue
      best = at
      length = boundary.length
    }
    if (best < 0) return undefined
    const after = pos + 2 + length
    return { at: best, closes: bytes[after] === dash && bytes[after + 1] === dash }
  }
}

function startsAt(bytes: Uint8Array, pos: number, word: Uint8Array): boolean {
  if (pos + word.length > bytes.length) return false
  for (let at = 0; at < word.length; at += 1) if (bytes[pos + at] !== word[at]) return false
  return true
}
