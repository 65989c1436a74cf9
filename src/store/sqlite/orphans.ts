/** Large bodies that no row names: their commit failed, or a crash came between the file and the commit, or between a row's end and its file's. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { turn, type Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { moveToLost } from '../contents/lost.ts'
import type { Database } from './driver.ts'
import { isOwnName } from './large-names.ts'

/** A body that was written so lately may still be named by a commit: arrivals do not take so long. */
const orphanAfterMs = 24 * 3_600_000

export interface OrphanTools {
  /** The data folder. */
  readonly folder: string
  readonly reads: Database
  readonly clock: Clock
  readonly log: Log
  readonly nowMs: number
  readonly signal: AbortSignal
}

export interface Orphans {
  readonly removed: number
  readonly movedToLost: number
}

/** Removes this database's own leftovers; what another one may know is moved aside. Folder by folder, with turns of the loop between. */
export async function removeOrphans({
  folder: dataFolder,
  reads,
  clock,
  log,
  nowMs,
  signal,
}: OrphanTools): Promise<Orphans> {
  const large = join(dataFolder, 'large')
  const named = reads.prepare('SELECT 1 FROM content WHERE file = ?')
  const setAside = reads.prepare('SELECT 1 FROM quarantine, json_each(quarantine.files) AS f WHERE f.value = ?')
  let removed = 0
  let movedToLost = 0
  for (const folder of await readdir(large)) {
    if (signal.aborted) break
    if (!/^[0-9a-f]{2}$/.test(folder)) continue
    for (const file of await readdir(join(large, folder))) {
      const name = file.slice(0, -'.eml'.length)
      if (!file.endsWith('.eml') || named.get(name) || setAside.get(name)) continue
      const path = join(large, folder, file)
      if (nowMs - (await stat(path)).mtimeMs < orphanAfterMs) continue
      if (isOwnName(reads, name)) {
        await rm(path, { force: true })
        removed++
      } else {
        log.warn('unknown large file moved to lost/', { movedTo: moveToLost(dataFolder, path) })
        movedToLost++
      }
    }
    await turn(clock)
  }
  return { removed, movedToLost }
}
