/** Large bodies that no row names: their commit failed, or a crash came between the file and the commit, or between a row's end and its file's. */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { turn, type Clock } from '../../base/clock.ts'
import type { Database } from './driver.ts'

/** A body that was written so lately may still be named by a commit: arrivals do not take so long. */
const orphanAfterMs = 24 * 3_600_000

/** @returns how many were removed. Folder by folder, with turns of the loop between. */
export async function removeOrphans(large: string, reads: Database, clock: Clock, nowMs: number): Promise<number> {
  const named = reads.prepare('SELECT 1 FROM content WHERE file = ?')
  let removed = 0
  for (const folder of await readdir(large)) {
    if (!/^[0-9a-f]{2}$/.test(folder)) continue
    for (const name of await readdir(join(large, folder))) {
      if (!name.endsWith('.eml') || named.get(name.slice(0, -'.eml'.length))) continue
      const path = join(large, folder, name)
      if (nowMs - (await stat(path)).mtimeMs < orphanAfterMs) continue
      await rm(path, { force: true })
      removed++
    }
    await turn(clock)
  }
  return removed
}
