/** `pennypost backup`: a consistent copy of everything while mail goes on. */
import { resolve } from 'node:path'
import type { BackupReport } from '../store/store.ts'
import { counted, examples, jsonOption, placeOptions, sizeText, withOwner, type PlaceOptions } from './context.ts'
import { jobEnd } from './job.ts'
import type { Subcommand } from './subcommand.ts'

export const backup: Subcommand = (program, terminal) => {
  examples(
    jsonOption(
      placeOptions(
        program
          .command('backup')
          .description('back up mail, accounts and queue into a folder, while the server runs')
          .argument('<folder>', 'a new folder, or an earlier backup, to which only new data is copied'),
      ),
    ),
    'pennypost backup /mnt/backup/pennypost',
    'pennypost backup /mnt/backup/pennypost --json',
    'pennypost verify --backup /mnt/backup/pennypost',
  ).action((folder: string, options: PlaceOptions & { json?: boolean }) =>
    withOwner(options, async (owner) => {
      const path = resolve(folder)
      const { job } = await owner.ask('backupStart', { folder: path })
      const report = await jobEnd<BackupReport>(owner, terminal, job)
      if (options.json) return terminal.out(`${JSON.stringify({ folder: path, ...report }, null, 1)}\n`)
      const { accounts, messages, bytes, copiedBytes } = report
      const copied = copiedBytes < bytes ? `; ${sizeText(copiedBytes)} of them had to be copied` : ''
      terminal.out(
        `Backed up ${counted(messages, 'message')} of ${counted(accounts, 'account')} to ${path}: ${sizeText(bytes)}${copied}.\n`,
      )
    }),
  )
}
