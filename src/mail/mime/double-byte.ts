/**
 * EUC-KR, Big5, Shift_JIS and EUC-JP as the Encoding Standard decodes them (§12.3, §13.1, §13.3, §14.1), on every Node: its own decoders of
 * these have no windows-949, no HKSCS, no user-defined characters, and C1 controls for what means nothing.
 *
 * The tables are made of iconv-lite's when a text first needs them; the algorithms are the Standard's. A test compares every sequence
 * with what Chromium gave (`scripts/charset-oracle.mjs`).
 */

export type DoubleByteName = 'euc-kr' | 'big5' | 'shift_jis' | 'euc-jp'

/** What iconv-lite calls the same characters. */
export const iconvNames: Readonly<Record<DoubleByteName, string>> = {
  'euc-kr': 'cp949',
  big5: 'big5hkscs',
  shift_jis: 'shiftjis',
  'euc-jp': 'eucjp',
}

export interface DoubleByteTable {
  /** UTF-16 code units by lead and trail byte (lead - 0x80, trail); 0: none, 1: see `wide`. */
  readonly units: Uint16Array
  /** Of pairs that are two code units: by the same index. */
  readonly wide: ReadonlyMap<number, string>
  /** Of bytes that stand alone, from 0x80 on; 0: none. */
  readonly single: Uint16Array
  /** 1 for bytes that begin a pair, by byte - 0x80. */
  readonly leads: Uint8Array
  /** JIS X 0212, behind 0x8f in EUC-JP. */
  readonly third: Uint16Array | undefined
}

const replacement = 0xfffd
/** Behind which EUC-JP has three bytes. */
const ss3 = 0x8f

/** @param decode iconv-lite's decoder of that name. */
export function makeDoubleByteTable(name: DoubleByteName, decode: (bytes: Uint8Array) => string): DoubleByteTable {
  const wide = new Map<number, string>()
  const single = new Uint16Array(128)
  if (name === 'shift_jis') {
    single[0] = 0x80
    for (let byte = 0xa1; byte <= 0xdf; byte += 1) single[byte - 0x80] = 0xff61 + byte - 0xa1
  }
  const units = readRows([], decode, wide)
  if (name === 'shift_jis') addUserDefined(units)
  const leads = Uint8Array.from({ length: 128 }, (_, at) => (isLead(0x80 + at, name) ? 1 : 0))
  return { units, wide, single, leads, third: name === 'euc-jp' ? readRows([ss3], decode, wide) : undefined }
}

/** A row for each lead byte is decoded at once, a line feed behind each pair. */
function readRows(
  prefix: readonly number[],
  decode: (bytes: Uint8Array) => string,
  wide: Map<number, string>,
): Uint16Array {
  const units = new Uint16Array(128 * 256)
  for (let lead = 0x81; lead <= 0xfe; lead += 1) {
    const bytes: number[] = []
    for (let trail = 0x40; trail <= 0xfe; trail += 1) bytes.push(...prefix, lead, trail, 0x0a)
    for (const [at, text] of decode(Uint8Array.from(bytes)).split('\n').entries()) {
      // More than one character is what is left of no pair, but for the four of Big5 that are a letter and a mark.
      const isPair = text.length === 1 || /^(?:[\ud800-\udbff][\udc00-\udfff]|[ÊêĘę][\u0304\u030c])$/.test(text)
      if (!isPair || text === '\ufffd') continue
      const index = ((lead - 0x80) << 8) | (0x40 + at)
      units[index] = text.length === 1 ? text.charCodeAt(0) : 1
      if (text.length === 2) wide.set(index, text)
    }
  }
  return units
}

/** Shift_JIS 0xf040 to 0xf9fc are U+E000 to U+E757, in order. Encoding Standard §13.3.1. */
function addUserDefined(units: Uint16Array): void {
  let unit = 0xe000
  for (let lead = 0xf0; lead <= 0xf9; lead += 1)
    for (let trail = 0x40; trail <= 0xfc; trail += 1) if (trail !== 0x7f) units[((lead - 0x80) << 8) | trail] = unit++
}

/** A pair that means nothing is one U+FFFD, and its second byte is read again where it is ASCII: it may be a quote or a bracket. */
export function decodeDoubleByte(bytes: Uint8Array, { units, wide, single, leads, third }: DoubleByteTable): string {
  const { length } = bytes
  // No byte gives more than one unit.
  const out = new Uint16Array(length)
  let used = 0
  let at = 0
  while (at < length) {
    const lead = bytes[at]!
    at += 1
    if (lead < 0x80) {
      out[used++] = lead
      continue
    }
    if (at === length || leads[lead - 0x80] === 0) {
      out[used++] = single[lead - 0x80]! || replacement
      continue
    }
    let table = units
    let row = lead
    if (third !== undefined && lead === ss3 && bytes[at]! >= 0xa1 && bytes[at] !== 0xff) {
      table = third
      row = bytes[at]!
      at += 1
    }
    const trail = bytes[at]
    const index = ((row - 0x80) << 8) | (trail ?? 0)
    const unit = trail === undefined ? 0 : table[index]!
    if (unit > 1) {
      out[used++] = unit
      at += 1
    } else if (unit === 1) {
      const text = wide.get(index)!
      out[used++] = text.charCodeAt(0)
      out[used++] = text.charCodeAt(1)
      at += 1
    } else {
      out[used++] = replacement
      if (trail === undefined || trail >= 0x80) at += 1
    }
  }
  return Buffer.from(out.buffer, 0, used * 2).toString('utf16le')
}

function isLead(byte: number, name: DoubleByteName): boolean {
  if (name === 'shift_jis') return (byte >= 0x81 && byte <= 0x9f) || (byte >= 0xe0 && byte <= 0xfc)
  if (name === 'euc-jp') return byte === 0x8e || byte === ss3 || (byte >= 0xa1 && byte <= 0xfe)
  return byte >= 0x81 && byte <= 0xfe
}
