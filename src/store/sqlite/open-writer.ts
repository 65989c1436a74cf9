/** Opens the writer of a data folder: database, migrations, log, recovery. The same on its thread and in tests. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { moveToLost } from '../contents/lost.ts'
import { SegmentFiles, segmentBytes, segmentName, syncFolder, type RecordLog } from '../contents/log.ts'
import { QuarantineFolder } from '../contents/quarantine.ts'
import { Reserve } from '../contents/reserve.ts'
import { openDatabase, type Database } from './driver.ts'
import { isFull, isOfTheDatabase } from '../faults.ts'
import { keepBeforeMigration } from './before-migration.ts'
import { migrate, schemaVersion } from './schema.ts'
import { Writer } from './writer.ts'

/** Below this much free disk nothing new is taken: deletions, COMMITs and the next segment still find room. */
export const spareBytes = 192 * 1024 * 1024

export interface OpenWriter {
  readonly writer: Writer
  readonly db: Database
  readonly log: SegmentFiles
  readonly replayed: number
  readonly reserve: Reserve
  readonly freeBytes: () => number
  readonly spareBytes: number
  /** What is not as it should be, a sentence each, with the file and numbers. */
  readonly damage: readonly Damage[]
  /** Where the database lies as it was before this program changed its rows; undefined: it did not. */
  readonly keptBefore: string | undefined
}

export interface Damage {
  readonly event: string
  readonly facts: Readonly<Record<string, string | number>>
}

export interface OpenOptions {
  readonly spareBytes?: number
  readonly segmentBytes?: number
  /** Names of large files made from now on bear it. */
  readonly tag?: string
  /** What stands between the writer and its files: tests let them fail. */
  readonly around?: { readonly db: (db: Database) => Database; readonly log: (log: RecordLog) => RecordLog }
}

export function openWriter(dataFolder: string, options: OpenOptions = {}): OpenWriter {
  const large = join(dataFolder, 'large')
  mkdirSync(large, { recursive: true })
  for (const name of readdirSync(large)) if (name.startsWith('unfinished-')) rmSync(join(large, name), { force: true })
  const size = options.segmentBytes ?? segmentBytes
  const reserve = new Reserve(dataFolder, size)
  const { db, keptBefore } = openRows(dataFolder, reserve)
  const log = new SegmentFiles(join(dataFolder, 'segments'), size)
  // The names of what was just made are on disk before anything is acknowledged in it.
  syncFolder(dataFolder)
  syncFolder(dirname(dataFolder))
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(dataFolder)
    return bavail * bsize
  }
  const spare = options.spareBytes ?? spareBytes
  const { around } = options
  const writer = new Writer(around?.db(db) ?? db, around?.log(log) ?? log, {
    freeBytes,
    spareBytes: spare,
    memory: false,
    quarantine: new QuarantineFolder(dataFolder),
    giveUpReserve: () => reserve.giveUp(),
  })
  const damage: Damage[] = []
  let replayed = 0
  try {
    replayed = writer.recover(options.tag)
    damage.push(...foreignSegments(dataFolder, log))
  } catch (error) {
    if (!isFull(error)) throw damaged(dataFolder, error)
    damage.push({ event: 'disk full at start; mail can be read, new mail is refused', facts: { error: String(error) } })
  }
  log.forgetReaders()
  damage.push(...missingSegments(dataFolder, db, size))
  if (!writer.behind && freeBytes() > spare) reserve.keep()
  return { writer, db, log, replayed, reserve, freeBytes, spareBytes: spare, damage, keptBefore }
}

