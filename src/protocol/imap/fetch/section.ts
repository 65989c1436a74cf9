/** BODY[section]<partial> of one message: which bytes, and how they are sent. RFC 3501 §6.4.5. */
import { assert } from '../../../base/assert.ts'
import { readSliceBytes } from '../../../mail/content.ts'
import type { MessageBytes } from '../../../mail/content.ts'
import { sectionRange, selectFields } from '../../../mail/imap/section.ts'
import type { ByteRange, Section } from '../../../mail/imap/section.ts'
import type { Conversation } from '../command.ts'
import type { Out } from '../out.ts'
import type { SectionItem } from './items.ts'
import { headerOf, structureOf } from './structure.ts'

/** Slices from here on go to the socket as they are; smaller ones are copied into a common buffer. */
const directBytes = 16_384

/** The ranges of a section; undefined: there is no such part. At once where no header must be read. */
export function rangesOf(
  conversation: Conversation,
  uid: number,
  bytes: MessageBytes,
  section: Section,
): readonly ByteRange[] | Promise<readonly ByteRange[] | undefined> {
  if (section.part.length === 0 && section.text === undefined) return [[0, bytes.sizeBytes]]
  return lookUp(conversation, uid, bytes, section)
}

async function lookUp(
  conversation: Conversation,
  uid: number,
  bytes: MessageBytes,
  section: Section,
): Promise<readonly ByteRange[] | undefined> {
  const { text } = section
  if (section.part.length === 0) {
    const header = await headerOf(bytes)
    if (text!.kind === 'text') return [[header.length, bytes.sizeBytes]]
    if (text!.kind === 'fields' || text!.kind === 'fieldsNot')
      return selectFields(header, text!.names, text!.kind === 'fieldsNot')
    return [[0, header.length]]
  }
  const range = sectionRange(await structureOf(conversation, uid, bytes), section)
  if (!range || !text || (text.kind !== 'fields' && text.kind !== 'fieldsNot')) return range && [range]
  return selectFields(await bytes.read(range[0], range[1]), text.names, text.kind === 'fieldsNot', range[0])
}

/** The wanted octets of the section's, counted over its ranges. */
function cut(ranges: readonly ByteRange[], partial: SectionItem['partial']): readonly ByteRange[] {
  if (!partial) return ranges
  let skip = partial.first
  let left = partial.count
  const found: ByteRange[] = []
  for (const [start, end] of ranges) {
    const from = start + Math.min(skip, end - start)
    skip -= from - start
    const to = Math.min(end, from + left)
    left -= to - from
    if (to > from) found.push([from, to])
  }
  return found
}

/**
 * Says `label {size}` and the bytes. Yields buffers when enough is there; large slices go out uncopied.
 *
 * NUL cannot be carried (RFC 3501 §9 CHAR8): 0x80 stands in its place, as with Dovecot and the UW server, so that sizes and
 * offsets stay those of the message. BINARY[] is the way to the true bytes.
 */
export async function* sendSection(out: Out, item: SectionItem, bytes: MessageBytes, whole: readonly ByteRange[]) {
  const ranges = cut(whole, item.partial)
  let size = 0
  for (const [start, end] of ranges) size += end - start
  out.text(`${item.label} {${size}}\r\n`)
  for (const [start, end] of ranges) {
    for (let at = start; at < end; at += readSliceBytes) {
      const read = bytes.read(at, Math.min(at + readSliceBytes, end))
      const got = read instanceof Promise ? await read : read
      assert(got.length === Math.min(readSliceBytes, end - at), 'the message is shorter than its size')
      const slice = withoutNul(got)
      if (slice.length < directBytes) out.bytes(slice)
      else {
        if (out.size > 0) yield out.take()
        yield slice
      }
      if (out.full) yield out.take()
    }
  }
}

/** Whether a section can be said without a generator: the usual small message. */
export function saysAtOnce(out: Out, item: SectionItem, bytes: MessageBytes, whole: readonly ByteRange[]): boolean {
  if (whole.length !== 1) return false
  const range = item.partial ? cut(whole, item.partial)[0] : whole[0]!
  if (!range) return false
  const [start, end] = range
  if (end - start >= directBytes || end === start) return false
  const read = bytes.read(start, end)
  if (read instanceof Promise || read.length !== end - start) return false
  out.text(`${item.label} {${end - start}}\r\n`)
  out.bytes(withoutNul(read))
  return true
}

function withoutNul(bytes: Uint8Array): Uint8Array {
  const at = bytes.indexOf(0)
  if (at < 0) return bytes
  const copy = Uint8Array.from(bytes)
  for (let i = at; i >= 0; i = copy.indexOf(0, i + 1)) copy[i] = 0x80
  return copy
}
