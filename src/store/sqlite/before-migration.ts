/** A copy of the database before a newer program changes its rows: without it there would be no way back. */
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import facts from '../../../package.json' with { type: 'json' }
import { syncFolder } from '../contents/log.ts'
import { isFull } from '../faults.ts'
import type { Database } from './driver.ts'

/** A downgrade after more than a month is unlikely. */
const keptMs = 30 * 86_400_000

/** `before-VERSION`: the version that made the copy, and will not read it. */
const folderName = /^before-\d[\w.+-]*$/

/**
 * Copies `pennypost.db` into `before-VERSION/`, synced. The database has to be open, ours alone, and not changed yet.
 * @returns where the copy is, from the data folder. Throws a sentence where there is no room for it.
 */
export function keepBeforeMigration(db: Database, dataFolder: string, schema: number): string {
  // What stands in the WAL alone would be missing from the copy.
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const name = `before-${facts.version}`
  const folder = join(dataFolder, name)
  const kept = join(folder, 'pennypost.db')
  const copied = schemaOf(kept)
  // A try that ended between two migrations left a better one.
  if (copied !== undefined && copied < schema) return name
  mkdirSync(folder, { recursive: true })
  const unfinished = `${kept}.new`
  try {
    // Shared with the original where the file system can.
    copyFileSync(join(dataFolder, 'pennypost.db'), unfinished, constants.COPYFILE_FICLONE)
    const file = openSync(unfinished, 'r+')
    try {
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    rmSync(unfinished, { force: true })
    if (!isFull(error)) throw error
    throw new Error(
      `This version changes the database, and there is no room for a copy of it as it is (${kept}): make room of its size, or run the version of before`,
      { cause: error },
    )
  }
  renameSync(unfinished, kept)
  syncFolder(folder)
  syncFolder(dataFolder)
  return name
}

/** The schema of a database file, by its header (user_version, SQLite's file format §1.3); undefined: there is none. */
function schemaOf(path: string): number | undefined {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const header = Buffer.alloc(100)
    return readSync(file, header, 0, 100, 0) === 100 ? header.readUInt32BE(60) : undefined
  } finally {
    closeSync(file)
  }
}

/** Removes copies that are older than a month. @returns how many. */
export async function forgetOldCopies(dataFolder: string, nowMs: number): Promise<number> {
  let removed = 0
  for (const name of await readdir(dataFolder)) {
    if (!folderName.test(name)) continue
    const folder = join(dataFolder, name)
    // The copy has the time of its making; the folder's own changes with any file in it.
    const made = await stat(join(folder, 'pennypost.db')).catch(() => undefined)
    if (!made || nowMs - made.mtimeMs < keptMs) continue
    await rm(folder, { recursive: true, force: true })
    removed++
  }
  return removed
}
