/** What a group of commits has changed, gathered for the change feed. docs/architecture.md §7. */
import type { FlagEdit } from '../mail/flags.ts'
import type { ModSeq, Uid } from '../mail/ids.ts'
import type { Change } from './changes.ts'
import type { Ranges } from './operations.ts'

interface Added {
  uids: Uid[]
  flagsLow: number[]
  flagsHigh: number[]
  modSeqs: ModSeq[]
}

export class GroupChanges {
  #changes: Change[] = []
  /** Arrivals, gathered by mailbox: a group of many messages is one change. */
  readonly #added = new Map<number, Added>()
  #mark = 0

  push(change: Change): void {
    this.#changes.push(change)
  }

  added(mailbox: number, uid: Uid, low: number, high: number, modSeq: ModSeq): void {
    let added = this.#added.get(mailbox)
    if (!added) this.#added.set(mailbox, (added = { uids: [], flagsLow: [], flagsHigh: [], modSeqs: [] }))
    added.uids.push(uid)
    added.flagsLow.push(low)
    added.flagsHigh.push(high)
    added.modSeqs.push(modSeq)
  }

  flags(mailbox: number, modSeq: ModSeq, uids: Ranges, { mode, low, high }: FlagEdit): void {
    this.#settle(mailbox)
    this.#changes.push({ kind: 'flags', mailbox, modSeq, uids, mode, low, high })
  }

  expunged(mailbox: number, modSeq: ModSeq, uids: readonly (readonly [number, number])[]): void {
    this.#settle(mailbox)
    this.#changes.push({ kind: 'expunged', mailbox, modSeq, uids })
  }

  /** Any other change of a mailbox must come after the arrivals before it. */
  #settle(mailbox: number): void {
    const added = this.#added.get(mailbox)
    if (!added || added.uids.length === 0) return
    this.#added.delete(mailbox)
    this.#changes.push({ kind: 'added', mailbox, ...added })
  }

  settleAll(): void {
    for (const mailbox of [...this.#added.keys()]) this.#settle(mailbox)
  }

  /** Before a commit that can be refused: what was gathered before it stays. */
  begin(): void {
    this.settleAll()
    this.#mark = this.#changes.length
  }

  /** The commit was refused. */
  undo(): void {
    this.#changes.length = this.#mark
    this.#added.clear()
  }

  clear(): void {
    this.#changes = []
    this.#added.clear()
  }

  /** After COMMIT: everything, in order. */
  take(): readonly Change[] {
    this.settleAll()
    const changes = this.#changes
    this.#changes = []
    return changes
  }
}
