/** What a session was told of its mailbox, and the news since. Sequence numbers are the told ones. RFC 3501 §5.2, §5.5, §7.4.1. */
import type { ModSeq, SequenceNumber, Uid } from '../../mail/ids.ts'
import { lowerBound } from '../../base/lower-bound.ts'
import type { ImapSelected, MessageTable } from './backend.ts'
import type { Out } from './out.ts'
import { tellFlags, tellPermanentFlags } from './flag-names.ts'
import { RecentRanges } from './recent.ts'
import { FlagEncoder } from './wire/flag-list.ts'
import { SyntaxFault } from './wire/fault.ts'
import { resolveRanges, star } from './wire/sequence-set.ts'
import type { SequenceSet } from './wire/sequence-set.ts'
import type { UidRanges } from '../../mail/search-key.ts'

const none = new Uint32Array(0)

/** Changes of our own between two times that we may tell news: pages of a FETCH that set \Seen. */
const ownMax = 256

export class View {
  readonly selected: ImapSelected
  readonly recent: RecentRanges
  /** Changes of flags are told with their mod-sequences: CONDSTORE is on. */
  tellsModSeq = false
  /** IMAP4rev2 is on. */
  rev2 = false
  /** The table whose order the client knows, and how much of it. Flags of a table that is not the newest may be stale. */
  #clientTable: MessageTable
  #count: number
  #toldModSeq: ModSeq
  /** Names of flags that the client has heard of. They grow in number, and never change. */
  #toldNames: number
  /** Changes that this session made and has shown by itself. */
  #own: ModSeq[] | undefined
  /** `$`: UIDs of the last SEARCH that saved. RFC 5182 §2.1. */
  #saved: Uint32Array = none

  constructor(selected: ImapSelected) {
    this.selected = selected
    this.#clientTable = selected.table()
    this.#count = this.#clientTable.count
    this.#toldModSeq = selected.highestModSeq()
    this.#toldNames = selected.flagNames().length
    this.recent = new RecentRanges(selected.recentUid, selected.uidNext())
  }

  /** EXISTS as told. */
  get count(): number {
    return this.#count
  }

  /** The told UIDs in order; those at `count` and behind are not told. */
  get uids(): Uint32Array {
    return this.#clientTable.uids
  }

  /** The told UIDs as ranges: what a SEARCH may answer with. */
  within(): UidRanges {
    return this.#count === 0 ? [] : [[this.#clientTable.uids[0]!, this.#clientTable.uids[this.#count - 1]!]]
  }

  /** Whether some flag list has \Recent, which is this session's alone. */
  get listsRecent(): boolean {
    return !this.rev2 && this.recentCount() > 0
  }

