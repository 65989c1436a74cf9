/** Opens the writer of a data folder: database, migrations, log, recovery. The same on its thread and in tests. */
import { mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SegmentFiles, syncFolder } from '../contents/log.ts'
import { openDatabase, type Database } from './driver.ts'
import { migrate } from './schema.ts'
import { Writer } from './writer.ts'

/** Below this much free disk nothing new is taken: deletions, COMMITs and the next segment still find room. */
export const spareBytes = 192 * 1024 * 1024

export interface OpenWriter {
  readonly writer: Writer
  readonly db: Database
  readonly log: SegmentFiles
  readonly replayed: number
}

export interface OpenOptions {
  readonly spareBytes?: number
  readonly segmentBytes?: number
}

export function openWriter(dataFolder: string, options: OpenOptions = {}): OpenWriter {
  const large = join(dataFolder, 'large')
  mkdirSync(large, { recursive: true })
  for (const name of readdirSync(large)) if (name.startsWith('unfinished-')) rmSync(join(large, name), { force: true })
  const db = openDatabase(join(dataFolder, 'pennypost.db'))
  db.exec('PRAGMA journal_mode = WAL')
  db.exec('PRAGMA synchronous = FULL')
  // Checkpoints are made from another thread, never inside a COMMIT.
  db.exec('PRAGMA wal_autocheckpoint = 0')
  db.exec('PRAGMA cache_size = -16384')
  db.exec('PRAGMA temp_store = MEMORY')
  migrate(db)
  const log = new SegmentFiles(join(dataFolder, 'segments'), options.segmentBytes)
  // The names of what was just made are on disk before anything is acknowledged in it.
  syncFolder(dataFolder)
  syncFolder(dirname(dataFolder))
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(dataFolder)
    return bavail * bsize
  }
  const writer = new Writer(db, log, { freeBytes, spareBytes: options.spareBytes ?? spareBytes, memory: false })
  const replayed = writer.recover()
  log.forgetReaders()
  return { writer, db, log, replayed }
}
