/** FETCH responses of UID, FLAGS and MODSEQ: ASCII straight into a large buffer, since a mailbox's whole list is asked for often. */
import { bytesOf } from '../../../base/bytes.ts'
import type { Conversation } from '../command.ts'
import { outputBytes } from '../limits.ts'
import { MessageCursor } from './flags.ts'
import type { FetchItem } from './items.ts'

/** What a line takes beside its flags: the words, two numbers of ten digits and one of sixteen, for each item asked. */
const lineBytesMax = 48
const itemBytesMax = 32
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

/** What stands before each item's value, and behind the last: what is the same in every line is one piece. */
function framesOf(items: readonly FetchItem[]): Uint8Array[] {
  let behind = ' FETCH ('
  const frames = items.map(({ kind }, at) => {
    const before = kind === 'uid' ? 'UID ' : kind === 'modSeq' ? 'MODSEQ (' : ''
    const frame = bytesOf(`${behind}${at > 0 ? ' ' : ''}${before}`)
    behind = kind === 'modSeq' ? ')' : ''
    return frame
  })
  return [...frames, bytesOf(`${behind})\r\n`)]
}

/** @returns how many of the messages are still there. */
export function* fromTables(conversation: Conversation, items: readonly FetchItem[], uids: Uint32Array) {
  const { view, selected, out } = conversation
  const { flagsLow, flagsHigh, modSeqs } = selected.table()
  const encoder = view.flags(out)
  const cursor = new MessageCursor(view)
  const spelled = new Map<string, Uint8Array>()
  const kinds = items.map(({ kind }) => kind)
  const frames = framesOf(items)
  const fixed = lineBytesMax + items.length * itemBytesMax
  let bytes: Uint8Array = Buffer.allocUnsafe(Math.min(outputBytes, uids.length * lineBytesUsual + fixed))
  let at = 0
  let found = 0
  for (let i = 0; i < uids.length; i++) {
    const uid = uids[i]!
    const index = cursor.find(uid)
    if (index < 0) continue
    found++
    const list = view.listed(encoder.encode(flagsLow[index]!, flagsHigh[index]!), uid)
    let flags = spelled.get(list)
    if (!flags) spelled.set(list, (flags = bytesOf(`FLAGS (${list})`)))
    const needed = fixed + kinds.length * flags.length
    if (at + needed > bytes.length) {
      out.bytes(bytes.subarray(0, at))
      yield out.take()
      bytes = Buffer.allocUnsafe(Math.max(outputBytes, needed))
      at = 0
    }
    at = putNumber(bytes, put(bytes, at, star), cursor.sequence)
    for (let item = 0; item < kinds.length; item++) {
      at = put(bytes, at, frames[item]!)
      const kind = kinds[item]!
      if (kind === 'uid') at = putNumber(bytes, at, uid)
      else if (kind === 'modSeq') at = putNumber(bytes, at, modSeqs[index]!)
      else at = put(bytes, at, flags)
    }
    at = put(bytes, at, frames[kinds.length]!)
  }
  out.bytes(bytes.subarray(0, at))
  return found
}
