/** uuencode as a transfer encoding, as mailers before MIME and some of its time wrote it: x-uuencode, uuencode, x-uue, uue. */
import { base64Line, beginLine, uuLine, uuLineMax } from './uuencode-line.ts'

/** The `begin` line is looked for within so many bytes; where none comes, the body is passed on as it stands. */
const beforeBeginMax = 65_536

const lf = 0x0a
const none = new Uint8Array(0)

type State = 'before' | 'lines' | 'base64' | 'behind' | 'raw'

/**
 * The bytes of the first file of a body. Lines before its `begin` and behind its `end` are passed over, those that are no data too; a
 * missing `end` leaves what came. A body without `begin` is not encoded: its bytes stay as they are.
 */
export class UuencodeDecoder {
  #state: State = 'before'
  /** What came before the `begin` line, in case that none comes; then the beginning of a line that is cut. */
  readonly #held = Buffer.allocUnsafe(beforeBeginMax)
  #heldLength = 0
  /** Where in `#held` the line begins that may be `begin`. */
  #lineStart = 0

  write(bytes: Uint8Array): Uint8Array {
    if (this.#state === 'raw') return new Uint8Array(bytes)
    if (this.#state === 'behind') return none
    if (this.#state !== 'before') return this.#decode(bytes)
    const used = Math.min(bytes.length, beforeBeginMax - this.#heldLength)
    const from = this.#heldLength
    this.#held.set(bytes.subarray(0, used), from)
    this.#heldLength += used
    const dataStart = this.#findBegin(from)
    if (dataStart >= 0) {
      const data = Buffer.concat([this.#held.subarray(dataStart, this.#heldLength), bytes.subarray(used)])
      this.#heldLength = 0
      return this.#decode(data)
    }
    if (this.#heldLength < beforeBeginMax) return none
    this.#state = 'raw'
    return Buffer.concat([this.#held, bytes.subarray(used)])
  }

  end(): Uint8Array {
    if (this.#state === 'before') return new Uint8Array(this.#held.subarray(0, this.#heldLength))
    if (this.#state === 'raw' || this.#state === 'behind') return none
    return this.#decode(Uint8Array.of(lf))
  }

  /** Behind the line feed of the `begin` line, or -1. @param from what was looked at already. */
  #findBegin(from: number): number {
    let searched = from
    for (;;) {
      const found = this.#held.subarray(0, this.#heldLength).indexOf(lf, searched)
      if (found < 0) return -1
      const text = found - this.#lineStart > 300 ? '' : lineText(this.#held, this.#lineStart, found)
      this.#lineStart = found + 1
      searched = found + 1
      if (!beginLine.test(text)) continue
      this.#state = text.startsWith('begin-') ? 'base64' : 'lines'
      return found + 1
    }
  }

  #decode(bytes: Uint8Array): Uint8Array {
    const pieces: Uint8Array[] = []
    let at = 0
    while (at < bytes.length && this.#state !== 'behind') {
      const found = bytes.indexOf(lf, at)
      if (found < 0) {
        this.#hold(bytes.subarray(at))
        break
      }
      let line: string | undefined
      if (this.#heldLength > 0) {
        this.#hold(bytes.subarray(at, found))
        line = this.#heldLength > uuLineMax ? undefined : lineText(this.#held, 0, this.#heldLength)
        this.#heldLength = 0
      } else if (found - at <= uuLineMax) line = lineText(bytes, at, found)
      at = found + 1
      if (line !== undefined) this.#takeLine(line, pieces)
    }
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
  }

  /** Keeps the beginning of a line: of a longer one only that it is too long. */
  #hold(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, uuLineMax + 1 - this.#heldLength)
    this.#held.set(kept, this.#heldLength)
    this.#heldLength += kept.length
  }

  #takeLine(line: string, pieces: Uint8Array[]): void {
    const isBase64 = this.#state === 'base64'
    if (line.trimEnd() === (isBase64 ? '====' : 'end')) {
      this.#state = 'behind'
      return
    }
    const data = isBase64 ? base64Line(line) : uuLine(line)
    if (data !== undefined) pieces.push(data)
  }
}

/** A line without a carriage return at its end; spaces there are data. */
function lineText(bytes: Uint8Array, start: number, end: number): string {
  let last = end
  while (last > start && bytes[last - 1]! < 0x20) last -= 1
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1', start, last)
}
