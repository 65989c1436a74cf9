/** Files within plain text, as in mail before MIME: `begin 644 name` … `end`. POSIX uuencode, "historical algorithm". */

import { base64Line, beginLine, uuLine, uuLineMax } from '../mime/uuencode-line.ts'

/** A file that was found in a text. */
export interface UuencodedFile {
  /** As written; not made safe as a file name. */
  readonly name: string
  /** The permissions, octal in the text: `0o644`. */
  readonly mode: number
  readonly content: Uint8Array
  /** Indexes in the text: from `begin` to after the line of `end`. */
  readonly start: number
  readonly end: number
  /** Whether there was an `end` line. Without it `content` has what came before the text ended. */
  readonly ended: boolean
}

/** Files taken from one text; further ones stay in it. Real texts have fewer; a text of `begin` lines must not become a long list. */
export const uuencodedFilesMax = 1_000

/**
 * The files in a text, in order; the `begin-base64` form too. Only ASCII characters count. Linear in the length of the text.
 *
 * Lenient: lost spaces at line ends are restored, checksums are ignored, without an `end` the data so far is taken.
 * Prose that begins with the word `begin` is not a file: the next line must be data.
 */
export function findUuencoded(text: string): UuencodedFile[] {
  const files: UuencodedFile[] = []
  let at = text.startsWith('begin') ? 0 : nextBegin(text, 0)
  while (at >= 0 && files.length < uuencodedFilesMax) {
    const lineEnd = endOfLine(text, at)
    const found = beginLine.exec(lineEnd - at > 300 ? '' : lineText(text, at, lineEnd))
    const file = found === null ? undefined : readFile(text, at, lineEnd, found)
    if (file === undefined) at = nextBegin(text, lineEnd - 1)
    else {
      files.push(file)
      at = text.startsWith('begin', file.end) ? file.end : nextBegin(text, file.end)
    }
  }
  return files
}

/** Splits a text, such as `ReadMessage.plainText`, into the text without files, and the files. */
export function splitUuencoded(text: string): { readonly text: string; readonly files: readonly UuencodedFile[] } {
  const files = findUuencoded(text)
  let out = ''
  let at = 0
  for (const { start, end } of files) {
    out += text.slice(at, start)
    at = end
  }
  return { text: out + text.slice(at), files }
}

function nextBegin(text: string, from: number): number {
  const found = text.indexOf('\nbegin', Math.max(0, from))
  return found < 0 ? -1 : found + 1
}

/** The index after the line feed; the end of the text if there is none. */
function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start)
  return end < 0 ? text.length : end + 1
}

function lineText(text: string, start: number, end: number): string {
  let last = end
  while (last > start && text.charCodeAt(last - 1) <= 0x20 && text.charCodeAt(last - 1) !== 0x20) last -= 1
  return text.slice(start, last)
}

/** The file whose `begin` is at `start`; undefined if no line of data follows: then it is prose. */
function readFile(text: string, start: number, dataStart: number, found: RegExpExecArray): UuencodedFile | undefined {
  const isBase64 = found[0].startsWith('begin-')
  const pieces: Uint8Array[] = []
  let at = dataStart
  let ended = false
  let lines = 0
  let isShort = false
  while (at < text.length) {
    const lineEnd = endOfLine(text, at)
    const line = lineEnd - at > uuLineMax ? undefined : lineText(text, at, lineEnd)
    if (line === undefined) break
    if (line.trimEnd() === (isBase64 ? '====' : 'end')) {
      ended = true
      at = lineEnd
      break
    }
    // The last line, of length zero, whose only space was lost in transit.
    if (line === '' && text.startsWith('end', lineEnd)) {
      at = lineEnd
      continue
    }
    const bytes = isBase64 ? base64Line(line) : uuLine(line)
    if (bytes === undefined) break
    if (!isBase64 && line.length - 1 < Math.ceil(bytes.length / 3) * 4) isShort = true
    pieces.push(bytes)
    lines += 1
    at = lineEnd
  }
  // Without an `end`, lines shorter than their count are more likely prose in capitals than data that lost its spaces.
  if (!ended && (lines === 0 || isShort)) return undefined
  const content = new Uint8Array(Buffer.concat(pieces))
  return { name: found[2]!.trim(), mode: Number.parseInt(found[1]!, 8), content, start, end: at, ended }
}
