/**
 * The structure pass: reads each byte of a message once, in chunks of any size, and builds the tree of parts. RFC 2046 §5.
 *
 * Its memory does not grow with the message: header bytes, parts and nesting have limits. What exceeds them is noted as a defect and
 * stays inside the part where it happened.
 */
import { view } from '../../base/bytes.ts'
import { bodyIn, isNoHeader, latin1 } from '../header.ts'
import { boundaryOf, OpenBoundaries, type Delimiter } from './boundaries.ts'
import { defaultContentType, opaqueContentType } from './content-type.ts'
import { beforeDelimiterLine, cr, dash, lf, lineFeeds } from './line-search.ts'
import { PartBuilder } from './part-builder.ts'
import type { Part } from './part.ts'
import { PartTeller, type StructureListener } from './structure-listener.ts'
import { structureLimits, type StructureLimits } from './structure-limits.ts'
import { transferEncoding } from './transfer-encoding.ts'

const none = new Uint8Array(0)

export class StructureParser {
  readonly #limits: StructureLimits
  readonly #root = new PartBuilder(0, false)
  /** Open parts, outermost first. */
  readonly #stack: PartBuilder[] = [this.#root]
  readonly #boundaries = new OpenBoundaries()
  /** 'delimiter' is the rest of a delimiter line, before a header or (after a closing one) an epilogue. */
  #state: 'header' | 'delimiter' | 'body' = 'header'
  #afterDelimiter: 'header' | 'body' = 'body'
  /** Whether the next byte continues a line. */
  #midLine = false
  /** Length of the line end before this line; 0 at the beginning of a header. */
  #lineEnd = 0
  #lastByteCr = false
  /** Line feeds so far; counted only while an open part needs their number. */
  #lines = 0
  #counting = 0
  readonly #linesBefore: number[] = [0]
  #headerText = ''
  #headerBytes = 0
  #headersLeft: number
  /** The limit was reached: the rest of this header is not kept. */
  #headerFull = false
  /** Bytes before the present chunk that must be read again, as body. */
  #again: Uint8Array | undefined
  #parts = 1
  /** Undecided bytes: the beginning of a line that may be a delimiter. */
  #held: Uint8Array = none
  /** Position of the present chunk in the message. */
  #offset = 0
  readonly #teller: PartTeller

  constructor(limits: StructureLimits = structureLimits, listener?: StructureListener) {
    this.#limits = limits
    this.#teller = new PartTeller(listener)
    this.#headersLeft = limits.headersBytesMax
  }

