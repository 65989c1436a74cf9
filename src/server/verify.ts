/** The check of a whole store, beside its server or without one. */
import { join } from 'node:path'
import { realFiles } from '../platform/real/files.ts'
import { verifyFolder, type VerifyReport } from '../store/sqlite/verify.ts'
import { CommandRefusal } from './provision.ts'

export type { VerifyFault, VerifyReport } from '../store/sqlite/verify.ts'

export async function verifyStore(folder: string): Promise<VerifyReport> {
  if ((await realFiles.sizeBytes(join(folder, 'pennypost.db'))) === undefined) {
    throw new CommandRefusal('noStore', `There is no store in ${folder}: name its folder with --data or --config`)
  }
  return verifyFolder(folder)
}
