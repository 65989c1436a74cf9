/** FETCH responses that need nothing but the tables in memory: FLAGS, UID, MODSEQ. */
import type { MessageTable } from '../backend.ts'
import type { Conversation } from '../command.ts'
import type { View } from '../view.ts'
import { lowerBound } from '../wire/sequence-set.ts'

/** Walks the told messages and the newest table side by side; UIDs must ascend. */
export class MessageCursor {
  readonly #view: View
  readonly #table: MessageTable
  #told = 0
  #current = 0
  /** Sequence number of the message found. */
  sequence = 0

  constructor(view: View) {
    this.#view = view
    this.#table = view.selected.table()
  }

  /** Index in the newest table, -1 when the message is gone. Sets `sequence`. */
  find(uid: number): number {
    this.sequence = this.#view.sequenceOf(uid, this.#told)
    this.#told = this.sequence
    const { uids, count } = this.#table
    let index = this.#current
    if (!(index < count && uids[index] === uid)) index = lowerBound(uids, count, uid)
    if (index >= count || uids[index] !== uid) return -1
    this.#current = index + 1
    return index
  }
}

/** Tells the flags of these messages after a STORE: what a FETCH of them would say. RFC 3501 §6.4.6. */
export function* tellStored({ selected, view, out, enabled }: Conversation, uids: Uint32Array, uid: boolean) {
  const { flagsLow, flagsHigh, modSeqs } = selected.table()
  const encoder = view.flags()
  const cursor = new MessageCursor(view)
  const withModSeq = enabled.has('CONDSTORE')
  for (let i = 0; i < uids.length; i++) {
    const one = uids[i]!
    const index = cursor.find(one)
    if (index < 0) continue
    const flags = view.listed(encoder.encode(flagsLow[index]!, flagsHigh[index]!), one)
    const modSeq = withModSeq ? ` MODSEQ (${modSeqs[index]})` : ''
    out.text(`* ${cursor.sequence} FETCH (${uid ? `UID ${one} ` : ''}FLAGS (${flags})${modSeq})\r\n`)
    if (out.full) yield out.take()
  }
}
