/** The data folder is for its user alone: what an earlier version, a copy or a volume left readable to others is closed. */
import { chmodSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const others = 0o007
const groupAndOthers = 0o077

/**
 * Takes the rights of group and others from everything that lies in the folder; folders below it are thereby closed with all they hold.
 * Sockets have modes of their own. @returns the folder's mode where others may read it or look into it: it was made by somebody for reasons.
 */
export function closeToOthers(folder: string): string | undefined {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const status = lstatSync(path, { throwIfNoEntry: false })
    if (!status || !(status.isFile() || status.isDirectory()) || (status.mode & groupAndOthers) === 0) continue
    try {
      chmodSync(path, status.mode & ~groupAndOthers & 0o7777)
    } catch (error) {
      // Another user's file: the store will say what it cannot read.
      if ((error as { code?: string }).code !== 'EPERM') throw error
    }
  }
  const { mode } = statSync(folder)
  return (mode & others) === 0 ? undefined : (mode & 0o7777).toString(8)
}
