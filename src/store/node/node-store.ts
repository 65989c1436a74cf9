/**
 * What one process makes of an engine: message tables, the directory and flag names remembered, and listeners to changes. The same above
 * every engine. docs/architecture.md §31.
 */
import type { Clock } from '../../base/clock.ts'
import type { StoreEngine } from '../engine.ts'
import type { Store } from '../store.ts'
import { ChangeFeed } from './change-feed.ts'
import { nodeReads } from './node-reads.ts'
import { RememberedDirectory } from './remembered-directory.ts'
import { Tables } from './tables.ts'

/** @param engine open, and without a commit so far. */
export async function nodeStore(engine: StoreEngine, clock: Clock): Promise<Store> {
  const { rows } = engine
  const directory = new RememberedDirectory(rows, await rows.domains())
  const tables = new Tables(rows, clock)
  const feed = new ChangeFeed(directory, tables)
  engine.attach((changes) => feed.tell(changes))
  return {
    read: nodeReads(rows, directory, tables),
    listen: (listener) => feed.listen(listener),
    commit: (operations, options) => engine.commit(operations, options),
    sink: () => engine.sink(),
    readContent: (content, start, end) => engine.readContent(content, start, end),
    state: () => engine.state(),
    quarantine: engine.quarantine,
    sweep: (nowMs) => engine.sweep(nowMs),
    backup: (folder, options) => engine.backup(folder, options),
    lost: () => engine.lost(),
    dropLost: () => engine.dropLost(),
    reindex: (options) => engine.reindex(options),
    close: () => engine.close(),
  }
}
