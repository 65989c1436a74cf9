/** The engine of a data folder: the writer's thread, the reading threads, files of contents. One process owns the folder. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { preparedName, segmentBytes } from '../contents/log.ts'
import { prepareSegment } from '../contents/prepare.ts'
import { quarantinePath, readQuarantined } from '../contents/quarantine.ts'
import { DiskContents } from '../contents/reader.ts'
import type { Thread } from '../../platform/real/threads.ts'
import { own, type Ownership } from '../owner.ts'
import { StoreFault } from '../store.ts'
import type { Batcher, WriterHost } from './batcher.ts'
import { openDatabase } from './driver.ts'
import type { Engine, StoreOptions } from './engine-interface.ts'
import { LargeNames } from './large-names.ts'
import { Readers } from './readers.ts'
import { startThread } from './thread.ts'
import type { FromWriter, ToWriter, WriterSettings, WriterState } from './writer.worker.ts'

/** Checkpoint once the WAL has grown so far: rarely enough to be cheap, often enough to keep reads quick. */
const checkpointBytes = 16 * 1024 * 1024

/**
 * A segment that has lasted so long is filled by small messages, whose many syncs pay for zeros written beforehand.
 * Large bodies fill one in less: zeros would only write every byte twice.
 */
const prepareAfterMs = 1500

/** Threads that search, each started when the others have something to do. */
const searchersMax = 2

export async function diskEngine(options: StoreOptions): Promise<Engine> {
  const { folder, log } = options
  const ownership = own(folder)
  try {
    return await openDisk(options, ownership)
  } catch (error) {
    ownership.release()
    log.error('store could not be opened', { folder, error: String(error) })
    throw error
  }
}

async function openDisk(options: StoreOptions, ownership: Ownership): Promise<Engine> {
  const { folder, log } = options
  const large = join(folder, 'large')
  mkdirSync(large, { recursive: true })
  const names = new LargeNames(randomBytes(4).toString('hex'))
  const writer = startThread('writer', {
    folder,
    spareBytes: options.spareBytes,
    segmentBytes: options.segmentBytes,
    tag: names.tag,
  } satisfies WriterSettings)
  const { replayed, damage, keptBefore, ...state } = await ready(writer)
  if (keptBefore !== undefined) log.info('database migrated; a copy of the old one was kept', { copy: keptBefore })
  for (const { event, facts } of damage) log.error(event, facts)
  const told = new ToldState(log)
  told.now(state)
  names.sequence = state.sequence
  const reads = openDatabase(join(folder, 'pennypost.db'), { readOnly: true })
  reads.exec('PRAGMA cache_size = -8192')
  const files = new DiskContents(folder)
  const searchers = Array.from({ length: searchersMax }, () => new Readers(folder, options.clock))
  // Of its own: the log must not wait behind searches.
  const checkpoints = new Readers(folder, options.clock)
  const host = new ThreadHost(writer, options, checkpoints, (next) => {
    names.sequence = next.sequence
    told.now(next)
  })
  return {
    host,
    reads,
    files,
    room: { folder: large, newName: () => names.next(), inlineBytes: 0 },
    replayed,
    state: () => told.state,
    quarantined: (place) => readQuarantined(folder, place),
    forgetQuarantined: (place) => rm(quarantinePath(folder, place), { force: true }),
    search: (account, mailbox, key, within, searchOptions) =>
      searchers
        .reduce((least, one) => (one.waiting < least.waiting ? one : least))
        .search(account, mailbox, key, within, searchOptions),
    async copyRows(path) {
      // On a thread of its own: a search must not wait for it.
      const copier = new Readers(folder, options.clock)
      try {
        await copier.copyRows(path)
      } finally {
        await copier.close()
      }
    },
    attach: (batcher) => host.attach(batcher),
    async close() {
      await Promise.all([...searchers, checkpoints].map((one) => one.close()))
      reads.close()
      files.close()
      await host.close()
      ownership.release()
    },
  }
}

/** What the writer says of itself, told in the log once when it begins and once when it is over. */
class ToldState {
  readonly #log: Log
  state = { behind: false, full: false }

  constructor(log: Log) {
    this.#log = log
  }

  now({ behind, full, incidents }: WriterState): void {
    for (const { place, sizeBytes, reason } of incidents)
      this.#log.error('record quarantined; see "pennypost quarantine list"', { ...place, sizeBytes, reason })
    if (full && !this.state.full) this.#log.error('disk nearly full; new mail is refused', {})
    if (!full && this.state.full) this.#log.info('disk space is sufficient again; new mail is accepted', {})
    if (behind && !this.state.behind) this.#log.error('database cannot be written; new mail is refused', {})
    if (!behind && this.state.behind) this.#log.info('database can be written again; new mail is accepted', {})
    this.state = { behind, full }
  }
}

