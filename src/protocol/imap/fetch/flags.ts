/** FETCH responses that need nothing but the tables in memory: FLAGS, UID, MODSEQ. */
import type { ModSeq, SequenceNumber, Uid } from '../../../mail/ids.ts'
import { lowerBound } from '../../../base/lower-bound.ts'
import type { MessageTable } from '../backend.ts'
import type { Conversation } from '../command.ts'
import type { View } from '../view.ts'
import { condstore } from '../condstore.ts'

/** Walks the told messages and the newest table side by side; UIDs must ascend. */
export class MessageCursor {
  readonly #view: View
  readonly #table: MessageTable
  /** Nothing was expunged that the client was not told of: an index is a number less one. */
  readonly #inStep: boolean
  #told = 0
  #current = 0
  /** Sequence number of the message found. */
  sequence = 0 as SequenceNumber

  constructor(view: View) {
    this.#view = view
    this.#table = view.selected.table()
    this.#inStep = view.isCurrent(this.#table)
  }

  /** Index in the newest table, -1 when the message is gone. Sets `sequence`. */
  find(uid: number): number {
    const { uids, count } = this.#table
    let index = this.#current
    if (this.#inStep && index < this.#view.count && uids[index] === uid) {
      this.sequence = ++this.#current as SequenceNumber
      return index
    }
    this.sequence = this.#view.sequenceOf(uid as Uid, this.#told)
    this.#told = this.sequence
    if (!(index < count && uids[index] === uid)) index = lowerBound(uids, count, uid)
    if (index >= count || uids[index] !== uid) return -1
    this.#current = index + 1
    return index
  }
}

/**
 * Tells the flags of these messages after a STORE: what a FETCH of them would say. RFC 3501 §6.4.6.
 * `silent`: only the mod-sequences of those that have `modSeq`, and only to who knows them. RFC 7162 §3.1.3.
 */
export function* tellStored(
  { selected, view, out, enabled }: Conversation,
  uids: Uint32Array,
  options: { readonly uid: boolean; readonly silent: boolean; readonly modSeq: ModSeq },
): Generator<Uint8Array, void, void> {
  const { flagsLow, flagsHigh, modSeqs } = selected.table()
  const aware = enabled.has(condstore)
  if (options.silent && !aware) return
  const encoder = view.flags(out)
  const cursor = new MessageCursor(view)
  for (let i = 0; i < uids.length; i++) {
    const uid = uids[i]!
    const index = cursor.find(uid)
    if (index < 0 || (options.silent && modSeqs[index] !== options.modSeq)) continue
    const items: string[] = []
    if (options.uid || aware || view.rev2) items.push(`UID ${uid}`)
    if (!options.silent) items.push(`FLAGS (${view.listed(encoder.encode(flagsLow[index]!, flagsHigh[index]!), uid)})`)
    if (aware) items.push(`MODSEQ (${modSeqs[index]})`)
    out.text(`* ${cursor.sequence} FETCH (${items.join(' ')})\r\n`)
    if (out.full) yield out.take()
  }
}
