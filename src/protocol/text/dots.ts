/** Message bytes out of a DATA stream and into one. RFC 5321 §4.5.2. */
import { empty, view } from '../../base/bytes.ts'

const CR = 13
const LF = 10
const DOT = 46

/** Where in the pattern CRLF . CRLF the stream stands. */
type At = 'lineStart' | 'text' | 'cr' | 'dot' | 'dotCr'

/** What a DATA stream has been so far. */
export interface DotState {
  at: At
  /** A CR or LF that stood alone: the message will be refused, after its true end. RFC 5321 §2.3.8. */
  bareNewline: boolean
}

export function startBody(): DotState {
  return { at: 'lineStart', bareNewline: false }
}

/**
 * Takes message bytes out of a DATA stream, undoing dot-stuffing.
 *
 * Chunks may be cut anywhere. `write` gets views of the chunk, valid during the call. Returns undefined while the body goes on, and after the final
 * dot what the client pipelined behind it.
 *
 * Only CRLF . CRLF ends the body. A bare CR or LF is noted and the body swallowed to its true end, where it earns a 554: servers that
 * answer in the middle, or disagree about line ends, can be made to see two messages in one.
 */
export function takeBody(
  state: DotState,
  chunk: Uint8Array,
  write: (bytes: Uint8Array) => void,
): Uint8Array | undefined {
  const bytes = view(chunk)
  const length = bytes.length
  let at = 0
  /** Start of what is certain and not yet written. */
  let from = 0
  while (at < length) {
    const byte = bytes[at]!
    switch (state.at) {
      case 'lineStart':
        if (byte === DOT) {
          // Either stuffing or the end: the dot itself is never part of the body.
          if (at > from) write(bytes.subarray(from, at))
          from = ++at
          state.at = 'dot'
          continue
        }
        state.at = 'text'
        continue
      case 'dot':
        if (byte === CR) {
          state.at = 'dotCr'
          at++
          continue
        }
        state.at = 'text'
        continue
      case 'dotCr':
        if (byte === LF) return bytes.subarray(at + 1)
        // ". CR" without LF: the CR belongs to the line, and is bare. If it came with the last chunk, it must be written now.
        state.bareNewline = true
        if (from === at) write(carriageReturn)
        state.at = byte === CR ? 'cr' : 'text'
        if (byte === CR) at++
        continue
      case 'cr':
        if (byte === LF) {
          at++
          state.at = 'lineStart'
          continue
        }
        state.bareNewline = true
        if (byte !== CR) state.at = 'text'
        else at++
        continue
      case 'text': {
        const lf = bytes.indexOf(LF, at)
        const end = lf < 0 ? length : lf
        if (lf > at && bytes[lf - 1] === CR) {
          if (!state.bareNewline && hasBareCr(bytes, at, lf - 1)) state.bareNewline = true
          at = lf + 1
          state.at = 'lineStart'
          continue
        }
        if (!state.bareNewline && hasBareCr(bytes, at, end - 1)) state.bareNewline = true
        if (lf < 0) {
          state.at = bytes[length - 1] === CR ? 'cr' : 'text'
          at = length
          continue
        }
        // A bare LF: the line goes on as far as the end of data is concerned.
        state.bareNewline = true
        at = lf + 1
        continue
      }
    }
  }
  // In 'dotCr' the CR is kept back: it is part of the end, most likely.
  const end = state.at === 'dotCr' ? Math.min(length, Math.max(from, length - 1)) : length
  if (end > from) write(bytes.subarray(from, end))
  return undefined
}

const carriageReturn = Uint8Array.of(CR)

/** A CR in [start, end) cannot be followed by the LF that ends the line. */
function hasBareCr(bytes: Buffer, start: number, end: number): boolean {
  const cr = bytes.indexOf(CR, start)
  return cr >= 0 && cr < end
}

/** Stuffs dots for sending. Chunks may be cut anywhere; `end()` gives what closes the data. */
export class DotStuffer {
  #lineStart = true
  #endsWithCr = false

  push(chunk: Uint8Array): Uint8Array {
    if (chunk.length === 0) return empty
    const bytes = view(chunk)
    const parts: Uint8Array[] = []
    let from = 0
    // One native search for what has to be stuffed, not one for each line.
    let at = this.#lineStart && bytes[0] === DOT ? 0 : after(bytes.indexOf(lineWithDot))
    while (at >= 0) {
      parts.push(bytes.subarray(from, at), dot)
      from = at
      at = after(bytes.indexOf(lineWithDot, at))
    }
    parts.push(bytes.subarray(from))
    const last = bytes[bytes.length - 1]
    this.#lineStart = last === LF
    this.#endsWithCr = last === CR
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  end(): Uint8Array {
    return Buffer.from(this.#lineStart && !this.#endsWithCr ? '.\r\n' : '\r\n.\r\n')
  }
}

const dot = Uint8Array.of(DOT)
const lineWithDot = Buffer.from([LF, DOT])

/** Where the dot stands; -1 for none. */
function after(found: number): number {
  return found < 0 ? -1 : found + 1
}
