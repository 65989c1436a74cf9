/** What a group of commits has changed, gathered for the change feed. docs/architecture.md §7. */
import type { FlagEdit } from '../mail/flags.ts'
import type { AccountId, ModSeq, Uid } from '../mail/ids.ts'
import type { Change } from './changes.ts'
import type { Ranges } from './operations.ts'

interface Added {
  readonly account: AccountId
  uids: Uid[]
  flagsLow: number[]
  flagsHigh: number[]
  modSeqs: ModSeq[]
}

/** From where to where an account's mod-sequence went. */
interface Steps {
  readonly after: ModSeq
  modSeq: ModSeq
}

interface ChangedMailbox {
  readonly id: number
  readonly account: AccountId
}

export class GroupChanges {
  #changes: Change[] = []
  /** Arrivals, gathered by mailbox: a group of many messages is one change. */
  readonly #added = new Map<number, Added>()
  #mark = 0
  /** Of commits that stand, and of the one that may still be refused. */
  readonly #reached = new Map<AccountId, Steps>()
  readonly #reaching = new Map<AccountId, Steps>()

  push(change: Change): void {
    this.#changes.push(change)
  }

  /** The account's mod-sequence was `after`, and is now `modSeq`. */
  reached(account: AccountId, after: ModSeq, modSeq: ModSeq): void {
    const steps = this.#reaching.get(account)
    if (steps) steps.modSeq = modSeq
    else this.#reaching.set(account, { after, modSeq })
  }

  added({ id, account }: ChangedMailbox, uid: Uid, low: number, high: number, modSeq: ModSeq): void {
    let added = this.#added.get(id)
    if (!added) this.#added.set(id, (added = { account, uids: [], flagsLow: [], flagsHigh: [], modSeqs: [] }))
    added.uids.push(uid)
    added.flagsLow.push(low)
    added.flagsHigh.push(high)
    added.modSeqs.push(modSeq)
  }

  flags({ id, account }: ChangedMailbox, modSeq: ModSeq, uids: Ranges, { mode, low, high }: FlagEdit): void {
    this.#settle(id)
    this.#changes.push({ kind: 'flags', account, mailbox: id, modSeq, uids, mode, low, high })
  }

  expunged({ id, account }: ChangedMailbox, modSeq: ModSeq, uids: Ranges): void {
    this.#settle(id)
    this.#changes.push({ kind: 'expunged', account, mailbox: id, modSeq, uids })
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

  #settleSteps(): void {
    for (const [account, steps] of this.#reaching) {
      const before = this.#reached.get(account)
      if (before) before.modSeq = steps.modSeq
      else this.#reached.set(account, steps)
    }
    this.#reaching.clear()
  }

  /** Before a commit that can be refused: what was gathered before it stays. */
  begin(): void {
    this.settleAll()
    this.#mark = this.#changes.length
    this.#settleSteps()
  }

  /** The commit was refused. */
  undo(): void {
    this.#changes.length = this.#mark
    this.#added.clear()
    this.#reaching.clear()
  }

  clear(): void {
    this.#changes = []
    this.#added.clear()
    this.#reached.clear()
    this.#reaching.clear()
  }

  /** After COMMIT: everything, in order, behind what it did to the accounts' mod-sequences. */
  take(): readonly Change[] {
    this.settleAll()
    this.#settleSteps()
    const changes = this.#changes
    this.#changes = []
    if (this.#reached.size === 0) return changes
    const steps = Array.from(this.#reached, ([account, { after, modSeq }]) => {
      return { kind: 'account', account, after, modSeq } as const
    })
    this.#reached.clear()
    return [...steps, ...changes]
  }
}
