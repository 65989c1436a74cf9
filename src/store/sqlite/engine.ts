/** The embedded engine: the writer's thread, reads, tables, contents and the change feed put together as a `Store`. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { SearchKey, UidRanges } from '../../mail/search-key.ts'
import type { Change } from '../changes.ts'
import { preparedName, SegmentMemory, segmentBytes } from '../contents/log.ts'
import { prepareSegment } from '../contents/prepare.ts'
import { DiskContents, type ContentFiles, type ContentSource } from '../contents/reader.ts'
import { StoreSink, type SinkRoom } from '../contents/sink.ts'
import { own, type Ownership } from '../owner.ts'
import type { Store, StoreReads, SweepReport } from '../store.ts'
import { StoreFault } from '../store.ts'
import { backupTo } from './backup.ts'
import { Batcher, type WriterHost } from './batcher.ts'
import { openDatabase, type Database } from './driver.ts'
import { SqliteReads } from './reads.ts'
import { Readers } from './readers.ts'
import { reindex } from './reindex.ts'
import { migrate } from './schema.ts'
import { searchMailbox } from './search.ts'
import { sweepStep } from './sweep.ts'
import { Tables } from './tables.ts'
import { startThread } from './thread.ts'
import type { CommitOutcome } from './writer.ts'
import { Writer } from './writer.ts'
import type { FromWriter, ToWriter, WriterSettings } from './writer.worker.ts'

export interface StoreOptions {
  /** The data folder, or `:memory:` for a store that lives as long as the process. */
  readonly folder: string
  readonly clock: Clock
  readonly log: Log
  /** Free bytes on the disk below which nothing new is taken. */
  readonly spareBytes?: number
  /** Size of new segments; tests take small ones. */
  readonly segmentBytes?: number
  /** The writer failed in a way after which nothing may be promised: the process must stop. */
  readonly broken?: (error: Error) => void
}

/** Checkpoint once the WAL has grown so far: rarely enough to be cheap, often enough to keep reads quick. */
const checkpointBytes = 16 * 1024 * 1024

/**
 * A segment that has lasted so long is filled by small messages, whose many syncs pay for zeros written beforehand.
 * Large bodies fill one in less: zeros would only write every byte twice.
 */
const prepareAfterMs = 1500

export interface SqliteStore extends Store {
  /** How many records were replayed at start: more than none after a crash. */
  readonly replayed: number
}

interface Engine {
  readonly host: WriterHost
  readonly reads: Database
  readonly files: ContentFiles
  readonly room: SinkRoom
  readonly replayed: number
  search(mailbox: number, key: SearchKey, within: UidRanges): Promise<Uint32Array>
  /** A consistent copy of the rows into a new file. */
  copyRows(path: string): Promise<void>
  /** The batcher that feeds this engine: told when the writer breaks. */
  attach(batcher: Batcher): void
  close(): Promise<void>
}