/** The writer's thread as the batcher sees it: one group at a time; segments and checkpoints are prepared beside it. */
class ThreadHost implements WriterHost {
  readonly #writer: Thread
  readonly #clock: Clock
  readonly #log: Log
  readonly #options: StoreOptions
  readonly #readers: Readers
  readonly #told: (state: WriterState) => void
  readonly #segments: string
  #batcher: Batcher | undefined
  #durable: Parameters<WriterHost['group']>[2] | undefined
  #done: Parameters<WriterHost['group']>[3] | undefined
  #closed: (() => void) | undefined
  #broken = false
  #preparing: Promise<void> | undefined
  #preparationFails = false
  readonly #stop = new AbortController()
  /** One segment is always ready before the writer needs it; the first is made behind the first group. */
  #prepared: boolean
  #segment = 0
  #segmentSince: number
  #checkpointed = 0

  constructor(writer: Thread, options: StoreOptions, readers: Readers, told: (state: WriterState) => void) {
    this.#writer = writer
    this.#clock = options.clock
    this.#log = options.log
    this.#options = options
    this.#readers = readers
    this.#told = told
    this.#segments = join(options.folder, 'segments')
    this.#prepared = existsSync(join(this.#segments, preparedName))
    this.#segmentSince = this.#clock.monotonic()
    writer.worker.on('message', (message: FromWriter) => this.#heard(message))
    writer.worker.on('error', (error) => this.#fail(error as Error))
    writer.worker.on('exit', () => {
      if (!this.#closed) this.#fail(new StoreFault("the writer's thread ended", false))
      this.#closed?.()
    })
  }

  /** Told when the writer breaks. */
  attach(batcher: Batcher): void {
    this.#batcher = batcher
  }

  group(...[buffer, commits, durable, done]: Parameters<WriterHost['group']>): void {
    this.#durable = durable
    this.#done = done
    this.#writer.worker.postMessage({ kind: 'group', buffer, commits } satisfies ToWriter, buffer ? [buffer] : [])
  }

  async close(): Promise<void> {
    // Nothing is written into the folder once it may be another process's.
    this.#stop.abort()
    await this.#preparing
    if (!this.#broken) {
      await new Promise<void>((resolve) => {
        this.#closed = resolve
        this.#writer.worker.postMessage({ kind: 'close' } satisfies ToWriter)
      })
    }
    this.#closed ??= () => {}
    await this.#writer.end()
  }

  #heard(message: FromWriter): void {
    switch (message.kind) {
      case 'durable':
        return this.#durable?.(message.outcomes)
      case 'done':
        return this.#groupDone(message)
      case 'closed':
        return this.#closed?.()
      case 'broken':
        return this.#fail(new StoreFault(message.error, false))
      case 'ready':
    }
  }

  #groupDone(message: Extract<FromWriter, { kind: 'done' }>): void {
    const done = this.#done!
    this.#done = undefined
    this.#told(message)
    done(message.outcomes, message.changes, message.buffer, message.late)
    if (message.segment !== this.#segment) {
      if (this.#segment !== 0) this.#prepared = false
      this.#segment = message.segment
      this.#segmentSince = this.#clock.monotonic()
    }
    const lasted = this.#clock.monotonic() - this.#segmentSince > prepareAfterMs
    if (!this.#prepared && !this.#preparing && lasted && !this.#stop.signal.aborted) this.#prepare()
    if (message.walBytes > checkpointBytes && this.#clock.monotonic() - this.#checkpointed > 1000) this.#checkpoint()
  }

  #checkpoint(): void {
    this.#checkpointed = this.#clock.monotonic()
    this.#readers.checkpoint().then(
      () => this.#writer.worker.postMessage({ kind: 'checkpoint' } satisfies ToWriter),
      () => {},
    )
  }

  #prepare(): void {
    const { signal } = this.#stop
    this.#preparing = prepareSegment(this.#segments, this.#options.segmentBytes ?? segmentBytes, signal)
      .then(() => {
        this.#prepared = true
        this.#preparationFails = false
      })
      .catch((error) => {
        // It is tried again behind each group, and told once.
        if (!signal.aborted && !this.#preparationFails)
          this.#log.warn('next segment could not be prepared', { error: String(error) })
        this.#preparationFails = true
      })
      .finally(() => {
        this.#preparing = undefined
      })
  }

  #fail(error: Error): void {
    if (this.#broken) return
    this.#broken = true
    this.#log.error('store stopped', { error: error.message })
    const done = this.#done
    this.#done = undefined
    this.#batcher?.break(error)
    done?.([], [], null, 0)
    // A close that waits for the writer's answer would wait for ever.
    this.#closed?.()
    this.#options.broken?.(error)
  }
}

function ready(writer: Thread): Promise<Extract<FromWriter, { kind: 'ready' }>> {
  return new Promise((resolve, reject) => {
    writer.worker.once('message', (message: FromWriter) => {
      if (message.kind === 'ready') resolve(message)
      else {
        void writer.end()
        reject(new Error(message.kind === 'broken' ? message.error : `unexpected ${message.kind}`))
      }
    })
    writer.worker.once('error', reject)
  })
}
