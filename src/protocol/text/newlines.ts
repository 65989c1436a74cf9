/** Bare CR and LF made into CRLF, for senders that know no better. RFC 5321 §2.3.8 says that they must. */
import { view } from '../../base/bytes.ts'

const CR = 13
const LF = 10
const DOT = 46
const crlf = Buffer.from('\r\n')

/**
 * Makes every line end of a body CRLF: a bare LF, and a CR that no LF follows (but `CR CR LF`, the mark of a text-mode file
 * that was converted twice, is one line end). Chunks may be cut anywhere; `end()` gives what was kept back.
 *
 * Only the end of data knows what was dot-stuffed, and it heeds CRLF alone: a dot doubled behind a bare LF is undone here, since
 * a client that ends lines so has doubled dots so. A single one there ends nothing, and stays.
 */
export class NewlineMender {
  readonly #stuffed: boolean
  /** CRs seen at the end of the last chunk. */
  #crs = 0
  /** The last line ended in a bare LF, and this is the first byte of the next; then: after its first dot. */
  #line: 'other' | 'behindBare' | 'behindBareDot' = 'other'

  /** @param stuffed the bytes came out of a DATA stream; false: they are a text as it was written, and every dot belongs to it. */
  constructor(stuffed = true) {
    this.#stuffed = stuffed
  }

  push(chunk: Uint8Array): Uint8Array {
    const bytes = view(chunk)
    // The usual case: nothing to mend, and nothing kept from before.
    if (this.#crs === 0 && this.#line === 'other' && isCanonical(bytes)) return bytes
    const parts: Uint8Array[] = []
    let from = 0
    const upTo = (at: number): void => {
      if (at > from) parts.push(bytes.subarray(from, at))
    }
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!
      if (byte === CR) {
        if (this.#crs === 0) {
          upTo(at)
          this.#line = 'other'
        }
        this.#crs++
        from = at + 1
        continue
      }
      if (byte === LF) {
        if (this.#crs === 0) upTo(at)
        // CR…CR LF is one line end; an LF alone is one as well.
        parts.push(crlf)
        this.#line = this.#crs === 0 && this.#stuffed ? 'behindBare' : 'other'
        this.#crs = 0
        from = at + 1
        continue
      }
      if (this.#crs > 0) {
        for (; this.#crs > 0; this.#crs--) parts.push(crlf)
        from = at
      }
      if (this.#line === 'behindBare') this.#line = byte === DOT ? 'behindBareDot' : 'other'
      else if (this.#line === 'behindBareDot') {
        this.#line = 'other'
        if (byte === DOT) {
          upTo(at)
          from = at + 1
        }
      }
    }
    if (this.#crs === 0) upTo(bytes.length)
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  }

  end(): Uint8Array {
    const bytes = Buffer.concat(Array.from({ length: this.#crs }, () => crlf))
    this.#crs = 0
    return bytes
  }
}

/** Notes whether a CR or LF of a stream stands alone. Chunks may be cut anywhere. RFC 5321 §2.3.8. */
export class NewlineWatch {
  bare = false
  /** The last chunk ended in a CR. */
  #cr = false

  push(chunk: Uint8Array): void {
    if (this.bare || chunk.length === 0) return
    const bytes = view(chunk)
    let from = 0
    if (this.#cr) {
      this.#cr = false
      if (bytes[0] !== LF) return void (this.bare = true)
      from = 1
    }
    let end = bytes.length
    if (end > from && bytes[end - 1] === CR) {
      this.#cr = true
      end--
    }
    this.bare = !isCanonical(bytes.subarray(from, end))
  }

  end(): void {
    if (this.#cr) this.bare = true
  }
}

/** Every CR and LF belongs to a CRLF, and none stands at the end alone. */
function isCanonical(bytes: Buffer): boolean {
  let at = 0
  for (;;) {
    const lf = bytes.indexOf(LF, at)
    const cr = bytes.indexOf(CR, at)
    if (lf < 0) return cr < 0
    if (cr < 0 || cr !== lf - 1) return false
    at = lf + 1
  }
}
