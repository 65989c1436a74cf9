/** Passes on what groups of commits have changed: to what is remembered in memory first, then to the listeners. docs/architecture.md §5. */
import { running } from '../../base/running.ts'
import type { Change } from '../changes.ts'
import type { SqliteReads } from './reads.ts'
import type { Tables } from './tables.ts'

type Listener = (changes: readonly Change[]) => void

export class ChangeFeed {
  readonly #reads: SqliteReads
  readonly #tables: Tables
  readonly #listeners = new Set<Listener>()

  constructor(reads: SqliteReads, tables: Tables) {
    this.#reads = reads
    this.#tables = tables
  }

  /** @returns how to stop. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  tell(changes: readonly Change[]): void {
    if (changes.length === 0) return
    running('news of the store')
    for (const change of changes) {
      if (change.kind === 'directory') this.#reads.forgetDirectory()
      if (change.kind === 'mailboxes' || change.kind === 'mailboxGone') this.#reads.forgetMailboxes(change.account)
      if (change.kind === 'flagName') this.#reads.learnFlagName(change.account, change.bit, change.name)
    }
    for (const shared of this.#tables.apply(changes)) shared.tell()
    for (const listener of this.#listeners) queueMicrotask(() => listener(changes))
  }
}
