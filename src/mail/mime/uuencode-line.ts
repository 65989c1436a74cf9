/** The lines of a uuencoded file. POSIX uuencode, "historical algorithm" and `begin-base64`. */

/** The first line of a file: permissions and name. */
export const beginLine = /^begin(?:-base64)? ([0-7]{3,4}) ([^\r\n]{1,255})$/

/** A line holds 45 bytes; whatever is much longer is none. */
export const uuLineMax = 200

/** One line of the `begin-base64` form, without its end. undefined where it is none. */
export function base64Line(line: string): Uint8Array | undefined {
  return /^[A-Za-z0-9+/]{1,76}={0,2}$/.test(line) ? Buffer.from(line, 'base64') : undefined
}

/** One line without its end: its count, then groups of four characters. Spaces at its end may have been lost on the way, or a checksum added. */
export function uuLine(line: string): Uint8Array | undefined {
  if (line === '') return undefined
  const count = value(line.charCodeAt(0))
  if (count < 0) return undefined
  const needed = Math.ceil(count / 3) * 4
  // Long lines are prose: a checksum adds one character, some encoders fill up to whole groups.
  if (line.length - 1 > needed + 4) return undefined
  const out = new Uint8Array(Math.ceil(count / 3) * 3)
  for (let group = 0; group * 4 < needed; group += 1) {
    let bits = 0
    for (let char = 0; char < 4; char += 1) {
      const at = 1 + group * 4 + char
      const six = at < line.length ? value(line.charCodeAt(at)) : 0
      if (six < 0) return undefined
      bits = (bits << 6) | six
    }
    out[group * 3] = bits >> 16
    out[group * 3 + 1] = bits >> 8
    out[group * 3 + 2] = bits
  }
  return out.subarray(0, count)
}

/** Six bits; a space and a backquote are both 0. -1 for what is none. */
function value(code: number): number {
  return code >= 0x20 && code <= 0x60 ? (code - 0x20) & 0x3f : -1
}