/** The database, brought to the present version. Throws a sentence that says what to do where it is damaged, or where it is not this folder's. */
function openRows(dataFolder: string, reserve: Reserve): { db: Database; keptBefore: string | undefined } {
  const path = join(dataFolder, 'pennypost.db')
  const mail = firstMail(dataFolder)
  if (mail !== undefined && (statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) throw withoutRows(mail, path)
  try {
    const db = openDatabase(path)
    db.exec('PRAGMA journal_mode = WAL')
    db.exec('PRAGMA synchronous = FULL')
    // Checkpoints are made from another thread, never inside a COMMIT.
    db.exec('PRAGMA wal_autocheckpoint = 0')
    db.exec('PRAGMA cache_size = -16384')
    db.exec('PRAGMA temp_store = MEMORY')
    const schema = Number(db.prepare('PRAGMA user_version').get()!['user_version'])
    if (mail !== undefined && schema === 0) {
      db.close()
      throw withoutRows(mail, path)
    }
    const keptBefore = schema > 0 && schema < schemaVersion ? keepBeforeMigration(db, dataFolder, schema) : undefined
    try {
      migrate(db)
    } catch (error) {
      if (!isFull(error) || !reserve.giveUp()) throw error
      migrate(db)
    }
    return { db, keptBefore }
  } catch (error) {
    throw damaged(dataFolder, error)
  }
}

function withoutRows(mail: string, path: string): Error {
  return new Error(
    `There is mail (${mail}), and the database that knows whose it is, ${path}, is missing or empty. Nothing was changed. Bring the database back, or restore a backup ("pennypost restore"); "pennypost salvage" saves every message that can be read. A new store wants an empty folder`,
  )
}

function damaged(dataFolder: string, error: unknown): Error {
  if (!isOfTheDatabase(error) || isFull(error) || !/malformed|not a database/.test(String(error))) return error as Error
  return new Error(
    `The database ${join(dataFolder, 'pennypost.db')} is damaged (${(error as Error).message}). Nothing was changed. "pennypost verify" tells how much of it, "pennypost restore" brings a backup back, "pennypost salvage" saves every message that can be read`,
  )
}

/** The first file with message bytes; undefined where there is none. Zeros that wait to be written are no mail. */
function firstMail(dataFolder: string): string | undefined {
  const segments = join(dataFolder, 'segments')
  for (const name of existsSync(segments) ? readdirSync(segments).sort() : []) {
    const path = join(segments, name)
    if (/^\d{8}\.seg$/.test(name) && hasBytes(path)) return path
  }
  const large = join(dataFolder, 'large')
  for (const folder of readdirSync(large)) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue
    const name = readdirSync(join(large, folder)).find((one) => one.endsWith('.eml'))
    if (name !== undefined) return join(large, folder, name)
  }
  return undefined
}

function hasBytes(path: string): boolean {
  const fd = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(4096)
    const count = readSync(fd, bytes, 0, bytes.length, 0)
    return bytes.subarray(0, count).some((byte) => byte !== 0)
  } finally {
    closeSync(fd)
  }
}

/** Segments behind the log's end: no row can name them, and the log would write over them. */
function foreignSegments(dataFolder: string, log: SegmentFiles): Damage[] {
  const damage: Damage[] = []
  for (const segment of log.segments()) {
    const path = join(dataFolder, 'segments', segmentName(segment))
    if (segment <= log.soughtSegment || segment === log.place.segment || !hasBytes(path)) continue
    const movedTo = moveToLost(dataFolder, path)
    damage.push({ event: 'unknown segment moved to lost/', facts: { segment, movedTo } })
  }
  return damage
}

/** Segments that rows name, and that are gone or too short. */
function missingSegments(dataFolder: string, db: Database, wholeBytes: number): Damage[] {
  const damage: Damage[] = []
  const next = db.prepare('SELECT min(segment) AS segment FROM content WHERE segment > ?')
  const last = db.prepare('SELECT max(position + size) AS end, count(*) AS n FROM content WHERE segment = ?')
  for (let segment = 0; ;) {
    const found = next.get(segment)!['segment'] as number | null
    if (found === null) return damage
    segment = found
    const path = join(dataFolder, 'segments', segmentName(segment))
    const size = statSync(path, { throwIfNoEntry: false })?.size
    if (size !== undefined && size >= wholeBytes) continue
    const { end, n } = last.get(segment) as { end: number; n: number }
    if (size === undefined) damage.push({ event: 'segment missing', facts: { path, contents: n } })
    else if (size < end)
      damage.push({ event: 'segment too short', facts: { path, sizeBytes: size, wantedBytes: end, contents: n } })
  }
}
