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
  engine.attach(feed.tell.bind(feed))
  return {
    read: nodeReads(rows, directory, tables),
    listen: feed.listen.bind(feed),
    commit: engine.commit.bind(engine) as Store['commit'],
    sink: engine.sink.bind(engine),
    state: engine.state.bind(engine),
    quarantine: engine.quarantine,
    sweep: engine.sweep.bind(engine),
    backup: engine.backup.bind(engine),
    lost: engine.lost.bind(engine),
    dropLost: engine.dropLost.bind(engine),
    reindex: engine.reindex.bind(engine),
    close: engine.close.bind(engine),
  }
}
