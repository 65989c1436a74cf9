/**
 * The structure pass: one look at each byte of a message, in chunks cut anywhere, gives its tree of parts. RFC 2046 §5.
 *
 * What it holds does not grow with the message: header bytes, parts and nesting have limits, and what goes beyond
 * them is noted as a defect and left inside the part where it happened.
 */
import { view } from '../../base/bytes.ts'
import { latin1 } from '../header.ts'
import { boundaryOf, OpenBoundaries } from './boundaries.ts'
import type { Delimiter } from './boundaries.ts'
import { defaultContentType } from './content-type.ts'
import type { ContentType } from './content-type.ts'
import { PartBuilder } from './part-builder.ts'
import type { Part } from './part.ts'
import { transferEncoding } from './transfer-encoding.ts'

export interface StructureLimits {
  /** Of one header; the rest of it is passed over. Real ones reach 100 KiB in loops and with many recipients. */
  readonly headerBytesMax: number
  /** Of all headers of a message together: this and the tree are all that the pass keeps. */
  readonly headersBytesMax: number
  /** Later delimiters are text of the last part. Dovecot draws its line at the same number. */
  readonly partsMax: number
  /** Multiparts and messages inside each other. Forwarding chains reach 20; readers of the tree recurse this deep. */
  readonly depthMax: number
  /** RFC 2046 §5.1.1 allows 70. A line is compared with the open boundaries, so this bounds what is held of a line. */
  readonly boundaryBytesMax: number
}

export const structureLimits: StructureLimits = {
  headerBytesMax: 1_048_576,
  headersBytesMax: 4_194_304,
  partsMax: 10_000,
  depthMax: 100,
  boundaryBytesMax: 1_000,
}

/** The tree of a message that is in memory. The same as `StructureParser` finds in any pieces of it. */
export function parseStructure(bytes: Uint8Array, limits: StructureLimits = structureLimits): Part {
  const parser = new StructureParser(limits)
  parser.push(bytes)
  return parser.end()
}

/** Is told of parts while the message comes in: each begins once and ends once, inside its parent. */
export interface StructureListener {
  /** Its header is read and its kind is known; `bodyStart` holds unless the body turns out to be empty. @param header as it stands, without the blank line. */
  partBegins(part: Part, header: string): void
  /** Its ranges are final. */
  partEnds(part: Part): void
}

const lf = 0x0a
const cr = 0x0d
const dash = 0x2d
const delimiterStart = Buffer.from('\n--')
const none = new Uint8Array(0)

/** What a composite part counts as when a limit keeps us out of it: only a leaf has no parts. */
const opaqueContentType: ContentType = { type: 'application', subtype: 'octet-stream', parameters: [] }

/** 'delimiter' is the rest of a delimiter line, before a header or (after a closing one) an epilogue. */
type State = 'header' | 'delimiter' | 'body'

export class StructureParser {
  readonly #limits: StructureLimits
  readonly #root = new PartBuilder(0, false)
  /** The parts that are open, outermost first. */
  readonly #stack: PartBuilder[] = [this.#root]
  readonly #boundaries = new OpenBoundaries()
  #state: State = 'header'
  #afterDelimiter: 'header' | 'body' = 'body'
  /** Whether the next byte continues a line. */
  #midLine = false
  /** Length of the line end before this line; 0 at the beginning of a header. */
  #lineEnd = 0
  #lastByteCr = false
  /** Line feeds seen while somebody counts, and how many open parts do. */
  #lines = 0
  #counting = 0
  readonly #linesBefore: number[] = [0]
  #headerText = ''
  #headerBytes = 0
  #headersLeft: number
  #parts = 1
  /** Bytes not decided upon: the beginning of a line that may become a delimiter. */
  #held: Uint8Array = none
  /** Where in the message the bytes at hand begin. */
  #offset = 0

  readonly #listener: StructureListener | undefined
  /** How many of the open parts, outermost first, the listener knows of. */
  #told = 0

  constructor(limits: StructureLimits = structureLimits, listener?: StructureListener) {
    this.#limits = limits
    this.#listener = listener
    this.#headersLeft = limits.headersBytesMax
  }

