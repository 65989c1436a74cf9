/** Sections of BODY[…] and BINARY[…] to byte ranges of the message. RFC 9051 §6.4.5, RFC 3501 §6.4.5. */
import { Header, headerEnd, latin1 } from '../header.ts'
import type { Part } from '../mime/part.ts'

/** The text between the brackets. `part` holds the part numbers, from 1; empty means the message itself. */
export interface Section {
  readonly part: readonly number[]
  readonly text?: SectionText
}

export type SectionText =
  | { readonly kind: 'header' | 'text' | 'mime' }
  /** Field names in any case. */
  | { readonly kind: 'fields' | 'fieldsNot'; readonly names: readonly string[] }

/** Bytes [start, end) of the message. */
export type ByteRange = readonly [start: number, end: number]

/**
 * The range of a section. undefined if the message has no such part, or the part no such text (`1.HEADER` of a part that is not a
 * message): FETCH then answers NIL or an empty string.
 *
 * For HEADER.FIELDS it is the whole header, from which `selectFields` takes the wanted lines.
 */
export function sectionRange(root: Part, section: Section): ByteRange | undefined {
  const { text } = section
  if (section.part.length === 0) {
    if (text === undefined) return [root.headerStart, root.bodyEnd]
    if (text.kind === 'mime') return undefined
    return text.kind === 'text' ? [root.bodyStart, root.bodyEnd] : [root.headerStart, root.bodyStart]
  }
  const part = findPart(root, section.part)
  if (part === undefined) return undefined
  if (text === undefined) return [part.bodyStart, part.bodyEnd]
  // Part 1 of a message that is no multipart is its body; its MIME header is the message's own.
  if (text.kind === 'mime') return [part.headerStart, part.bodyStart]
  const { message } = part
  if (message === undefined) return undefined
  return text.kind === 'text' ? [message.bodyStart, message.bodyEnd] : [message.headerStart, message.bodyStart]
}

/** The part with these numbers, from the top of the message. */
export function findPart(root: Part, numbers: readonly number[]): Part | undefined {
  let part: Part | undefined
  // What the next number selects from: the children of a multipart, or part 1 of another message. A leaf has no parts.
  let holder: Part | undefined = root
  for (const number of numbers) {
    if (holder === undefined) return undefined
    if (holder.kind === 'multipart') part = holder.children[number - 1]
    else part = number === 1 ? holder : undefined
    if (part === undefined) return undefined
    holder = part.kind === 'multipart' ? part : part.message
  }
  return part
}

/**
 * The fields that HEADER.FIELDS (`not` false) or HEADER.FIELDS.NOT selects, as ranges in ascending order, with the blank
 * line where there is one. RFC 9051 §6.4.5.1.
 *
 * @param header the bytes of the header, blank line included. @param start where they lie in the message.
 */
export function selectFields(header: Uint8Array, names: readonly string[], not: boolean, start = 0): ByteRange[] {
  const wanted = new Set(names.map((name) => name.toLowerCase()))
  const end = blankLineStart(header)
  const ranges: [number, number][] = []
  const add = (from: number, to: number): void => {
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === start + from) last[1] = start + to
    else if (to > from) ranges.push([start + from, start + to])
  }
  // Not through `Header`: it keeps a limited number of fields, and a header that is passed on must be whole.
  let pos = 0
  while (pos < end) {
    const next = nextField(header, pos, end)
    const name = fieldName(header, pos, next)
    if ((name !== undefined && wanted.has(name)) !== not) add(pos, next)
    pos = next
  }
  add(end, header.length)
  return ranges
}

function blankLineStart(header: Uint8Array): number {
  const { length } = header
  // The blank line is the last one: all that `headerEnd` finds is a header.
  if (headerEnd(header, 0, length) !== length || length === 0 || header[length - 1] !== 0x0a) return length
  const at = header[length - 2] === 0x0d ? length - 2 : length - 1
  return at === 0 || header[at - 1] === 0x0a ? at : length
}

function nextField(header: Uint8Array, start: number, end: number): number {
  let pos = start
  for (;;) {
    const found = header.indexOf(0x0a, pos)
    if (found < 0 || found + 1 >= end) return end
    pos = found + 1
    if (header[pos] !== 0x20 && header[pos] !== 0x09) return pos
  }
}

/** No field has a longer name: RFC 5322 §2.1.1 ends a line at 998. */
const nameMax = 998

function fieldName(header: Uint8Array, start: number, end: number): string | undefined {
  return new Header(latin1(header, start, Math.min(end, start + nameMax + 2))).fields[0]?.name
}
