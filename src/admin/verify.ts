/** Verifies a whole store, with or without its server running. */
import { join, resolve } from 'node:path'
import { realFiles } from '../platform/real/files.ts'
import { actAsOwnerOf } from '../platform/real/privileges.ts'
import { backedContents, BackupFault, needManifest } from '../store/sqlite/backup-manifest.ts'
import { salvageFolder, type SalvageReport } from '../store/sqlite/salvage.ts'
import { verifyFolder, type VerifyReport } from '../store/sqlite/verify.ts'
import { CommandRefusal } from './provision.ts'

export type { VerifyFault, VerifyReport } from '../store/sqlite/verify.ts'

export async function verifyStore(folder: string, options: { readonly deep?: boolean } = {}): Promise<VerifyReport> {
  if ((await realFiles.sizeBytes(join(folder, 'pennypost.db'))) === undefined) {
    throw new CommandRefusal('noStore', `There is no store in ${folder}: name its folder with --data or --config`)
  }
  const asBefore = actAsOwnerOf(folder)
  try {
    return await verifyFolder(folder, undefined, options)
  } finally {
    asBefore()
  }
}

/** Verifies that a backup could be restored. */
export async function verifyBackup(folder: string, options: { readonly deep?: boolean } = {}): Promise<VerifyReport> {
  try {
    const path = resolve(folder)
    const manifest = await needManifest(path)
    return verifyFolder(path, backedContents(path, manifest), { ...options, rows: join(path, manifest.rows) })
  } catch (error) {
    if (error instanceof BackupFault) throw new CommandRefusal('backup', error.message)
    throw error
  }
}

/**
 * Extracts the messages of a damaged store as Maildir, with or without a running server: it writes nothing in the
 * store.
 */
export async function salvageStore(folder: string, out: string): Promise<SalvageReport> {
  const parts = await Promise.all(
    ['segments', 'large', 'pennypost.db'].map((name) => realFiles.sizeBytes(join(folder, name))),
  )
  if (parts.every((size) => size === undefined)) {
    throw new CommandRefusal('noStore', `${folder} is not a data folder: it has neither segments nor a database`)
  }
  if ((await realFiles.sizeBytes(out)) !== undefined) {
    throw new CommandRefusal('badArguments', `${out} already exists: name a new folder`)
  }
  return salvageFolder(folder, out)
}
