/** Where a text has to be mended so that its header ends for every program at one place. RFC 5322 §2.1, §2.2; as Postfix and Exim do at receipt. */
import { fieldEnd, fieldNameEnd, type Header } from './header.ts'

/** `text` is put where it stands; the bytes there stay. */
export interface HeaderMend {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** A line that goes on so far without a colon is no field, even where its end is not known. */
const nameMax = 1_000

/** An mbox has one; each host of UUCP put one more before it. */
const separatorsMax = 20

/**
 * Separators of an mbox before the first field become fields, and a blank line is put before the first line that is no field: it begins the
 * body, and so does a first line that begins with white space.
 * @param cut the header is longer than the text at hand: its last line may be a field.
 */
export function headerMends(header: Header, cut = false): HeaderMend[] {
  const { text } = header
  const mends: HeaderMend[] = []
  const put = (at: number, words: string): void => void mends.push({ start: at, end: at, text: words })
  let pos = 0
  while (mends.length < separatorsMax && isSeparator(text, pos)) {
    put(pos, 'X-Mailbox-Line: ')
    pos = nextLine(text, pos)
  }
  while (pos < text.length && !isBlank(text, pos)) {
    const end = fieldEnd(text, pos)
    const first = text.charCodeAt(pos)
    const isField = first !== 0x20 && first !== 0x09 && fieldNameEnd(text, pos, end) >= 0
    if (!isField) {
      const undecided = cut && text.length - pos < nameMax && !text.includes('\n', pos)
      if (!undecided) put(pos, '\r\n')
      return mends
    }
    pos = end
  }
  return mends
}

/** `From : x` is a field of old instead. RFC 5322 §4.5. */
function isSeparator(text: string, pos: number): boolean {
  return /^>?From /.test(text.slice(pos, pos + 6)) && fieldNameEnd(text, pos, nextLine(text, pos)) < 0
}

function nextLine(text: string, pos: number): number {
  const lf = text.indexOf('\n', pos)
  return lf < 0 ? text.length : lf + 1
}

function isBlank(text: string, pos: number): boolean {
  return text.startsWith('\n', pos) || text.startsWith('\r\n', pos)
}
