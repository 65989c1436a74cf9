/** Passes on what groups of commits have changed: to what is remembered in memory first, then to the listeners. docs/architecture.md §7. */
import { running } from '../../base/running.ts'
import type { Clock } from '../../base/clock.ts'
import type { Change } from '../changes.ts'
import type { StoreEngine } from '../engine.ts'
import { FollowedAccounts } from './followed-accounts.ts'
import type { RememberedDirectory } from './remembered-directory.ts'
import { Tables } from './tables.ts'

type Listener = (changes: readonly Change[]) => void

export class ChangeFeed {
  readonly #directory: RememberedDirectory
  readonly #accounts: FollowedAccounts
  readonly #listeners = new Set<Listener>()
  readonly tables: Tables

  constructor(
    { rows, keepTable }: Pick<StoreEngine, 'rows' | 'keepTable'>,
    directory: RememberedDirectory,
    clock: Clock,
  ) {
    this.#directory = directory
    this.#accounts = new FollowedAccounts({
      rows,
      clock,
      pass: (changes) => this.#pass(changes, changes, true),
      caughtUp: (account) => this.tables.caughtUp(account),
      reload: (account) => this.tables.reload(account),
    })
    this.tables = new Tables({ rows, clock, keepTable, accounts: this.#accounts })
  }

  /** @returns how to stop. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** @returns a promise where rows must be read before what is remembered has all that the changes speak of. */
  tell(changes: readonly Change[]): Promise<unknown> | undefined {
    if (changes.length === 0) return undefined
    running('news of the store')
    const { forTables, forOthers } = this.#accounts.sort(changes)
    this.#pass(forTables, forOthers)
    let reading: Promise<void>[] | undefined
    for (const change of changes) {
      const read =
        change.kind === 'account'
          ? this.#accounts.settled(change.account)
          : change.kind === 'directory' && this.#directory.settled()
      if (read) (reading ??= []).push(read)
    }
    return reading && Promise.all(reading)
  }

  /** @param isPart more of what was missed is to come. */
  #pass(forTables: readonly Change[], changes: readonly Change[], isPart = false): void {
    for (const change of changes) {
      if (change.kind === 'directory') this.#directory.changed(change.version, change.domain)
      if (change.kind === 'mailboxes' || change.kind === 'mailboxGone') this.#directory.forgetMailboxes(change.account)
    }
    for (const shared of this.tables.apply(forTables, isPart)) shared.tell()
    if (changes.length === 0) return
    for (const listener of this.#listeners) queueMicrotask(() => listener(changes))
  }

  /** Looks whether news was lost, and reads what it would have told. */
  async check(): Promise<void> {
    const version = await this.#directory.newer()
    if (version !== undefined) this.#pass([], [{ kind: 'directory', version }])
    this.#directory.forgetMailboxIds()
    await this.#accounts.check()
  }
}
