/**
 * The metrics page for Prometheus: counters of the rooms, and gauges that are computed per request. OpenMetrics 1.0.
 */
import { turn, type Clock } from '../base/clock.ts'
import { CountedElsewhere, Gauge, metricsText, type Metric, type Sample } from '../base/metrics.ts'
import { queueAgesMinutes, type QueueShapeRow, type StoreCounts } from '../store/entities.ts'
import type { Store } from '../store/store.ts'

/** Figures of the process and its disk, if real. */
export interface ProcessNow {
  readonly startedMs: number
  cpuSeconds(): number
  residentBytes(): number
  heapBytes(): number
  diskFreeBytes(): number | undefined
}

export interface FiguresTools {
  readonly clock: Clock
  readonly version: string
  readonly store: Pick<Store, 'read' | 'quarantine' | 'lost' | 'state'>
  /** Counters and histograms of the rooms. */
  readonly counted: readonly Metric[]
  readonly connections: () => ReadonlyMap<string, number>
  readonly sessions: () => ReadonlyMap<string, number>
  readonly troubles: () => readonly Sample[]
  readonly certificateEndMs: () => number | undefined
  readonly process?: ProcessNow
}

/** Queue figures need a walk over all rows: one result is used this long. */
const queueKeptMs = 15_000

interface QueueNow {
  readonly atMs: number
  readonly active: number
  readonly deferred: number
  readonly held: number
  readonly ages: readonly number[]
  readonly oldestMs: number | undefined
}

/** What the store says of itself, for one answer. */
interface StoreNow {
  readonly counts: StoreCounts
  readonly dueMs: number | undefined
  readonly quarantined: number
  readonly lost: number
}

export class FiguresPage {
  readonly #tools: FiguresTools
  readonly #metrics: readonly Metric[]
  #queue: Promise<QueueNow> | undefined
  #queueNow: QueueNow | undefined
  #storeNow: StoreNow | undefined

  constructor(tools: FiguresTools) {
    this.#tools = tools
    this.#metrics = [...tools.counted, ...this.#gauges(), ...processGauges(tools)]
  }

  async text(): Promise<string> {
    const { clock } = this.#tools
    const fresh = this.#queueNow !== undefined && clock.monotonic() - this.#queueNow.atMs < queueKeptMs
    if (!fresh) {
      // Concurrent requests share one walk.
      this.#queue ??= this.#lookAtQueue().finally(() => (this.#queue = undefined))
      this.#queueNow = await this.#queue
    }
    this.#storeNow = await this.#lookAtStore()
    return metricsText(this.#metrics)
  }

  async #lookAtStore(): Promise<StoreNow> {
    const { read, quarantine, lost } = this.#tools.store
    const [counts, dueMs, records, files] = await Promise.all([
      read.counts(),
      read.queueDue(),
      quarantine.count(),
      lost(),
    ])
    return { counts, dueMs, quarantined: records, lost: files.length }
  }

  async #lookAtQueue(): Promise<QueueNow> {
    const { store, clock } = this.#tools
    const nowMs = clock.now()
    let sum = { recipients: 0, deferred: 0, held: 0 }
    let oldestMs: number | undefined
    let ages: readonly number[] = [...queueAgesMinutes.map(() => 0), 0]
    for (let after: number | undefined = 0; after !== undefined;) {
      const page: { readonly rows: readonly QueueShapeRow[]; readonly next?: number } = await store.read.queueShape(
        after,
        nowMs,
      )
      for (const row of page.rows) {
        sum = {
          recipients: sum.recipients + row.recipients,
          deferred: sum.deferred + row.deferred,
          held: sum.held + row.held,
        }
        oldestMs = Math.min(oldestMs ?? Infinity, row.oldestMs)
        ages = ages.map((count, i) => count + row.ages[i]!)
      }
      after = page.next
      if (after !== undefined) await turn(clock)
    }
    const { recipients, deferred, held } = sum
    return { atMs: clock.monotonic(), active: recipients - deferred - held, deferred, held, ages, oldestMs }
  }

  #gauges(): Gauge[] {
    const { connections, sessions, troubles, certificateEndMs, clock } = this.#tools
    const store = (): StoreNow => this.#storeNow!
    const counts = (): StoreCounts => store().counts
    const queue = (): QueueNow => this.#queueNow!
    return [
      new Gauge('pennypost_connections', 'Open connections.', () => byName(connections()), 'service'),
      new Gauge('pennypost_sessions', 'Signed-in connections.', () => byName(sessions()), 'service'),
      new Gauge('pennypost_accounts', 'Accounts.', () => counts().accounts),
      new Gauge('pennypost_messages', 'Messages in mailboxes.', () => counts().messages),
      new Gauge('pennypost_contents', 'Stored contents.', () => counts().contents),
      new Gauge('pennypost_queue_recipients', 'Recipients that wait for transfer.', () => counts().queued),
      new Gauge(
        'pennypost_queue',
        'Recipients in the queue by state.',
        () => [
          [queue().active, 'active'],
          [queue().deferred, 'deferred'],
          [queue().held, 'held'],
        ],
        'state',
      ),
      new Gauge(
        'pennypost_queue_age',
        'Recipients in the queue by the minutes since their message was accepted, from "from" on.',
        () => queue().ages.map((count, i): Sample => [count, String(i === 0 ? 0 : queueAgesMinutes[i - 1]!)]),
        'from',
      ),
      new Gauge('pennypost_queue_oldest_seconds', 'Age of the oldest message in the queue.', () => {
        const { oldestMs } = queue()
        return oldestMs === undefined ? 0 : Math.max(0, (clock.now() - oldestMs) / 1000)
      }),
      new Gauge('pennypost_queue_overdue_seconds', 'How long the recipient that is due first has been due.', () => {
        const { dueMs } = store()
        return dueMs === undefined ? 0 : Math.max(0, (clock.now() - dueMs) / 1000)
      }),
      new Gauge(
        'pennypost_quarantined_records',
        'Records that the store has set aside: pennypost quarantine.',
        () => store().quarantined,
      ),
      new Gauge('pennypost_lost_files', 'Files that the database does not know: pennypost lost.', () => store().lost),
      new Gauge('pennypost_trouble', 'Things that fail now: 1 while it lasts.', troubles, 'what'),
      new Gauge(
        'pennypost_certificate_expiry_timestamp_seconds',
        'When the certificate ends, seconds since 1970.',
        () => {
          const endMs = certificateEndMs()
          return endMs === undefined ? undefined : endMs / 1000
        },
      ),
    ]
  }
}

function processGauges({ version, process }: FiguresTools): Gauge[] {
  const build = new Gauge('pennypost_build_info', 'The version that runs.', () => [[1, version]], 'version')
  if (!process) return [build]
  return [
    build,
    new Gauge(
      'process_start_time_seconds',
      'When the process began, seconds since 1970.',
      () => process.startedMs / 1000,
    ),
    new CountedElsewhere('process_cpu_seconds', 'CPU time used since the start, over all threads.', () =>
      process.cpuSeconds(),
    ),
    new Gauge('process_resident_memory_bytes', 'Resident memory.', () => process.residentBytes()),
    new Gauge('pennypost_heap_bytes', 'JavaScript heap in use, of the main thread.', () => process.heapBytes()),
    new Gauge('pennypost_disk_free_bytes', 'Free on the disk of the data folder.', () => process.diskFreeBytes()),
  ]
}

function byName(values: Iterable<readonly [string, number]>): Sample[] {
  return [...values].map(([name, value]) => [value, name])
}
