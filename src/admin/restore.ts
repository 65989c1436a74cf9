/** Restores a whole store from a backup, into a data folder that is not in use. */
import { giveTree, identityOf, isRoot, ownerOf, type Identity } from '../platform/real/privileges.ts'
import { restoreFolder, type RestoreOptions, type RestoreReport } from '../store/sqlite/restore.ts'
import { BackupFault } from '../store/sqlite/backup-manifest.ts'
import { OwnedElsewhere } from '../store/owner.ts'
import { CommandRefusal } from './provision.ts'

export async function restoreStore(
  backup: string,
  dataFolder: string,
  options: RestoreOptions & {
    /** The service's user: it owns what root restores; without it, the owner of the existing folder. */
    readonly user?: string
  },
): Promise<RestoreReport> {
  const owner = options.user === undefined ? undefined : ownerToBe(options.user)
  const before = ownerOf(dataFolder)
  try {
    const report = await restoreFolder(backup, dataFolder, options)
    const whose = owner ?? before
    if (whose && isRoot()) giveTree(dataFolder, whose)
    return report
  } catch (error) {
    if (error instanceof OwnedElsewhere) {
      throw new CommandRefusal(
        'owned',
        `${error.message}: stop it first, or restore one account with --account while it runs`,
      )
    }
    if (error instanceof BackupFault) throw new CommandRefusal('backup', error.message)
    throw error
  }
}

/**
 * undefined if the user does not exist yet, as on a new machine before "useradd": the first start as root sets the
 * owner.
 */
function ownerToBe(user: string): Identity | undefined {
  if (!isRoot()) return undefined
  try {
    return identityOf(user)
  } catch {
    return undefined
  }
}
