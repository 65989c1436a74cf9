/** What FETCH said last of a whole mailbox by its table in memory: who asks the same next gets the same bytes. */
import type { ModSeq } from '../../../mail/ids.ts'
import type { MessageTable } from '../backend.ts'
import { keptAnswersMaxBytes } from '../limits.ts'

/** A small answer counts for more than its bytes: its entry is as large. */
const entryBytes = 512

/** What an answer depends on beside its table: while these are the same, so are the bytes. */
export interface Question {
  /** The items in their order. */
  readonly items: string
  /** No message came, went or got other flags since. */
  readonly modSeq: ModSeq
  readonly count: number
}

interface Slot {
  readonly table: WeakRef<MessageTable>
  readonly bytes: number
}

interface Kept {
  readonly question: Question
  readonly answer: Uint8Array
  readonly slot: Slot
}

/** One answer a table, the last; it goes with the table. Beyond `maxBytes` in all the oldest go. */
export class KeptAnswers {
  readonly #maxBytes: number
  readonly #byTable = new WeakMap<MessageTable, Kept>()
  /** Oldest first. Those of tables that are gone count until their turn comes: bytes are never more than told. */
  readonly #slots = new Set<Slot>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** One mailbox may not drive out all others. */
  get answerMaxBytes(): number {
    return this.#maxBytes / 4 - entryBytes
  }

  /** The buffer is shared by all who ask: it is never written to. */
  get(table: MessageTable, { items, modSeq, count }: Question): Uint8Array | undefined {
    const kept = this.#byTable.get(table)
    const isSame = kept?.question.items === items && kept.question.modSeq === modSeq && kept.question.count === count
    return isSame ? kept.answer : undefined
  }

  set(table: MessageTable, question: Question, answer: Uint8Array): void {
    if (answer.length > this.answerMaxBytes) return
    const bytes = answer.length + entryBytes
    const old = this.#byTable.get(table)
    if (old) this.#forget(old.slot)
    const slot = { table: new WeakRef(table), bytes }
    this.#byTable.set(table, { question, answer, slot })
    this.#slots.add(slot)
    this.#bytes += bytes
    for (const oldest of this.#slots) {
      if (this.#bytes <= this.#maxBytes) break
      this.#forget(oldest)
    }
  }

  #forget(slot: Slot): void {
    const table = slot.table.deref()
    if (table) this.#byTable.delete(table)
    this.#slots.delete(slot)
    this.#bytes -= slot.bytes
  }
}

export const keptAnswers = new KeptAnswers(keptAnswersMaxBytes)