  /** Takes the next bytes, however they are cut. They may be overwritten afterwards. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const used = this.#scan(bytes, false)
    // Copied: slice() of a Buffer is a view.
    this.#held = used === bytes.length ? none : new Uint8Array(bytes.subarray(used))
    this.#offset += used
  }

  /** So many bytes of the message are decided upon; those that were pushed behind it wait for more. */
  get position(): number {
    return this.#offset
  }

  /** No more bytes come. */
  end(): Part {
    const used = this.#scan(this.#held, true)
    this.#offset += used
    this.#held = none
    const end = this.#offset
    if (this.#state === 'header') {
      this.#stack.at(-1)!.note('headerUnfinished')
      this.#endHeader(none, 0, 0, end)
    } else if (this.#state === 'delimiter' && this.#afterDelimiter === 'header') {
      this.#beginPart(end)
      this.#stack.at(-1)!.note('headerUnfinished')
    }
    for (const { part } of this.#boundaries.open) part.note(part.children.length === 0 ? 'partsMissing' : 'endMissing')
    while (this.#stack.length > 0) this.#closePart(end, false)
    return this.#root
  }

  /** @returns how many bytes were used; fewer than there are only when a line's beginning must wait for more. */
  #scan(bytes: Uint8Array, final: boolean): number {
    let pos = 0
    while (pos < bytes.length) {
      const before = pos
      const state = this.#state
      if (state === 'header') pos = this.#scanHeader(bytes, pos, final)
      else if (state === 'body') pos = this.#scanBody(bytes, pos, final)
      else pos = this.#scanDelimiterLine(bytes, pos)
      if (pos === before && state === this.#state) break
    }
    if (pos > 0) this.#lastByteCr = bytes[pos - 1] === cr
    return pos
  }

  #scanHeader(bytes: Uint8Array, start: number, final: boolean): number {
    let pos = start
    while (pos < bytes.length) {
      if (!this.#midLine) {
        const first = bytes[pos]
        if (first === lf) return this.#endHeader(bytes, start, pos, this.#offset + pos + 1, 1)
        if (first === cr) {
          if (pos + 1 === bytes.length && !final) break
          if (bytes[pos + 1] === lf) return this.#endHeader(bytes, start, pos, this.#offset + pos + 2, 2)
        } else if (first === dash && this.#boundaries.open.length > 0) {
          const delimiter = this.#findDelimiter(bytes, pos, final)
          if (delimiter === 'more') break
          if (delimiter !== undefined) {
            this.#stack.at(-1)!.note('headerUnfinished')
            this.#endHeader(
              bytes,
              start,
              pos,
              Math.max(this.#stack.at(-1)!.headerStart, this.#offset + pos - this.#lineEnd),
            )
            return this.#takeDelimiter(delimiter, pos)
          }
        }
      }
      while (pos < bytes.length && bytes[pos] !== lf) pos += 1
      this.#midLine = pos === bytes.length
      if (this.#midLine) break
      this.#endLine(bytes, pos)
      pos += 1
    }
    this.#keepHeader(bytes, start, pos)
    return pos
  }

  #scanBody(bytes: Uint8Array, start: number, final: boolean): number {
    let pos = start
    const hunting = this.#boundaries.open.length > 0
    const counting = this.#counting > 0
    const buffer = view(bytes)
    const { length } = bytes
    if (!hunting) {
      // Nothing can end this part but the end of the message: only its lines matter.
      if (counting) this.#lines += lineFeeds(buffer, pos)
      return length
    }
    let lines = 0
    let found: Delimiter | undefined
    while (pos < length) {
      if (!this.#midLine && bytes[pos] === dash) {
        const delimiter = this.#findDelimiter(bytes, pos, final)
        if (delimiter === 'more') break
        if (delimiter !== undefined) {
          found = delimiter
          break
        }
      }
      if (counting) {
        // To the next line that begins with a dash.
        for (;;) {
          const end = buffer.indexOf(lf, pos)
          pos = end < 0 ? length : end
          if (end < 0) break
          lines += 1
          if (pos + 1 < length && bytes[pos + 1] !== dash) pos += 1
          else break
        }
      } else pos = beforeDelimiterLine(bytes, pos)
      this.#midLine = pos === length
      if (this.#midLine) break
      this.#endLine(bytes, pos, false)
      pos += 1
    }
    this.#lines += lines
    return found === undefined ? pos : this.#takeDelimiter(found, pos)
  }

  #scanDelimiterLine(bytes: Uint8Array, start: number): number {
    let pos = start
    while (pos < bytes.length && bytes[pos] !== lf) pos += 1
    if (pos === bytes.length) return pos
    this.#endLine(bytes, pos)
    pos += 1
    if (this.#afterDelimiter === 'header') this.#beginPart(this.#offset + pos)
    else this.#state = 'body'
    return pos
  }

  /** Notes the line end whose line feed is at `pos`. */
  #endLine(bytes: Uint8Array, pos: number, count = true): void {
    if (count && this.#counting > 0) this.#lines += 1
    this.#lineEnd = (pos > 0 ? bytes[pos - 1] === cr : this.#lastByteCr) ? 2 : 1
    this.#midLine = false
  }

  /** The delimiter that the line at `pos` is. One that would open a part too many is text. */
  #findDelimiter(bytes: Uint8Array, pos: number, final: boolean): Delimiter | 'more' | undefined {
    const found = this.#boundaries.find(bytes, pos, final)
    if (found === undefined || found === 'more' || found.closes || this.#parts < this.#limits.partsMax) return found
    this.#boundaries.open[found.at]!.part.note('partsLimit')
    return undefined
  }

  /** Ends what the delimiter at `pos` ends. */
  #takeDelimiter(delimiter: Delimiter, pos: number): number {
    const { part, depth } = this.#boundaries.open[delimiter.at]!
    const end = this.#offset + pos - this.#lineEnd
    while (this.#stack.length > depth + 1) this.#closePart(end, this.#lineEnd > 0)
    const kept = delimiter.closes ? delimiter.at : delimiter.at + 1
    for (const inner of this.#boundaries.open.slice(delimiter.at + 1))
      inner.part.note(inner.part.children.length === 0 ? 'partsMissing' : 'endMissing')
    if (delimiter.closes && part.children.length === 0) part.note('partsMissing')
    this.#boundaries.truncate(kept)
    this.#state = 'delimiter'
    this.#afterDelimiter = delimiter.closes ? 'body' : 'header'
    this.#midLine = true
    return pos
  }

  /** The next part of the innermost multipart, its header beginning here. */
  #beginPart(start: number): void {
    const parent = this.#stack.at(-1)!
    const part = new PartBuilder(start, parent.contentType.subtype === 'digest')
    parent.children.push(part)
    this.#open(part)
  }

  #open(part: PartBuilder): void {
    this.#stack.push(part)
    this.#linesBefore.push(this.#lines)
    this.#parts += 1
    this.#state = 'header'
    this.#midLine = false
    this.#lineEnd = 0
    this.#headerText = ''
    this.#headerBytes = 0
  }

  #keepHeader(bytes: Uint8Array, start: number, end: number): void {
    const kept = Math.min(end - start, this.#limits.headerBytesMax - this.#headerBytes, this.#headersLeft)
    if (kept > 0) {
      this.#headerText += latin1(bytes, start, start + kept)
      this.#headerBytes += kept
      this.#headersLeft -= kept
    }
    if (kept < end - start) this.#stack.at(-1)!.note('headerLimit')
  }

  /** The header ends before `textEnd`, the body begins at `bodyStart` of the message. @returns where to go on. */
  #endHeader(bytes: Uint8Array, start: number, textEnd: number, bodyStart: number, blankLine = 0): number {
    const part = this.#stack.at(-1)!
    this.#keepHeader(bytes, start, textEnd)
    const isMessage = this.#stack.length === 1 || this.#stack.at(-2)!.message === part
    const headerText = this.#headerText
    part.readHeader(headerText, isMessage)
    this.#headerText = ''
    part.bodyStart = bodyStart
    this.#state = 'body'
    this.#midLine = false
    if (blankLine > 0 && this.#counting > 0) this.#lines += 1
    // A delimiter that follows at once owns the blank line's end: the header is then without it. RFC 2046 §5.1.1 body-part.
    if (blankLine > 0) this.#lineEnd = blankLine
    this.#linesBefore[this.#linesBefore.length - 1] = this.#lines
    this.#classify(part, headerText)
    if (part.message === undefined) this.#tellBegin(part, headerText)
    return textEnd + blankLine
  }

  /** Decides what the part is, and goes into it. */
  #classify(part: PartBuilder, headerText: string): void {
    const { type, subtype } = part.contentType
    const tooDeep = this.#stack.length > this.#limits.depthMax
    if (type === 'multipart') {
      const boundary = boundaryOf(part, this.#limits.boundaryBytesMax)
      if (tooDeep) part.note('nestingLimit')
      else if (boundary === undefined) {
        // A type without what it needs counts as no type (RFC 2045 §5.2), so that its text can be seen.
        part.note('boundaryMissing')
        part.contentType = defaultContentType
        part.kind = 'text'
        this.#counting += 1
        return
      } else {
        part.kind = 'multipart'
        if (transferEncoding(part.encoding) !== 'identity') part.note('compositeEncoded')
        this.#boundaries.push({ bytes: boundary, part, depth: this.#stack.length - 1 })
        return
      }
      part.kind = 'basic'
      part.contentType = opaqueContentType
    } else if (type === 'message' && (subtype === 'rfc822' || subtype === 'global')) {
      if (tooDeep) part.note('nestingLimit')
      else if (this.#parts >= this.#limits.partsMax) part.note('partsLimit')
      else {
        part.kind = 'message'
        this.#counting += 1
        part.message = new PartBuilder(part.bodyStart, false)
        this.#open(part.message)
        // Before the message in it begins.
        this.#tellBegin(part, headerText)
        if (transferEncoding(part.encoding) === 'identity') return
        // Its bytes are no header that we could read without decoding: an empty one, and all of it body.
        part.note('compositeEncoded')
        this.#endHeader(none, 0, 0, part.bodyStart)
        return
      }
      part.kind = 'basic'
      part.contentType = opaqueContentType
    } else {
      part.kind = type === 'text' ? 'text' : 'basic'
      if (part.kind === 'text') this.#counting += 1
    }
  }

  #tellBegin(part: PartBuilder, headerText: string): void {
    if (this.#listener === undefined) return
    this.#told += 1
    this.#listener.partBegins(part, headerText)
  }

  /** Closes the innermost open part. @param lineEndTaken whether the last line end counted is the delimiter's. */
  #closePart(end: number, lineEndTaken: boolean): void {
    const part = this.#stack.pop()!
    const before = this.#linesBefore.pop()!
    if (end < part.bodyStart) part.bodyStart = Math.max(end, part.headerStart)
    part.bodyEnd = Math.max(part.bodyStart, end)
    if (part.kind === 'text' || part.kind === 'message') {
      this.#counting -= 1
      part.lines = Math.max(0, this.#lines - before - (lineEndTaken ? 1 : 0))
    }
    if (this.#listener === undefined) return
    // Its header never ended: what the message brought of it is nothing.
    if (this.#told === this.#stack.length) this.#tellBegin(part, '')
    this.#told -= 1
    this.#listener.partEnds(part)
  }
}

/** The line feed before the next line that begins with two dashes, or before a last line that still may; else the end. */
function beforeDelimiterLine(bytes: Uint8Array, pos: number): number {
  const { length } = bytes
  const next = view(bytes).indexOf(delimiterStart, pos)
  if (next >= 0) return next
  if (bytes[length - 1] === lf) return length - 1
  return bytes[length - 1] === dash && bytes[length - 2] === lf && length - 2 >= pos ? length - 2 : length
}

/** A native search for each line: four times as fast as a look at each byte where lines are as long as people's are. */
function lineFeeds(buffer: Buffer, start: number): number {
  let count = 0
  for (let at = buffer.indexOf(lf, start); at >= 0; at = buffer.indexOf(lf, at + 1)) count += 1
  return count
}
