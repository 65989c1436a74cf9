/** Passes on what groups of commits have changed: to what is remembered in memory first, then to the listeners. docs/architecture.md §7. */
import { running } from '../../base/running.ts'
import type { Change } from '../changes.ts'
import type { RememberedDirectory } from './remembered-directory.ts'
import type { Tables } from './tables.ts'

type Listener = (changes: readonly Change[]) => void

export class ChangeFeed {
  readonly #directory: RememberedDirectory
  readonly #tables: Tables
  readonly #listeners = new Set<Listener>()

  constructor(directory: RememberedDirectory, tables: Tables) {
    this.#directory = directory
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
      if (change.kind === 'domain') this.#directory.setDomain(change.name, change.isLocal)
      if (change.kind === 'directory') this.#directory.forget()
      if (change.kind === 'mailboxes' || change.kind === 'mailboxGone') this.#directory.forgetMailboxes(change.account)
    }
    for (const shared of this.#tables.apply(changes)) shared.tell()
    for (const listener of this.#listeners) queueMicrotask(() => listener(changes))
  }
}