export async function openStore(options: StoreOptions): Promise<SqliteStore> {
  const engine = options.folder === ':memory:' ? memoryEngine() : await diskEngine(options)
  const { clock } = options
  const reads = new SqliteReads(engine.reads, engine.files)
  const tables = new Tables(reads, clock)
  const listeners = new Set<(changes: readonly Change[]) => void>()

  const changed = (changes: readonly Change[]): void => {
    if (changes.length === 0) return
    for (const change of changes) {
      if (change.kind === 'directory') reads.forgetDirectory()
      if (change.kind === 'mailboxes' || change.kind === 'mailboxGone') reads.forgetMailboxes(change.account)
      if (change.kind === 'flagName') reads.learnFlagName(change.account, change.bit, change.name)
    }
    for (const shared of tables.apply(changes)) shared.tell()
    for (const listener of listeners) queueMicrotask(() => listener(changes))
  }

  const batcher = new Batcher(engine.host, clock, changed)
  engine.attach(batcher)
  const storeReads = Object.assign(reads, {
    table: (mailbox: number) => tables.hold(mailbox),
    search: (mailbox: number, key: SearchKey, within: UidRanges) => engine.search(mailbox, key, within),
  }) satisfies StoreReads
  let closing: Promise<void> | undefined
  // A backup names files that a sweep would take away: one of them at a time.
  let last: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }

  return {
    replayed: engine.replayed,
    read: storeReads,
    commit: (operations, commitOptions) => batcher.commit(operations, commitOptions?.until ?? 'visible') as never,
    sink: () => new StoreSink(engine.room),
    async readContent({ inline, file, sizeBytes }, start, end) {
      return inline
        ? inline.subarray(start, end)
        : engine.files.read({ segment: 0, position: 0, file: file!, sizeBytes }, start, end)
    },
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    sweep: (nowMs): Promise<SweepReport> =>
      alone(() =>
        sweepStep({ batcher, files: engine.files, reads: engine.reads, folder: options.folder, clock, nowMs }),
      ),
    backup: (folder, backupOptions) =>
      alone(() => {
        const { copyRows, reads: db } = engine
        const tools = { dataFolder: options.folder, reads: db, batcher, copyRows, stopped: () => closing !== undefined }
        return backupTo({ ...tools, nowMs: clock.now() }, folder, backupOptions)
      }),
    reindex: (reindexOptions) => reindex({ reads: engine.reads, files: engine.files, batcher, clock }, reindexOptions),
    close: () =>
      (closing ??= batcher.idle().then(() => {
        batcher.stop()
        return engine.close()
      })),
  }
}

/** Everything in memory, on this thread: for the simulator and for tests. A crash returns to nothing; a commit is its own group. */
function memoryEngine(): Engine {
  const db = openDatabase(':memory:')
  migrate(db)
  const log = new SegmentMemory()
  const writer = new Writer(db, log, { freeBytes: () => Infinity, spareBytes: 0, memory: true })
  writer.recover()
  const readSync = (source: ContentSource, start: number, end: number): Uint8Array =>
    log.read(source.segment, source.position + start, end - start)
  const files: ContentFiles = {
    readSync,
    read: async (source, start, end) => readSync(source, start, end),
    forget: (segment) => log.remove(segment),
    close() {},
  }
  return {
    host: {
      group(buffer, commits, durable, done) {
        const { outcomes, changes } = writer.group(buffer && Buffer.from(buffer), commits, durable)
        done(outcomes, changes, buffer, writer.late)
      },
    },
    reads: db,
    files,
    room: { folder: undefined, newName: () => '', inlineBytes: 0 },
    replayed: 0,
    search: async (mailbox, key, within) => searchMailbox(db, files, mailbox, key, within),
    copyRows: () => Promise.reject(new Error('a store in memory has nothing to back up')),
    attach() {},
    async close() {
      db.close()
    },
  }
}

async function diskEngine(options: StoreOptions): Promise<Engine> {
  const { folder, log } = options
  const ownership = own(folder)
  try {
    return await openDisk(options, ownership)
  } catch (error) {
    ownership.release()
    log.error('store did not open', { folder, error: String(error) })
    throw error
  }
}

