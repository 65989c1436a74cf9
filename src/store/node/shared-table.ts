/** One mailbox's table, shared by all its holders. */
import type { AccountId, ModSeq, Uid } from '../../mail/ids.ts'
import type { Change } from '../changes.ts'
import type { MailboxRow } from '../entities.ts'
import type { LiveTable, TableView } from '../table.ts'
import { applyChange, type MessageTable } from './message-table.ts'

interface Holder {
  readonly listeners: Set<() => void>
}

/** One per loaded mailbox. */
export class SharedTable {
  readonly account: AccountId
  readonly flagNames: readonly (string | undefined)[]
  table: MessageTable
  readonly holders = new Set<Holder>()
  highestModSeq: ModSeq
  flagsModSeq: ModSeq
  recentUid: Uid
  gone = false
  #isPart = false
  /** With what was missed and is not all here yet. */
  #reachedModSeq = 0 as ModSeq
  /** How far the engine has kept it; 0: not at all. */
  keptModSeq = 0 as ModSeq

  constructor(
    table: MessageTable,
    { account, highestModSeq, recentUid }: MailboxRow,
    flagNames: readonly (string | undefined)[],
  ) {
    this.account = account
    this.flagNames = flagNames
    this.table = table
    this.highestModSeq = highestModSeq
    this.flagsModSeq = highestModSeq
    this.recentUid = recentUid
  }

  /** @param isPart of changes that were missed: those behind it may have smaller modSeqs. */
  apply(change: Change, isPart = false): void {
    this.#isPart = isPart
    if (change.kind === 'mailboxGone') this.gone = true
    const { uidNext } = this
    this.table = applyChange(this.table, change)
    switch (change.kind) {
      case 'added':
        return this.#reached(change.modSeqs.at(-1)!)
      case 'messages':
        change.modSeqs.forEach((modSeq, i) => {
          this.#reached(modSeq)
          if (change.uids[i]! < uidNext) this.#flagsReached(modSeq)
        })
        return
      case 'flags':
        this.#flagsReached(change.modSeq)
        return this.#reached(change.modSeq)
      case 'expunged':
        return this.#reached(change.modSeq)
    }
  }

  /** The table as it was read anew, at least as new as this one. */
  replace(table: MessageTable, { highestModSeq }: MailboxRow): void {
    table.uidNext = Math.max(table.uidNext, this.uidNext)
    this.#isPart = false
    this.table = table
    this.#reached(highestModSeq)
    this.#flagsReached(highestModSeq)
  }

  #reached(modSeq: ModSeq): void {
    this.#reachedModSeq = Math.max(this.#reachedModSeq, modSeq) as ModSeq
    if (!this.#isPart) this.highestModSeq = Math.max(this.highestModSeq, modSeq) as ModSeq
  }

  /** Everything that was missed is in the table. @returns whether this moved its highest modSeq. */
  caughtUp(): boolean {
    const before = this.highestModSeq
    this.highestModSeq = Math.max(before, this.#reachedModSeq) as ModSeq
    return this.highestModSeq !== before
  }

  #flagsReached(modSeq: ModSeq): void {
    this.flagsModSeq = Math.max(this.flagsModSeq, modSeq) as ModSeq
  }

  get uidNext(): Uid {
    return this.table.uidNext as Uid
  }

  tell(): void {
    for (const holder of this.holders) for (const listener of holder.listeners) listener()
  }

  /** `released` runs when the last holder let go. */
  hold(released: () => void): LiveTable {
    const holder: Holder = { listeners: new Set() }
    this.holders.add(holder)
    return new HeldTable(this, holder, released)
  }
}

/** One holder's way to the shared table. */
class HeldTable implements LiveTable {
  readonly #shared: SharedTable
  readonly #holder: Holder
  readonly #released: () => void

  constructor(shared: SharedTable, holder: Holder, released: () => void) {
    this.#shared = shared
    this.#holder = holder
    this.#released = released
  }

  view(): TableView {
    return this.#shared.table
  }

  get uidNext(): Uid {
    return this.#shared.uidNext
  }

  get highestModSeq(): ModSeq {
    return this.#shared.highestModSeq
  }

  get flagsModSeq(): ModSeq {
    return this.#shared.flagsModSeq
  }

  get recentUid(): Uid {
    return this.#shared.recentUid
  }

  claimRecent(): number {
    const { recentUid, uidNext } = this.#shared
    this.#shared.recentUid = uidNext
    return recentUid
  }

  get gone(): boolean {
    return this.#shared.gone
  }

  get flagNames(): readonly (string | undefined)[] {
    return this.#shared.flagNames
  }

  listen(changed: () => void): () => void {
    this.#holder.listeners.add(changed)
    return () => void this.#holder.listeners.delete(changed)
  }

  release(): void {
    const { holders } = this.#shared
    if (holders.delete(this.#holder) && holders.size === 0) this.#released()
  }
}