  recentCount(): number {
    return this.recent.count(this.#clientTable.uids, this.#count)
  }

  save(uids: Uint32Array): void {
    this.#saved = uids
  }

  /** The number that the client counts the message by, 0 when its UID was not told. */
  sequenceOf(uid: Uid, hint = 0): SequenceNumber {
    const { uids } = this.#clientTable
    if (hint < this.#count && uids[hint] === uid) return (hint + 1) as SequenceNumber
    const index = lowerBound(uids, this.#count, uid)
    return (index < this.#count && uids[index] === uid ? index + 1 : 0) as SequenceNumber
  }

  /**
   * The UIDs that a set names, ascending. Unknown UIDs are passed over; a sequence number that was never told is a fault,
   * but `*` in an empty mailbox is no message: clients say 1:* before they look.
   */
  resolve(set: SequenceSet, byUid: boolean): Uint32Array {
    if (set.saved) return this.#saved.filter((uid) => this.sequenceOf(uid as Uid) > 0)
    const { uids } = this.#clientTable
    const count = this.#count
    if (count === 0 && (byUid || set.ranges.some(([a, b]) => a === star || b === star))) return none
    const last = byUid ? uids[count - 1]! : count
    const ranges = resolveRanges(set, last)
    const spans: [number, number][] = []
    let size = 0
    for (const [first, end] of ranges) {
      if (!byUid && end > count) throw new SyntaxFault(-1, `message numbers up to ${count}`, 'sequence-set')
      const from = byUid ? lowerBound(uids, count, first) : first - 1
      const to = byUid ? lowerBound(uids, count, end + 1) : end
      if (from >= to) continue
      spans.push([from, to])
      size += to - from
    }
    // Told UIDs never change in place: a part of the table can be lent out.
    if (spans.length === 1) return uids.subarray(spans[0]![0], spans[0]![1])
    const found = new Uint32Array(size)
    let at = 0
    for (const [from, to] of spans) {
      found.set(uids.subarray(from, to), at)
      at += to - from
    }
    return found
  }

  /** A set of sequence numbers or UIDs as UID ranges for the backend; told messages only, but for UIDs asked by number. */
  uidRanges(set: SequenceSet, byUid: boolean): [number, number][] {
    if (byUid && !set.saved) return resolveRanges(set, this.#count > 0 ? this.#clientTable.uids[this.#count - 1]! : 0)
    const found = this.resolve(set, byUid)
    const ranges: [number, number][] = []
    const { uids } = this.#clientTable
    for (let i = 0, index = -1; i < found.length; i++) {
      // Neighbours in the mailbox make one range, whatever UIDs were between them.
      const next = index >= 0 && uids[index + 1] === found[i] ? index + 1 : this.sequenceOf(found[i]! as Uid) - 1
      if (index >= 0 && next === index + 1) ranges[ranges.length - 1]![1] = found[i]!
      else ranges.push([found[i]!, found[i]!])
      index = next
    }
    return ranges
  }

  /** The changes made under this modSeq were shown, or were asked not to be. */
  own(modSeq: ModSeq): void {
    this.#own ??= []
    // Forgetting one means telling flags that the client knows.
    if (this.#own.length >= ownMax) this.#own.shift()
    this.#own.push(modSeq)
  }

  /** For flags that are told now. Keywords that the client has not heard of are told first. RFC 3501 §7.2.6. */
  flags(out: Out): FlagEncoder {
    const names = this.selected.flagNames()
    if (names.length > this.#toldNames) {
      this.#toldNames = names.length
      tellFlags(out, this.selected)
      tellPermanentFlags(out, this.selected)
    }
    return new FlagEncoder(names)
  }

  /** The newest table when nothing was expunged since, so that positions agree; else a lookup is needed. */
  isCurrent(table: MessageTable): boolean {
    return table === this.#clientTable
  }

  /** These UIDs are all messages of the mailbox as it is now, by the numbers that every session has for them. */
  isWhole(uids: Uint32Array): boolean {
    const table = this.selected.table()
    return this.isCurrent(table) && uids.length === table.count
  }

  /** Told, but expunged by now. */
  isGone(uid: number): boolean {
    const { uids, count } = this.selected.table()
    const index = lowerBound(uids, count, uid)
    return index >= count || uids[index] !== uid
  }

  /**
   * Says what changed since the last time. Without `expunge` nothing may shift sequence numbers: while another session's expunge waits
   * to be told, so do arrivals and flags.
   * @returns whether anything was said.
   */
  flushUpdates(out: Out, expunge: boolean): boolean {
    const { selected } = this
    const table = selected.table()
    if (table === this.#clientTable && table.count === this.#count && selected.highestModSeq() === this.#toldModSeq)
      return false
    const before = out.size
    if (table !== this.#clientTable) {
      if (!expunge) return false
      this.#tellExpunged(out, table)
    }
    const known = this.#count
    const modSeq = selected.highestModSeq()
    if (table.count > known) {
      this.#count = table.count
      this.recent.add(selected.claimRecent(), selected.uidNext())
      out.text(`* ${table.count} EXISTS\r\n`)
      if (!this.rev2) out.text(`* ${this.recentCount()} RECENT\r\n`)
    }
    if (modSeq > this.#toldModSeq) {
      if (selected.flagsModSeq() > this.#toldModSeq) this.#tellFlags(out, table, known)
      this.#toldModSeq = modSeq
    }
    this.#own = undefined
    return out.size > before
  }

  /** One walk over both tables; each number is the one that the client counts after the removals before it. RFC 3501 §7.4.1. */
  #tellExpunged(out: Out, table: MessageTable): void {
    const old = this.#clientTable.uids
    const { uids, count } = table
    let kept = 0
    for (let i = 0; i < this.#count; i++) {
      if (kept < count && uids[kept] === old[i]) kept++
      else out.text(`* ${kept + 1} EXPUNGE\r\n`)
    }
    this.#clientTable = table
    this.#count = kept
    if (kept === 0 || this.#saved.length > 0) this.#saved = this.#saved.filter((uid) => this.sequenceOf(uid as Uid) > 0)
  }

  #tellFlags(out: Out, table: MessageTable, known: number): void {
    const { modSeqs, flagsLow, flagsHigh, uids } = table
    const since = this.#toldModSeq
    let encoder: FlagEncoder | undefined
    for (let i = 0; i < known; i++) {
      if (modSeqs[i]! <= since || this.#own?.includes(modSeqs[i]! as ModSeq)) continue
      encoder ??= this.flags(out)
      const flags = this.listed(encoder.encode(flagsLow[i]!, flagsHigh[i]!), uids[i]!)
      // The UID beside them: RFC 7162 §3.2.4, RFC 9051 §7.5.2.
      if (this.tellsModSeq) out.text(`* ${i + 1} FETCH (UID ${uids[i]} FLAGS (${flags}) MODSEQ (${modSeqs[i]}))\r\n`)
      else if (this.rev2) out.text(`* ${i + 1} FETCH (UID ${uids[i]} FLAGS (${flags}))\r\n`)
      else out.text(`* ${i + 1} FETCH (FLAGS (${flags}))\r\n`)
    }
  }

  /** A flag list with the session's \Recent, which IMAP4rev2 does not know any more. */
  listed(flags: string, uid: number): string {
    if (this.rev2 || !this.recent.has(uid)) return flags
    return flags === '' ? '\\Recent' : `${flags} \\Recent`
  }
}
