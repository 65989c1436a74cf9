/** The embedded engine: the writer's thread, reads, tables, contents and the change feed put together as a `Store`. */
import { dropLost, lostFiles } from '../contents/lost.ts'
import { StoreSink } from '../contents/sink.ts'
import type { Change } from '../changes.ts'
import type { StoreEngine } from '../engine.ts'
import { nodeStore } from '../node/node-store.ts'
import type { Store, SweepReport } from '../store.ts'
import { backupTo } from './backup.ts'
import { Batcher } from './batcher.ts'
import { diskEngine } from './disk-engine.ts'
import type { Engine, StoreOptions } from './engine-interface.ts'
import { memoryEngine } from './memory-engine.ts'
import { quarantineOf } from './quarantine-commands.ts'
import { SqliteReads } from './reads.ts'
import { reindex } from './reindex.ts'
import { encodeTable } from './snapshot.ts'
import { sweepStep } from './sweep.ts'
import { VisibleReads } from './visible-reads.ts'

export type { StoreOptions } from './engine-interface.ts'

export interface SqliteStore extends Store {
  /** How many records were replayed at start: more than none after a crash. */
  readonly replayed: number
}

export async function openStore(options: StoreOptions): Promise<SqliteStore> {
  const engine = options.folder === ':memory:' ? memoryEngine(options) : await diskEngine(options)
  try {
    return await storeOn(engine, options)
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** The engine alone, in memory: for nodes that share it. */
export function engineInMemory(options: Omit<StoreOptions, 'folder'>): StoreEngine {
  const inMemory = { folder: ':memory:', ...options }
  return sqliteEngine(memoryEngine(inMemory), inMemory)
}

/** A store on an engine that is open. */
export async function storeOn(engine: Engine, options: StoreOptions): Promise<SqliteStore> {
  return Object.assign(await nodeStore(sqliteEngine(engine, options), options.clock), { replayed: engine.replayed })
}

function sqliteEngine(engine: Engine, options: StoreOptions): StoreEngine {
  const { clock, log } = options
  const reads = new SqliteReads(engine.reads, engine.files, clock, (content, { segment, position, file }, problem) =>
    log.error('message content is damaged or missing', { content, segment, position, file, problem }),
  )
  let tell = (_changes: readonly Change[]): Promise<unknown> | void => {}
  const batcher = new Batcher(engine.host, clock, (changes) => tell(changes))
  engine.attach(batcher)
  const rows = new VisibleReads({
    reads,
    promised: batcher.promised,
    allRows: () => batcher.allRows(),
    search: engine.search,
  })
  return {
    rows,
    attach: (changed) => (tell = changed),
    commit: (operations, commitOptions) => batcher.commit(operations, commitOptions?.until ?? 'visible') as never,
    sink: () => new StoreSink(engine.room, engine.files),
    state: () => engine.state(),
    async keepTable(mailbox, { page, highestModSeq }) {
      const messages = encodeTable(page)
      await batcher.commit([{ kind: 'snapshot', mailbox, highestModSeq, messages }], 'visible').catch(() => {})
    },
    quarantine: quarantineOf(engine, rows, batcher, clock),
    ...maintenanceOf(engine, batcher, options),
  }
}

/** What is done beside mail: sweep, backup, reindex, and closing, which waits for them. */
function maintenanceOf(
  engine: Engine,
  batcher: Batcher,
  { folder, clock, log }: StoreOptions,
): Pick<Store, 'sweep' | 'backup' | 'lost' | 'dropLost' | 'reindex' | 'close'> {
  const { files, reads } = engine
  let closing: Promise<void> | undefined
  const stop = new AbortController()
  // A backup names files that a sweep would remove: one of them at a time.
  let last: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }
  return {
    sweep: (nowMs): Promise<SweepReport> =>
      alone(() => sweepStep({ batcher, files, reads, folder, clock, log, nowMs, signal: stop.signal })),
    backup: (target, backupOptions) =>
      alone(() => {
        const { copyRows } = engine
        const tools = { dataFolder: folder, reads, batcher, copyRows, stopped: () => stop.signal.aborted }
        return backupTo({ ...tools, nowMs: clock.now() }, target, backupOptions)
      }),
    lost: async () => (folder === ':memory:' ? [] : lostFiles(folder)),
    dropLost: async () => (folder === ':memory:' ? 0 : dropLost(folder)),
    reindex: (reindexOptions) => reindex({ reads, files, batcher, clock }, reindexOptions),
    close() {
      stop.abort()
      // A sweep or a backup that is under way ends at its next step: nothing touches the folder after this.
      closing ??= last
        .then(() => batcher.idle())
        .then(() => {
          batcher.stop()
          return engine.close()
        })
      return closing
    },
  }
}
