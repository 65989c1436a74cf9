/** A mailbox in memory: its messages, and the table that all its sessions look at. */
import type { ModSeq, Uid } from '../../../mail/ids.ts'
import { lowerBound } from '../../../base/lower-bound.ts'
import { deletedBit, flagWordBits, seenBit } from '../../../mail/flags.ts'
import type { InternalDate, MessageTable } from '../backend.ts'

export interface MemoryMessage {
  readonly uid: Uid
  readonly bytes: Uint8Array
  readonly internalDate: InternalDate
}

interface Table extends MessageTable {
  count: number
  uids: Uint32Array
  flagsLow: Uint32Array
  flagsHigh: Uint32Array
  modSeqs: Float64Array
}

function tableFor(capacity: number): Table {
  return {
    count: 0,
    uids: new Uint32Array(capacity),
    flagsLow: new Uint32Array(capacity),
    flagsHigh: new Uint32Array(capacity),
    modSeqs: new Float64Array(capacity),
  }
}

/** Arrivals find room in the arrays for a while before larger ones are made. */
const capacityMin = 16

export class MemoryMailbox {
  name: string
  readonly id: string
  readonly uidValidity: number
  readonly specialUse: string | undefined
  uidNext = 1 as Uid
  recentUid = 1 as Uid
  highestModSeq = 1 as ModSeq
  gone = false
  messages: MemoryMessage[] = []
  table = tableFor(capacityMin)
  readonly listeners = new Set<() => void>()
  #telling = false

  constructor(name: string, id: string, uidValidity: number, specialUse: string | undefined) {
    this.name = name
    this.id = id
    this.uidValidity = uidValidity
    this.specialUse = specialUse
  }

  /** @returns the new message's UID. */
  add(bytes: Uint8Array, internalDate: InternalDate, low: number, high: number, modSeq: ModSeq): number {
    const uid = this.uidNext++ as Uid
    const { table } = this
    if (table.count === table.uids.length) Object.assign(table, copyOf(table, table.count * 2), { count: table.count })
    table.uids[table.count] = uid
    table.flagsLow[table.count] = low
    table.flagsHigh[table.count] = high
    table.modSeqs[table.count] = modSeq
    table.count++
    this.messages.push({ uid, bytes, internalDate })
    this.changed(modSeq)
    return uid
  }

  indexOf(uid: number): number {
    const index = lowerBound(this.table.uids, this.table.count, uid)
    return index < this.table.count && this.table.uids[index] === uid ? index : -1
  }

  /** An expunge: a new table, so that sessions see by identity that numbers shifted. */
  remove(gone: ReadonlySet<number>, modSeq: ModSeq): void {
    const old = this.table
    const table = tableFor(Math.max(capacityMin, old.count))
    for (let i = 0; i < old.count; i++) {
      if (gone.has(old.uids[i]!)) continue
      const at = table.count++
      table.uids[at] = old.uids[i]!
      table.flagsLow[at] = old.flagsLow[i]!
      table.flagsHigh[at] = old.flagsHigh[i]!
      table.modSeqs[at] = old.modSeqs[i]!
    }
    this.messages = this.messages.filter(({ uid }) => !gone.has(uid))
    this.table = table
    this.changed(modSeq)
  }

  /** Listeners are told soon, and once for all that happens until then. */
  changed(modSeq = this.highestModSeq): void {
    this.highestModSeq = modSeq
    if (this.#telling || this.listeners.size === 0) return
    this.#telling = true
    queueMicrotask(() => {
      this.#telling = false
      for (const listener of this.listeners) listener()
    })
  }

  counts() {
    let unseen = 0
    let deleted = 0
    for (let i = 0; i < this.table.count; i++) {
      if ((this.table.flagsLow[i]! & seenBit) === 0) unseen++
      if ((this.table.flagsLow[i]! & deletedBit) !== 0) deleted++
    }
    return { unseen, deleted, recent: this.table.count - lowerBound(this.table.uids, this.table.count, this.recentUid) }
  }

  hasFlag(index: number, bit: number): boolean {
    const word = bit < flagWordBits ? this.table.flagsLow[index]! : this.table.flagsHigh[index]!
    return ((word >>> (bit % flagWordBits)) & 1) === 1
  }
}

function copyOf(table: Table, capacity: number): Table {
  const copy = tableFor(capacity)
  copy.uids.set(table.uids)
  copy.flagsLow.set(table.flagsLow)
  copy.flagsHigh.set(table.flagsHigh)
  copy.modSeqs.set(table.modSeqs)
  return copy
}
