/** A whole store from its backup, into a data folder that nobody owns. */
import { restoreFolder, type RestoreOptions, type RestoreReport } from '../store/sqlite/restore.ts'
import { BackupFault } from '../store/sqlite/backup-manifest.ts'
import { OwnedElsewhere } from '../store/owner.ts'
import { CommandRefusal } from './provision.ts'

export async function restoreStore(
  backup: string,
  dataFolder: string,
  options: RestoreOptions,
): Promise<RestoreReport> {
  try {
    return await restoreFolder(backup, dataFolder, options)
  } catch (error) {
    if (error instanceof OwnedElsewhere) {
      throw new CommandRefusal(
        'owned',
        `${error.message}: stop it first, or bring back one account with --account while it runs`,
      )
    }
    if (error instanceof BackupFault) throw new CommandRefusal('backup', error.message)
    throw error
  }
}
