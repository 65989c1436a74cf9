/**
 * Files that the database does not know, and that are none of its own leftovers: a database that is empty, new, restored or copied back
 * knows less than the folder. They go to `lost/`, are counted, and are removed by command only.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { syncFolder } from './log.ts'

/** Moves a file of the data folder below `lost/`, under its own path there; a number is added where that is taken. @returns where it is, from the data folder. */
export function moveToLost(dataFolder: string, path: string): string {
  const inside = relative(dataFolder, path)
  const wanted = join(dataFolder, 'lost', inside)
  mkdirSync(dirname(wanted), { recursive: true, mode: 0o700 })
  let target = wanted
  for (let n = 2; existsSync(target); n++) target = `${wanted}.${n}`
  renameSync(path, target)
  syncFolder(dirname(target))
  syncFolder(dirname(path))
  return relative(dataFolder, target)
}

export interface LostFile {
  /** From the data folder. */
  readonly path: string
  readonly sizeBytes: number
  readonly changedMs: number
}

/** So many are named and counted: a scrape of the figures must not walk through a mail store. */
export const lostFilesMax = 10_000

export function lostFiles(dataFolder: string): LostFile[] {
  const found: LostFile[] = []
  const look = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (found.length === lostFilesMax) return
      const path = join(folder, entry.name)
      if (entry.isDirectory()) look(path)
      else {
        const { size, mtimeMs } = statSync(path)
        found.push({ path: relative(dataFolder, path), sizeBytes: size, changedMs: mtimeMs })
      }
    }
  }
  const folder = join(dataFolder, 'lost')
  if (existsSync(folder)) look(folder)
  return found
}

export function dropLost(dataFolder: string): number {
  const folder = join(dataFolder, 'lost')
  const names = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : []
  rmSync(folder, { recursive: true, force: true })
  return names.filter((entry) => entry.isFile()).length
}
