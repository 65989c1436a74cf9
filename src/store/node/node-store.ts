/**
 * What one process makes of an engine: message tables, the directory and flag names remembered, and listeners to changes. The same above
 * every engine. docs/architecture.md §31.
 */
import type { Clock, Timer } from '../../base/clock.ts'
import type { StoreEngine } from '../engine.ts'
import type { Store } from '../store.ts'
import { ChangeFeed } from './change-feed.ts'
import { nodeReads } from './node-reads.ts'
import { RememberedDirectory } from './remembered-directory.ts'
import { withFacts } from './with-facts.ts'

/** How often a node looks whether news was lost, where it can be. What one node has answered, another shows within a second. */
const checkMs = 500

/** @param engine open, and without a commit so far. */
export async function nodeStore(engine: StoreEngine, clock: Clock): Promise<Store> {
  const { rows } = engine
  const directory = new RememberedDirectory(rows, await rows.directoryVersion(), await rows.domains())
  const feed = new ChangeFeed(engine, directory, clock)
  engine.attach(feed.tell.bind(feed))
  const stop = engine.newsMayBeLost ? checkAgain(feed, clock) : () => {}
  return {
    read: nodeReads(rows, directory, feed.tables),
    listen: feed.listen.bind(feed),
    commit(operations, options) {
      const complete = withFacts(operations)
      return complete instanceof Promise
        ? complete.then((all) => engine.commit(all, options))
        : engine.commit(complete, options)
    },
    sink: engine.sink.bind(engine),
    state: engine.state.bind(engine),
    quarantine: engine.quarantine,
    sweep: engine.sweep.bind(engine),
    backup: engine.backup.bind(engine),
    lost: engine.lost.bind(engine),
    dropLost: engine.dropLost.bind(engine),
    reindex: engine.reindex.bind(engine),
    async close() {
      stop()
      await feed.tables.keepAll()
      await engine.close()
    },
  }
}

/** @returns how to stop. */
function checkAgain(feed: ChangeFeed, clock: Clock): () => void {
  let timer: Timer | undefined
  let isStopped = false
  const later = (): void => {
    if (!isStopped) timer = clock.after(checkMs, check)
  }
  // An engine that cannot be read now is asked again.
  const check = (): void => void feed.check().then(later, later)
  later()
  return () => {
    isStopped = true
    timer?.cancel()
  }
}
