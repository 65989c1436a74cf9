/** A consistent copy of the store while it works: the rows first, then every segment and file that they can name. */
import { copyFile, mkdir, readdir, stat } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Batcher } from './batcher.ts'

export async function backupTo(
  dataFolder: string,
  folder: string,
  copyRows: (path: string) => Promise<void>,
  batcher: Batcher,
): Promise<{ readonly bytes: number }> {
  if (existsSync(folder) && (await readdir(folder)).length > 0) throw new Error(`${folder} is not empty`)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // What is in the log behind the rows' copy is replayed when the backup is opened: nothing acknowledged before now is missing.
  await batcher.idle()
  await copyRows(join(folder, 'pennypost.db'))
  let bytes = (await stat(join(folder, 'pennypost.db'))).size
  for (const part of ['segments', 'large']) bytes += await copyFolder(join(dataFolder, part), join(folder, part))
  return { bytes }
}

async function copyFolder(from: string, to: string): Promise<number> {
  await mkdir(to, { recursive: true })
  let bytes = 0
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name)
    if (entry.isDirectory()) bytes += await copyFolder(source, join(to, entry.name))
    else if (/^\d{8}\.seg$|^[0-9a-z]+\.eml$/.test(entry.name)) {
      await copyFile(source, join(to, entry.name))
      bytes += (await stat(source)).size
    }
  }
  return bytes
}
