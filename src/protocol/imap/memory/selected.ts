/** A mailbox in memory as one session has it open. */
import type { ModSeq, Uid } from '../../../mail/ids.ts'
import { deletedBit, editFlagWord } from '../../../mail/flags.ts'
import { formatBodyBasic, formatBodyStructure } from '../../../mail/imap/body-structure.ts'
import { formatEnvelope } from '../../../mail/imap/envelope.ts'
import { parseStructure } from '../../../mail/mime/structure.ts'
import type { SearchKey, UidRanges } from '../../../mail/search-key.ts'
import type { CopyResult, FetchNeed, FetchPages, FetchRow, ImapSelected, MessageTable } from '../backend.ts'
import type { MemoryStore } from './store.ts'
import type { MemoryMailbox, MemoryMessage } from './mailbox.ts'
import { matches } from './search.ts'

/** Rows a page: a page is what a session holds at once. */
const pageRows = 64

export class MemorySelected implements ImapSelected {
  readonly readOnly: boolean
  readonly recentUid: Uid
  readonly #store: MemoryStore
  readonly #mailbox: MemoryMailbox
  readonly #onChange: () => void

  constructor(store: MemoryStore, mailbox: MemoryMailbox, readOnly: boolean, onChange: () => void) {
    this.#store = store
    this.#mailbox = mailbox
    this.readOnly = readOnly
    this.recentUid = mailbox.recentUid
    if (!readOnly) mailbox.recentUid = mailbox.uidNext
    this.#onChange = onChange
    mailbox.listeners.add(onChange)
  }

  get name(): string {
    return this.#mailbox.name
  }
  get mailboxId(): string {
    return this.#mailbox.id
  }
  get uidValidity(): number {
    return this.#mailbox.uidValidity
  }
  get gone(): boolean {
    return this.#mailbox.gone
  }
  uidNext(): Uid {
    return this.#mailbox.uidNext
  }
  highestModSeq(): ModSeq {
    return this.#mailbox.highestModSeq
  }
  flagsModSeq(): ModSeq {
    return this.#mailbox.highestModSeq
  }
  table(): MessageTable {
    return this.#mailbox.table
  }
  flagNames(): readonly (string | undefined)[] {
    return this.#store.flagNames
  }
  keywordsOpen(): boolean {
    return this.#store.keywordsOpen()
  }

  claimRecent(): number {
    const first = this.#mailbox.recentUid
    if (!this.readOnly) this.#mailbox.recentUid = this.#mailbox.uidNext
    return first
  }

  fetch(uids: Uint32Array, need: FetchNeed): FetchPages {
    const whole = uids.length === 1 ? this.#rows(uids, need) : undefined
    return { whole, [Symbol.asyncIterator]: () => this.#pages(uids, need) }
  }

  async *#pages(uids: Uint32Array, need: FetchNeed): AsyncGenerator<readonly FetchRow[], void, void> {
    for (let at = 0; at < uids.length; at += pageRows) yield this.#rows(uids.subarray(at, at + pageRows), need)
  }

  #rows(uids: Uint32Array, need: FetchNeed): FetchRow[] {
    const rows: FetchRow[] = []
    for (const uid of uids) {
      const index = this.#mailbox.indexOf(uid)
      if (index >= 0) rows.push(rowOf(this.#mailbox.messages[index]!, need))
    }
    return rows
  }

  async store(
    uids: Uint32Array,
    mode: 'add' | 'remove' | 'replace',
    flags: readonly string[],
    unchangedSince?: ModSeq,
  ) {
    const mailbox = this.#mailbox
    const { low, high } = this.#store.bitsOf(flags)
    const modSeq = this.#store.nextModSeq()
    let changed = false
    const failed: number[] = []
    const { flagsLow, flagsHigh, modSeqs } = mailbox.table
    for (const uid of uids) {
      const index = mailbox.indexOf(uid)
      if (index < 0) continue
      if (unchangedSince !== undefined && modSeqs[index]! > unchangedSince) {
        failed.push(uid)
        continue
      }
      const [a, b] = [flagsLow[index]!, flagsHigh[index]!]
      flagsLow[index] = editFlagWord(mode, a, low)
      flagsHigh[index] = editFlagWord(mode, b, high)
      if (flagsLow[index] === a && flagsHigh[index] === b) continue
      modSeqs[index] = modSeq
      changed = true
    }
    if (changed) mailbox.changed(modSeq)
    return { modSeq, failed: Uint32Array.from(failed) }
  }

  async expunge(uids?: Uint32Array) {
    const mailbox = this.#mailbox
    const { table } = mailbox
    const gone = new Set<number>()
    for (const uid of uids ?? table.uids.subarray(0, table.count)) {
      const index = mailbox.indexOf(uid)
      if (index >= 0 && (table.flagsLow[index]! & deletedBit) !== 0) gone.add(uid)
    }
    const modSeq = gone.size > 0 ? this.#store.nextModSeq() : mailbox.highestModSeq
    if (gone.size > 0) mailbox.remove(gone, modSeq)
    return { expunged: Uint32Array.from(gone), modSeq }
  }

  async copy(uids: Uint32Array, target: string): Promise<CopyResult> {
    const mailbox = this.#mailbox
    const to = this.#store.existing(target, 'TRYCREATE')
    const modSeq = this.#store.nextModSeq()
    const source: number[] = []
    const copies: number[] = []
    for (const uid of uids) {
      const index = mailbox.indexOf(uid)
      if (index < 0) continue
      const { bytes, internalDate } = mailbox.messages[index]!
      const { flagsLow, flagsHigh } = mailbox.table
      source.push(uid)
      copies.push(to.add(bytes, internalDate, flagsLow[index]!, flagsHigh[index]!, modSeq))
    }
    return { uidValidity: to.uidValidity, source: Uint32Array.from(source), target: Uint32Array.from(copies) }
  }

  async move(uids: Uint32Array, target: string): Promise<CopyResult> {
    const result = await this.copy(uids, target)
    if (result.source.length > 0) this.#mailbox.remove(new Set(result.source), this.#store.nextModSeq())
    return result
  }

  async search(key: SearchKey, within: UidRanges): Promise<Uint32Array> {
    const mailbox = this.#mailbox
    const found: number[] = []
    for (const [index, message] of mailbox.messages.entries()) {
      if (!within.some(([first, last]) => first <= message.uid && message.uid <= last)) continue
      const hasFlag = (name: string): boolean => {
        const bit = this.#store.bitOf(name)
        return bit >= 0 && mailbox.hasFlag(index, bit)
      }
      if (matches(key, { message, hasFlag, modSeq: mailbox.table.modSeqs[index]! as ModSeq })) found.push(message.uid)
    }
    return Uint32Array.from(found)
  }

  close(): void {
    this.#mailbox.listeners.delete(this.#onChange)
  }
}

function rowOf({ uid, bytes, internalDate }: MemoryMessage, need: FetchNeed): FetchRow {
  const part = need.envelope || need.body || need.bodyStructure ? parseStructure(bytes) : undefined
  return {
    uid,
    envelope: need.envelope ? formatEnvelope(part?.header) : undefined,
    body: need.body ? formatBodyBasic(part!) : undefined,
    bodyStructure: need.bodyStructure ? formatBodyStructure(part!) : undefined,
    internalDate,
    sizeBytes: bytes.length,
    bytes: { sizeBytes: bytes.length, read: (start, end) => bytes.subarray(start, end) },
  }
}