  /** Takes the next bytes, cut anywhere. The caller may overwrite them afterwards. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    let bytes = this.#use(this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]), false)
    while (this.#again !== undefined) bytes = this.#use(this.#withAgain(bytes), false)
    // Copied: slice() of a Buffer is a view.
    this.#held = bytes.length === 0 ? none : new Uint8Array(bytes)
  }

  /** @returns the undecided rest. */
  #use(bytes: Uint8Array, final: boolean): Uint8Array {
    const used = this.#scan(bytes, final)
    this.#offset += used
    return bytes.subarray(used)
  }

  #withAgain(bytes: Uint8Array): Uint8Array {
    const again = this.#again!
    this.#again = undefined
    this.#offset -= again.length
    return Buffer.concat([again, bytes])
  }

  /** Number of bytes decided upon; later bytes that were pushed wait for more. */
  get position(): number {
    return this.#offset
  }

  /** No more bytes come. */
  end(): Part {
    let rest = this.#use(this.#held, true)
    this.#held = none
    // Bytes that were read again as body may begin a message, which has a header.
    while (this.#state === 'header' || this.#again !== undefined) {
      if (this.#again === undefined) this.#endUnfinishedHeader(none, 0, 0, this.#offset)
      if (this.#again !== undefined) rest = this.#use(this.#withAgain(rest), true)
    }
    const end = this.#offset
    if (this.#state === 'delimiter' && this.#afterDelimiter === 'header') {
      this.#beginPart(end)
      this.#stack.at(-1)!.note('headerUnfinished')
    }
    for (const { part } of this.#boundaries.open) part.note(part.children.length === 0 ? 'partsMissing' : 'endMissing')
    while (this.#stack.length > 0) this.#closePart(end, false)
    return this.#root
  }

  /** @returns how many bytes were used; fewer than given only if the beginning of a line must wait for more. */
  #scan(bytes: Uint8Array, final: boolean): number {
    let pos = 0
    while (pos < bytes.length) {
      const before = pos
      const state = this.#state
      const depth = this.#stack.length
      if (state === 'header') pos = this.#scanHeader(bytes, pos, final)
      else if (state === 'body') pos = this.#scanBody(bytes, pos, final)
      else pos = this.#scanDelimiterLine(bytes, pos)
      const stuck = pos === before && state === this.#state && depth === this.#stack.length
      if (stuck || this.#again !== undefined) break
    }
    if (pos > 0) this.#lastByteCr = bytes[pos - 1] === cr
    return pos
  }

  #scanHeader(bytes: Uint8Array, from: number, final: boolean): number {
    let start = from
    let pos = from
    const full = start + Math.min(this.#limits.headerBytesMax - this.#headerBytes, this.#headersLeft)
    while (pos < bytes.length) {
      if (pos >= full && !this.#headerFull) {
        this.#keepHeader(bytes, start, full)
        start = full
        this.#headerFull = true
        const bodyAt = bodyIn(this.#headerText)
        if (bodyAt >= 0) {
          this.#stack.at(-1)!.note('headerLimit')
          return this.#beginBody(full, bodyAt)
        }
      }
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
            const end = Math.max(this.#stack.at(-1)!.headerStart, this.#offset + pos - this.#lineEnd)
            const next = this.#endUnfinishedHeader(bytes, start, pos, end)
            return next ?? this.#takeDelimiter(delimiter, pos)
          }
        }
      }
      const lineMax = this.#headerFull ? bytes.length : Math.min(bytes.length, full)
      while (pos < lineMax && bytes[pos] !== lf) pos += 1
      this.#midLine = pos === lineMax
      if (this.#midLine) continue
      this.#endLine(bytes, pos)
      pos += 1
    }
    this.#keepHeader(bytes, start, pos)
    return pos
  }

  /** The header is ended at `textEnd` by a delimiter or the end of the message. @returns where to go on, if some of it is body. */
  #endUnfinishedHeader(bytes: Uint8Array, start: number, textEnd: number, bodyStart: number): number | undefined {
    this.#keepHeader(bytes, start, textEnd)
    this.#stack.at(-1)!.note('headerUnfinished')
    const bodyAt = this.#headerFull ? -1 : bodyIn(this.#headerText)
    if (bodyAt >= 0) return this.#beginBody(textEnd, bodyAt)
    return void this.#readHeader(bodyStart)
  }

  /** The supposed header from `bodyAt` to `textEnd` is body, and is read again as such. @returns where to go on. */
  #beginBody(textEnd: number, bodyAt: number): number {
    const early = this.#headerText.slice(bodyAt)
    this.#headersLeft += early.length
    if (this.#counting > 0) this.#lines -= early.split('\n').length - 1
    this.#readHeader(this.#stack.at(-1)!.headerStart + bodyAt, bodyAt)
    this.#lineEnd = 0
    const next = textEnd - early.length
    if (next >= 0) return next
    this.#again = Buffer.from(early.slice(0, -next), 'latin1')
    return 0
  }

  #scanBody(bytes: Uint8Array, start: number, final: boolean): number {
    let pos = start
    const hunting = this.#boundaries.open.length > 0
    const counting = this.#counting > 0
    const buffer = view(bytes)
    const { length } = bytes
    if (!hunting) {
      // Only the end of the message ends this part: nothing but line feeds must be found.
      if (counting) this.#lines += lineFeeds(buffer, pos)
      return length
    }
    let lines = 0
    let found: Delimiter | undefined
    while (pos < length) {
      if (!this.#midLine && bytes[pos] === dash) {
        const delimiter = this.#findDelimiter(bytes, pos, final)
        if (delimiter !== undefined && delimiter !== 'more') found = delimiter
        if (delimiter !== undefined) break
      }
      if (counting) {
        // Skips to the next line that begins with a dash.
        for (;;) {
          const end = buffer.indexOf(lf, pos)
          pos = end < 0 ? length : end
          if (end < 0) break
          lines += 1
          if (pos + 1 === length || bytes[pos + 1] === dash) break
          pos += 1
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

  /** The delimiter in the line at `pos`. One that would open more parts than the limit counts as text. */
  #findDelimiter(bytes: Uint8Array, pos: number, final: boolean): Delimiter | 'more' | undefined {
    const found = this.#boundaries.find(bytes, pos, final)
    if (found === undefined || found === 'more' || found.closes || this.#parts < this.#limits.partsMax) return found
    this.#boundaries.open[found.at]!.part.note('partsLimit')
    return undefined
  }

  /** Closes the parts that the delimiter at `pos` ends. */
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

  /** Opens the next part of the innermost multipart; its header begins at `start`. */
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
    this.#headerFull = false
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
    this.#keepHeader(bytes, start, textEnd)
    // A part without a header, which begins with text: a blank line in that text ends no header. Not so for the header of a message.
    if (blankLine > 0 && this.#isInMultipart && !this.#headerFull && isNoHeader(this.#headerText))
      return this.#beginBody(textEnd, 0)
    if (blankLine > 0 && this.#counting > 0) this.#lines += 1
    // If a delimiter follows directly, the line end of the blank line belongs to it, not to the header. RFC 2046 §5.1.1 body-part.
    if (blankLine > 0) this.#lineEnd = blankLine
    this.#readHeader(bodyStart)
    return textEnd + blankLine
  }

  /** Whether the innermost part is in a multipart, and not a message. */
  get #isInMultipart(): boolean {
    return this.#stack.length > 1 && this.#stack.at(-2)!.message === undefined
  }

  /**
   * Parses what was kept of the header, and enters the part. @param bodyAt where in it the body begins; fields from there on do not count.
   */
  #readHeader(bodyStart: number, bodyAt = Infinity): void {
    const part = this.#stack.at(-1)!
    const isMessage = !this.#isInMultipart
    const text = this.#headerText
    part.readHeader(text, isMessage, bodyAt)
    this.#headerText = ''
    const early = text.slice(bodyAt)
    part.bodyStart = bodyStart
    this.#state = 'body'
    this.#midLine = false
    this.#linesBefore[this.#linesBefore.length - 1] = this.#lines
    const headerText = isMessage ? text : text.slice(0, bodyAt)
    this.#classify(part, () => this.#teller.begins(part, headerText, early))
    if (part.message === undefined) this.#teller.begins(part, headerText, early)
  }

  /** Decides the kind of the part, and enters it. @param tell called if a message begins in it. */
  #classify(part: PartBuilder, tell: () => void): void {
    const { type, subtype } = part.contentType
    const tooDeep = this.#stack.length > this.#limits.depthMax
    if (type === 'multipart') {
      const boundary = boundaryOf(part, this.#limits.boundaryBytesMax)
      if (tooDeep) part.note('nestingLimit')
      else if (boundary === undefined) {
        // A multipart without a boundary counts as having no type (RFC 2045 §5.2), so that its text is shown.
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
        // Before the inner message begins.
        tell()
        if (transferEncoding(part.encoding) === 'identity') return
        // Its header cannot be read without decoding: treated as an empty header, all bytes as body.
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

  /** Closes the innermost open part. @param lineEndTaken whether the last counted line end belongs to the delimiter. */
  #closePart(end: number, lineEndTaken: boolean): void {
    const part = this.#stack.pop()!
    const before = this.#linesBefore.pop()!
    if (end < part.bodyStart) part.bodyStart = Math.max(end, part.headerStart)
    part.bodyEnd = Math.max(part.bodyStart, end)
    if (part.kind === 'text' || part.kind === 'message') {
      this.#counting -= 1
      part.lines = Math.max(0, this.#lines - before - (lineEndTaken ? 1 : 0))
    }
    this.#teller.ends(part, this.#stack.length)
  }
}
