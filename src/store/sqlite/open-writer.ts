/** Opens the writer of a data folder: database, migrations, log, recovery. The same on its thread and in tests. */
import { mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { SegmentFiles } from '../contents/log.ts'
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

export function openWriter(dataFolder: string, spare = spareBytes): OpenWriter {
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
  const log = new SegmentFiles(join(dataFolder, 'segments'))
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(dataFolder)
    return bavail * bsize
  }
  const writer = new Writer(db, log, { freeBytes, spareBytes: spare, memory: false })
  const replayed = writer.recover()
  log.forgetReaders()
  return { writer, db, log, replayed }
}
