/** FETCH responses of UID, FLAGS and MODSEQ: ASCII straight into a large buffer, since a mailbox's whole list is asked for often. */
import { bytesOf, concat } from '../../../base/bytes.ts'
import type { Conversation } from '../command.ts'
import { outputBytes } from '../limits.ts'
import type { FlagEncoder } from '../wire/flag-list.ts'
import { MessageCursor } from './flags.ts'
import type { FetchItem } from './items.ts'
import { keptAnswers } from './kept-answers.ts'

/** A mod-sequence has up to nineteen digits, a UID ten. RFC 7162 §7. */
const numberBytesMax = 20
/** The usual line, for the first buffer's size. */
const lineBytesUsual = 48

const star = bytesOf('* ')

/** @returns where the next byte goes. Pieces are short: a loop is quicker than the call of set(). */
function put(bytes: Uint8Array, at: number, piece: Uint8Array): number {
  for (let i = 0; i < piece.length; i++) bytes[at + i] = piece[i]!
  return at + piece.length
}

function putNumber(bytes: Uint8Array, at: number, value: number): number {
  if (value >= 2 ** 31) return put(bytes, at, bytesOf(String(value)))
  let digits = 1
  for (let rest = (value / 10) | 0; rest > 0; rest = (rest / 10) | 0) digits++
  let rest = value | 0
  for (let place = at + digits - 1; place >= at; place--) {
    const next = (rest / 10) | 0
    bytes[place] = 0x30 + rest - next * 10
    rest = next
  }
  return at + digits
}

/** What every line has between its numbers, by the flags: pieces that are the same in many lines are written as one. */
interface Frames {
  /** Before each number, and behind the last. */
  readonly pieces: readonly Uint8Array[]
  /** Which numbers: `uid` or `modSeq`. */
  readonly numbers: readonly FetchItem['kind'][]
  readonly bytes: number
}

function framesOf(items: readonly FetchItem[], flags: string): Frames {
  let piece = ' FETCH ('
  const pieces: Uint8Array[] = []
  const numbers: FetchItem['kind'][] = []
  for (const [at, { kind }] of items.entries()) {
    if (at > 0) piece += ' '
    if (kind === 'flags') piece += `FLAGS (${flags})`
    else {
      pieces.push(bytesOf(`${piece}${kind === 'uid' ? 'UID ' : 'MODSEQ ('}`))
      numbers.push(kind)
      piece = kind === 'modSeq' ? ')' : ''
    }
  }
  pieces.push(bytesOf(`${piece})\r\n`))
  const bytes = pieces.reduce((sum, { length }) => sum + length, numberBytesMax * (numbers.length + 1) + star.length)
  return { pieces, numbers, bytes }
}

/** @returns how many of the messages are still there. */
export function* fromTables(conversation: Conversation, items: readonly FetchItem[], uids: Uint32Array) {
  const { view, selected, out } = conversation
  const table = selected.table()
  const { count } = table
  const encoder = view.flags(out)
  const question =
    view.isWhole(uids) && !view.listsRecent
      ? { items: items.map(({ kind }) => kind).join(' '), modSeq: selected.highestModSeq(), count }
      : undefined
  const kept = question && keptAnswers.get(table, question)
  if (kept) {
    out.bytes(kept)
    return uids.length
  }
  // What is too large to be kept, or is not asked for so, is not held until its end.
  let said: Uint8Array[] | undefined = question && []
  let saidBytes = 0
  let found = 0
  for (const lines of linesOf(conversation, items, uids, encoder)) {
    if (saidBytes > 0) yield out.take()
    out.bytes(lines.bytes)
    saidBytes += lines.bytes.length
    if (saidBytes > keptAnswers.answerMaxBytes) said = undefined
    said?.push(lines.bytes)
    found += lines.found
  }
  // Others went on while the answer was made: some lines may be of then, some of now.
  if (!question || !said || encoder.lacksNames) return found
  if (selected.table() === table && table.count === count && selected.highestModSeq() === question.modSeq)
    keptAnswers.set(table, question, concat(said))
  return found
}

/** The lines in buffers of `outputBytes`, and how many are in each; at least one. */
function* linesOf(
  { view, selected }: Conversation,
  items: readonly FetchItem[],
  uids: Uint32Array,
  encoder: FlagEncoder,
) {
  const { flagsLow, flagsHigh, modSeqs } = selected.table()
  const cursor = new MessageCursor(view)
  const listsRecent = view.listsRecent
  const spelled = new Map<string, Frames>()
  let frames: Frames | undefined
  let low = 0
  let high = 0
  let bytes: Uint8Array = Buffer.allocUnsafe(Math.min(outputBytes, (uids.length + 1) * lineBytesUsual))
  let at = 0
  let found = 0
  for (let i = 0; i < uids.length; i++) {
    const uid = uids[i]!
    const index = cursor.find(uid)
    if (index < 0) continue
    // Neighbours mostly have the same flags: then nothing is looked up.
    if (!frames || listsRecent || flagsLow[index] !== low || flagsHigh[index] !== high) {
      low = flagsLow[index]!
      high = flagsHigh[index]!
      const list = view.listed(encoder.encode(low, high), uid)
      frames = spelled.get(list)
      if (!frames) spelled.set(list, (frames = framesOf(items, list)))
    }
    if (at + frames.bytes > bytes.length) {
      if (found > 0) yield { bytes: bytes.subarray(0, at), found }
      bytes = Buffer.allocUnsafe(Math.max(outputBytes, frames.bytes))
      at = found = 0
    }
    found++
    const { pieces, numbers } = frames
    at = putNumber(bytes, put(bytes, at, star), cursor.sequence)
    for (let item = 0; item < numbers.length; item++)
      at = putNumber(bytes, put(bytes, at, pieces[item]!), numbers[item] === 'uid' ? uid : modSeqs[index]!)
    at = put(bytes, at, pieces[numbers.length]!)
  }
  yield { bytes: bytes.subarray(0, at), found }
}
