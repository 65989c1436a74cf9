/** `pennypost verify`: is everything that the store says true? Works while the server runs. */
import { counted, dataFolderOf, examples, jsonOption, placeOptions, type PlaceOptions } from './context.ts'
import type { Subcommand } from './subcommand.ts'

export const verify: Subcommand = (program, terminal, fail) => {
  examples(
    jsonOption(
      placeOptions(
        program
          .command('verify')
          .description('check the whole store: rows, counters, ledger, and the digest of every message'),
      )
        .option('--deep', 'also compare the stored envelope and structure of each message with its bytes')
        .option('--backup <folder>', 'check this backup instead'),
    ),
    'pennypost verify',
    'pennypost verify --data /var/lib/pennypost --json',
    'pennypost verify --backup /mnt/backup/pennypost',
  ).action(async (options: PlaceOptions & { json?: boolean; deep?: boolean; backup?: string }) => {
    const { verifyBackup, verifyStore } = await import('../admin/verify.ts')
    const { deep = false, backup } = options
    const report =
      backup === undefined
        ? await verifyStore(await dataFolderOf(options), { deep })
        : await verifyBackup(backup, { deep })
    if (report.faults.length > 0) fail(1)
    if (options.json) return terminal.out(`${JSON.stringify(report, null, 1)}\n`)
    for (const fault of report.faults) terminal.note(`${fault.text}.\n`)
    if (report.faultsInAll > report.faults.length)
      terminal.note(`… and ${report.faultsInAll - report.faults.length} more.\n`)
    const checked = Object.entries(report.checked).map(([name, count]) => counted(count, singular(name), name))
    terminal.out(
      `${report.faultsInAll === 0 ? 'All is well' : counted(report.faultsInAll, 'fault')}: checked ${checked.join(', ')}.\n`,
    )
  })
}

/** `mailboxes` → `mailbox`, `ledger rows` → `ledger row`. */
function singular(plural: string): string {
  return plural.replace(/xes$/, 'xs').replace(/s$/, '')
}
