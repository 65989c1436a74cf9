/** Makes the data folder private to its user, if an earlier version, a copy or a volume left it readable for others. */
import { chmodSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const others = 0o007
const groupAndOthers = 0o077

/**
 * Removes the rights of group and others from everything directly in the folder; closed subfolders protect their contents. Sockets are
 * left as they are. @returns the folder's own mode if others may read or enter it: that is not changed, since it may be intended.
 */
export function closeToOthers(folder: string): string | undefined {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const status = lstatSync(path, { throwIfNoEntry: false })
    if (!status || !(status.isFile() || status.isDirectory()) || (status.mode & groupAndOthers) === 0) continue
    try {
      chmodSync(path, status.mode & ~groupAndOthers & 0o7777)
    } catch (error) {
      // Another user's file: the store reports what it cannot read.
      if ((error as { code?: string }).code !== 'EPERM') throw error
    }
  }
  const { mode } = statSync(folder)
  return (mode & others) === 0 ? undefined : (mode & 0o7777).toString(8)
}
