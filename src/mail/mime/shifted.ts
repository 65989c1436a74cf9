/**
 * Charsets of seven bits that shift between sets: ISO-2022-JP and its kin (RFC 1468, RFC 1554, RFC 2237), ISO-2022-KR (RFC 1557) and HZ
 * (RFC 1843). Each run is decoded by the EUC form of its set, so that no tables are needed here.
 *
 * Departs: Encoding Standard §13.2, where an escape that another follows is an error: words that each return to ASCII, as RFC 2047 §3 wants
 * it, are joined before they are decoded, and mailers write such escapes in bodies.
 */

/** Sets that a run can be of. 'roman' is JIS X 0201's ASCII, with a yen sign and an overline. */
type Set = 'ascii' | 'roman' | 'katakana' | 'jis' | 'jis0212' | 'gb' | 'ks'

const escapes: readonly (readonly [string, Set])[] = [
  ['(B', 'ascii'],
  ['(J', 'roman'],
  ['(H', 'roman'],
  ['(I', 'katakana'],
  ['$@', 'jis'],
  ['$B', 'jis'],
  ['$(@', 'jis'],
  ['$(B', 'jis'],
  // JIS X 0213 has the characters of 0208 in its first plane.
  ['$(O', 'jis'],
  ['$(Q', 'jis'],
  ['$(D', 'jis0212'],
  ['$A', 'gb'],
  ['$(C', 'ks'],
]

const esc = 0x1b
const so = 0x0e
const si = 0x0f
const lf = 0x0a
const tilde = 0x7e

/** Decodes bytes of an EUC form. */
export type DecodeRun = (bytes: Uint8Array, charset: 'euc-jp' | 'euc-kr' | 'gb18030') => string

/** ISO-2022-JP, all its extensions, and half-width katakana behind SO or in eight bits (cp50220 to cp50222). */
export function decodeIso2022Jp(bytes: Uint8Array, decode: DecodeRun): string {
  const runs = new Runs(bytes, decode)
  let set: Set = 'ascii'
  let shifted = false
  let start = 0
  let at = 0
  const end = (next: Set, length: number): void => {
    runs.add(start, at, shifted ? 'katakana' : set)
    set = next
    at += length
    start = at
  }
  while (at < bytes.length) {
    const code = bytes[at]!
    if (code === esc) {
      const found = escapes.find(([text]) => startsWith(bytes, at + 1, text))
      if (found !== undefined) {
        end(found[1], found[0].length + 1)
        continue
      }
    } else if (code === so || code === si) {
      end(set, 1)
      shifted = code === so
      continue
    } else if (code === lf) {
      // A line begins in ASCII, also where the return was lost. RFC 1468.
      end('ascii', 0)
      shifted = false
    }
    at += 1
  }
  end('ascii', 0)
  return runs.out
}

/** ISO-2022-KR: KS X 1001 between SO and SI. The escape that announces it is passed over. */
export function decodeIso2022Kr(bytes: Uint8Array, decode: DecodeRun): string {
  const runs = new Runs(bytes, decode)
  let set: Set = 'ascii'
  let start = 0
  for (let at = 0; at <= bytes.length; at += 1) {
    const code = bytes[at]
    const announces = code === esc && startsWith(bytes, at + 1, '$)C')
    if (code !== undefined && code !== so && code !== si && code !== lf && !announces) continue
    runs.add(start, at, set)
    set = code === so ? 'ks' : announces ? set : 'ascii'
    if (announces) at += 3
    start = code === lf ? at : at + 1
  }
  return runs.out
}

/** HZ: GB 2312 between `~{` and `~}`; `~~` is a tilde, `~` at the end of a line joins it to the next. */
export function decodeHz(bytes: Uint8Array, decode: DecodeRun): string {
  const runs = new Runs(bytes, decode)
  let set: Set = 'ascii'
  let start = 0
  for (let at = 0; at <= bytes.length; at += 1) {
    const code = bytes[at]
    const next: number | undefined = code === tilde ? bytes[at + 1] : undefined
    const shifts: boolean = (next === 0x7b && set === 'ascii') || (next === 0x7d && set === 'gb')
    const joins = set === 'ascii' && (next === tilde || next === lf)
    if (code !== undefined && code !== lf && !shifts && !joins) {
      // The pair's second byte may be a tilde.
      if (set === 'gb') at += 1
      continue
    }
    runs.add(start, Math.min(at, bytes.length), set)
    if (next === tilde && joins) runs.out += '~'
    set = shifts && next === 0x7b ? 'gb' : 'ascii'
    if (shifts || joins) at += 1
    start = code === lf ? at : at + 1
  }
  return runs.out
}

class Runs {
  out = ''
  readonly #bytes: Uint8Array
  readonly #decode: DecodeRun

  constructor(bytes: Uint8Array, decode: DecodeRun) {
    this.#bytes = bytes
    this.#decode = decode
  }

  add(start: number, end: number, set: Set): void {
    if (end <= start) return
    const run = this.#bytes.subarray(start, end)
    if (set === 'ascii') this.out += asciiText(run)
    else if (set === 'roman') this.out += asciiText(run).replaceAll('\\', '¥').replaceAll('~', '‾')
    else if (set === 'katakana') this.out += this.#decode(prefixed(run, 0x8e, 1), 'euc-jp')
    else if (set === 'jis0212') this.out += this.#decode(prefixed(run, 0x8f, 2), 'euc-jp')
    else this.out += this.#decode(run.map(high), set === 'jis' ? 'euc-jp' : set === 'ks' ? 'euc-kr' : 'gb18030')
  }
}

function asciiText(run: Uint8Array): string {
  return Buffer.from(run.buffer, run.byteOffset, run.length)
    .toString('latin1')
    .replace(/[\x1b\x80-\xff]/g, '\ufffd')
}

/** Controls and spaces among the pairs stay what they are. */
function high(code: number): number {
  return code > 0x20 && code < 0x7f ? code | 0x80 : code
}

/** Each character of `size` bytes with a byte before it. */
function prefixed(run: Uint8Array, before: number, size: number): Uint8Array {
  const out: number[] = []
  for (let at = 0; at < run.length;) {
    const code = run[at]!
    if (code <= 0x20 || code >= 0x7f) {
      out.push(code)
      at += 1
      continue
    }
    out.push(before)
    for (let count = 0; count < size && at < run.length; count += 1) out.push(run[at++]! | 0x80)
  }
  return Uint8Array.from(out)
}

function startsWith(bytes: Uint8Array, start: number, text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (bytes[start + at] !== text.charCodeAt(at)) return false
  return true
}
