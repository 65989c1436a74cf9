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
const fetchOpen = bytesOf(' FETCH (')
const blank = bytesOf(' ')
const uidOpen = bytesOf('UID ')
const modSeqOpen = bytesOf('MODSEQ (')
const close = bytesOf(')')
const lineEnd = bytesOf(')\r\n')

class Lines {
  bytes: Buffer
  at = 0

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafe(size)
  }

  put(piece: Uint8Array): void {
    const { bytes } = this
    let { at } = this
    // Pieces are short: a loop is quicker than the call of set().
    for (let i = 0; i < piece.length; i++) bytes[at++] = piece[i]!
    this.at = at
  }

  number(value: number): void {
    if (value >= 2 ** 31) return this.put(bytesOf(String(value)))
    let digits = 1
    for (let rest = (value / 10) | 0; rest > 0; rest = (rest / 10) | 0) digits++
    const end = (this.at += digits)
    let rest = value | 0
    for (let at = end - 1; digits > 0; digits--, at--) {
      const next = (rest / 10) | 0
      this.bytes[at] = 0x30 + rest - next * 10
      rest = next
    }
  }

  take(): Uint8Array {
    return this.bytes.subarray(0, this.at)
  }
}

/** @returns how many of the messages are still there. */
export function* fromTables(conversation: Conversation, items: readonly FetchItem[], uids: Uint32Array) {
  const { view, selected, out } = conversation
  const { flagsLow, flagsHigh, modSeqs } = selected.table()
  const encoder = view.flags()
  const cursor = new MessageCursor(view)
  const spelled = new Map<string, Uint8Array>()
  const fixed = lineBytesMax + items.length * itemBytesMax
  let lines = new Lines(Math.min(outputBytes, uids.length * lineBytesUsual + fixed))
  let found = 0
  for (let i = 0; i < uids.length; i++) {
    const uid = uids[i]!
    const index = cursor.find(uid)
    if (index < 0) continue
    found++
    const list = view.listed(encoder.encode(flagsLow[index]!, flagsHigh[index]!), uid)
    let flags = spelled.get(list)
    if (!flags) spelled.set(list, (flags = bytesOf(`FLAGS (${list})`)))
    const needed = fixed + items.length * flags.length
    if (lines.at + needed > lines.bytes.length) {
      out.bytes(lines.take())
      yield out.take()
      lines = new Lines(Math.max(outputBytes, needed))
    }
    lines.put(star)
    lines.number(cursor.sequence)
    lines.put(fetchOpen)
    for (let at = 0; at < items.length; at++) {
      if (at > 0) lines.put(blank)
      const { kind } = items[at]!
      if (kind === 'uid') {
        lines.put(uidOpen)
        lines.number(uid)
      } else if (kind === 'modSeq') {
        lines.put(modSeqOpen)
        lines.number(modSeqs[index]!)
        lines.put(close)
      } else lines.put(flags)
    }
    lines.put(lineEnd)
  }
  out.bytes(lines.take())
  return found
}