async function openDisk(options: StoreOptions, ownership: Ownership): Promise<Engine> {
  const { folder, log } = options
  const large = join(folder, 'large')
  const segments = join(folder, 'segments')
  mkdirSync(large, { recursive: true })
  const writer = startThread('writer', {
    folder,
    spareBytes: options.spareBytes,
    segmentBytes: options.segmentBytes,
  } satisfies WriterSettings)
  const { replayed, lost } = await ready(writer)
  for (const { segment, position } of lost)
    log.error('a message that was on its way is lost: its record cannot be read', { segment, position })
  const reads = openDatabase(join(folder, 'pennypost.db'), { readOnly: true })
  reads.exec('PRAGMA cache_size = -8192')
  const files = new DiskContents(folder)
  const readers = new Readers(folder, options.clock)
  let batcher: Batcher | undefined
  let preparing = false
  let checkpointed = 0
  // One segment is always ready before the writer needs it; the first is made behind the first group.
  let prepared = existsSync(join(segments, preparedName))
  let segment = 0
  let segmentSince = options.clock.monotonic()
  const size = options.segmentBytes ?? segmentBytes
  let waitingDurable: ((outcomes: readonly CommitOutcome[]) => void) | undefined
  let waitingDone: Parameters<WriterHost['group']>[3] | undefined
  let closed: (() => void) | undefined
  let broken = false

  const prepare = (): void => {
    preparing = true
    prepareSegment(segments, size)
      .then(() => void (prepared = true))
      .catch((error) => log.warn('the next segment could not be prepared', { error: String(error) }))
      .finally(() => {
        preparing = false
      })
  }

  const fail = (error: Error): void => {
    if (broken) return
    broken = true
    log.error('the store has stopped', { error: error.message })
    const done = waitingDone
    waitingDone = undefined
    batcher?.break(error)
    done?.([], [], null, 0)
    options.broken?.(error)
  }

  writer.on('message', (message: FromWriter) => {
    switch (message.kind) {
      case 'durable':
        return waitingDurable?.(message.outcomes)
      case 'done': {
        const done = waitingDone!
        waitingDone = undefined
        done(message.outcomes, message.changes, message.buffer, message.late)
        if (message.segment !== segment) {
          if (segment !== 0) prepared = false
          segment = message.segment
          segmentSince = options.clock.monotonic()
        }
        if (!prepared && !preparing && options.clock.monotonic() - segmentSince > prepareAfterMs) prepare()
        if (message.walBytes > checkpointBytes && options.clock.monotonic() - checkpointed > 1000) {
          checkpointed = options.clock.monotonic()
          readers.checkpoint().then(
            () => writer.postMessage({ kind: 'checkpoint' } satisfies ToWriter),
            () => {},
          )
        }
        return
      }
      case 'closed':
        return closed?.()
      case 'broken':
        return fail(new StoreFault(message.error, false))
      case 'ready':
    }
  })
  writer.on('error', (error) => fail(error as Error))
  writer.on('exit', () => {
    if (!closed) fail(new StoreFault("the writer's thread ended", false))
    closed?.()
  })
  let named = 0
  return {
    host: {
      group(buffer, commits, durable, done) {
        waitingDurable = durable
        waitingDone = done
        writer.postMessage({ kind: 'group', buffer, commits } satisfies ToWriter, buffer ? [buffer] : [])
      },
    },
    reads,
    files,
    room: {
      folder: large,
      newName: () => randomBytes(8).toString('hex') + (named++).toString(36),
      inlineBytes: 0,
    },
    replayed,
    search: (mailbox, key, within) => readers.search(mailbox, key, within),
    async copyRows(path) {
      // On a thread of its own: a search must not wait for it.
      const copier = new Readers(folder, options.clock)
      try {
        await copier.copyRows(path)
      } finally {
        await copier.close()
      }
    },
    attach: (to) => void (batcher = to),
    async close() {
      await readers.close()
      reads.close()
      files.close()
      if (!broken) {
        await new Promise<void>((resolve) => {
          closed = resolve
          writer.postMessage({ kind: 'close' } satisfies ToWriter)
        })
      }
      closed ??= () => {}
      await writer.terminate()
      ownership.release()
    },
  }
}

function ready(writer: Worker): Promise<Extract<FromWriter, { kind: 'ready' }>> {
  return new Promise((resolve, reject) => {
    writer.once('message', (message: FromWriter) => {
      if (message.kind === 'ready') resolve(message)
      else {
        void writer.terminate()
        reject(new Error(message.kind === 'broken' ? message.error : `unexpected ${message.kind}`))
      }
    })
    writer.once('error', reject)
  })
}
