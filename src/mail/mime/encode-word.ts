/** Encodes text of any script as ASCII header text: encoded words. RFC 2047. */

/** RFC 2047 §2: an encoded word has at most 75 characters, and so a line that holds one at most 76. */
const wordLengthMax = 75
const lineLengthMax = 76
const overhead = '=?utf-8?q??='.length

/**
 * Unstructured text (Subject, comments): words that need it, and what stands between them, encoded; the rest as it is.
 * Parts are separated by single spaces, at which a field may be folded.
 * @param column characters of the line that are used already, as by `Subject: `.
 */
export function encodeText(text: string, column = 0): string {
  return encodeRun(text, column, (word) => /[^\x21-\x7e]/.test(word) || word.includes('=?'))
}

/**
 * A phrase, as the name before an address: atoms, a quoted string, or encoded words. RFC 5322 §3.2.5, RFC 2047 §5 (3).
 * '' for ''.
 */
export function encodePhrase(text: string, column = 0): string {
  if (text === '') return ''
  if (/^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/.test(text) && !text.includes('=?'))
    return text
  if (/^[\x20-\x7e]*$/.test(text) && !text.includes('=?')) return `"${text.replace(/["\\]/g, '\\$&')}"`
  // In a phrase even ASCII words would need quoting beside encoded ones: all is encoded.
  return words(text, column)
}

function encodeRun(text: string, column: number, needed: (word: string) => boolean): string {
  const parts = text.split(' ')
  const first = parts.findIndex((word) => word !== '' && needed(word))
  // Spaces at an end or in a row would be lost by readers that fold: encoded they stay.
  const spaces = /^ | $| {2}/.test(text)
  if (first < 0 && !spaces) return text
  if (spaces) return words(text, column)
  let last = parts.length - 1
  while (!needed(parts[last]!)) last--
  const before = parts.slice(0, first).join(' ')
  const inside = words(parts.slice(first, last + 1).join(' '), before === '' ? column : column + before.length + 1)
  return [before, inside, parts.slice(last + 1).join(' ')].filter((part) => part !== '').join(' ')
}

/** All of it as encoded words, Q while that is readable, B where it is much shorter; a character is never cut. RFC 2047 §5. */
function words(text: string, column: number): string {
  const characters = Array.from(text, (character) => {
    const bytes = Buffer.from(character)
    return { bytes, q: encodeQ(character, bytes) }
  })
  const bytes = characters.reduce((sum, one) => sum + one.bytes.length, 0)
  const q = characters.reduce((sum, one) => sum + one.q.length, 0)
  const base64 = q > Math.ceil(bytes / 3) * 6
  const out: string[] = []
  let held: typeof characters = []
  let heldLength = 0
  // A line that is nearly full takes no word: the first one moves to the next line by itself.
  let room = Math.min(wordLengthMax, lineLengthMax - (column > lineLengthMax - 24 ? 1 : column)) - overhead
  const flush = (count: number): void => {
    const taken = held.slice(0, count)
    if (taken.length === 0) return
    out.push(
      base64
        ? `=?utf-8?b?${Buffer.concat(taken.map((one) => one.bytes)).toString('base64')}?=`
        : `=?utf-8?q?${taken.map((one) => one.q).join('')}?=`,
    )
    held = held.slice(count)
    heldLength = held.reduce((sum, one) => sum + (base64 ? one.bytes.length : one.q.length), 0)
    room = wordLengthMax - overhead
  }
  const fits = (one: (typeof characters)[number]): boolean => {
    const length = heldLength + (base64 ? one.bytes.length : one.q.length)
    return (base64 ? Math.ceil(length / 3) * 4 : length) <= room
  }
  for (const one of characters) {
    while (held.length > 0 && !fits(one)) flush(base64 ? unpadded(held) : held.length)
    held.push(one)
    heldLength += base64 ? one.bytes.length : one.q.length
  }
  flush(held.length)
  return out.join(' ')
}

/** How many characters make whole groups of three bytes, the most of them: GMime joins words before it decodes, and stops at padding. */
function unpadded(held: readonly { readonly bytes: Uint8Array }[]): number {
  let bytes = 0
  let best = 0
  for (const [at, one] of held.entries()) {
    bytes += one.bytes.length
    if (bytes % 3 === 0) best = at + 1
  }
  // Better padding than many short words.
  return best * 2 < held.length ? held.length : best
}

/** RFC 2047 §4.2, with the set of §5 (3), which is safe everywhere. */
function encodeQ(character: string, bytes: Uint8Array): string {
  if (/^[A-Za-z0-9!*+/-]$/.test(character)) return character
  if (character === ' ') return '_'
  let out = ''
  for (const byte of bytes) out += `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return out
}
