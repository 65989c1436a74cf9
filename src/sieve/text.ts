/** Strings of a script as they run: constant, or with references to variables. RFC 5228 §2.4.2.4, RFC 5229 §3. */

/** `${name}`, `${1}`, `${global.name}` */
export interface Reference {
  /** Lower case, without its dot. */
  readonly namespace?: string
  /** Lower case; of a match variable its number. */
  readonly name: string | number
}

export interface Template {
  readonly parts: readonly (string | Reference)[]
  /** As it is written: some uses count before variables are put in. RFC 5230 §4.2. */
  readonly source: string
}

export type Text = string | Template

export interface Texts {
  readonly items: readonly Text[]
  /** All of them, if none holds a reference. */
  readonly constant?: readonly string[]
}

export function textsOf(items: readonly Text[]): Texts {
  return items.every((item) => typeof item === 'string') ? { items, constant: items } : { items }
}

export function sourceOf(text: Text): string {
  return typeof text === 'string' ? text : text.source
}

const reference = /\$\{((?:[a-z_]\w*\.(?:(?:\d+|[a-z_]\w*)\.)*)?)(\d+|[a-z_]\w*)\}/giy
/** Longer numbers name no match variable: they count as the largest. */
const indexMax = 9_999_999

/** Finds the references of a string; what is none stays as it is. RFC 5229 §3. */
export function parseTemplate(source: string): Text {
  if (!source.includes('${')) return source
  const parts: (string | Reference)[] = []
  let plainStart = 0
  for (let at = source.indexOf('${'); at >= 0;) {
    reference.lastIndex = at
    const found = reference.exec(source)
    if (found === null) {
      at = source.indexOf('${', at + 2)
      continue
    }
    const [whole, namespace = '', name = ''] = found
    if (at > plainStart) parts.push(source.slice(plainStart, at))
    parts.push({
      ...(namespace === '' ? {} : { namespace: namespace.slice(0, -1).toLowerCase() }),
      name: /^\d/.test(name) ? Math.min(Number(name), indexMax) : name.toLowerCase(),
    })
    plainStart = at + whole.length
    at = source.indexOf('${', plainStart)
  }
  if (parts.length === 0) return source
  if (plainStart < source.length) parts.push(source.slice(plainStart))
  return { parts, source }
}

const encoded = /\$\{(hex|unicode):\s*([0-9a-f]+(?:\s+[0-9a-f]+)*)\s*\}/giy

export type DecodedText =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'fault'; readonly problem: string }

/** Puts characters in the place of `${hex:24}` and `${unicode:20AC}`. RFC 5228 §2.4.2.4. */
export function decodeEncodedCharacters(source: string): DecodedText {
  if (!source.includes('${')) return { kind: 'text', text: source }
  const parts: string[] = []
  // Bytes of neighbouring sequences belong together: a character may be spread over them.
  let bytes: number[] = []
  let plainStart = 0
  let isUtf8 = true
  const flush = (): void => {
    if (bytes.length === 0) return
    const text = Buffer.from(bytes).toString('utf8')
    isUtf8 &&= Buffer.from(text, 'utf8').equals(Buffer.from(bytes))
    parts.push(text)
    bytes = []
  }
  for (let at = source.indexOf('${'); at >= 0;) {
    encoded.lastIndex = at
    const found = encoded.exec(source)
    const numbers = found?.[2]!
      .split(/\s+/)
      .map((digits) => (digits.length > 8 ? Infinity : Number.parseInt(digits, 16)))
    const isHex = found?.[1]!.toLowerCase() === 'hex'
    // One octet has at most two digits: others are no sequence, and stay.
    if (found === null || numbers === undefined || (isHex && numbers.some((number) => number > 0xff))) {
      at = source.indexOf('${', at + 2)
      continue
    }
    if (at > plainStart) {
      flush()
      parts.push(source.slice(plainStart, at))
    }
    if (isHex) for (const byte of numbers) bytes.push(byte)
    else {
      flush()
      const wrong = numbers.find((number) => number > 0x10ffff || (number >= 0xd800 && number <= 0xdfff))
      if (wrong !== undefined) return { kind: 'fault', problem: 'names a character that Unicode does not have' }
      parts.push(numbers.map((number) => String.fromCodePoint(number)).join(''))
    }
    plainStart = at + found[0].length
    at = source.indexOf('${', plainStart)
  }
  flush()
  parts.push(source.slice(plainStart))
  if (!isUtf8) return { kind: 'fault', problem: 'holds octets that are not UTF-8' }
  return { kind: 'text', text: parts.join('') }
}
