/** `pennypost verify`: is everything that the store says true? Works while the server runs. */
import { dataFolderOf, examples, jsonOption, placeOptions, type PlaceOptions } from './context.ts'
import type { Subcommand } from './subcommand.ts'

export const verify: Subcommand = (program, terminal, fail) => {
  examples(
    jsonOption(
      placeOptions(
        program
          .command('verify')
          .description('check the whole store: rows, counters, ledger, and every message byte by its digest'),
      ),
    ),
    'pennypost verify',
    'pennypost verify --data /var/lib/pennypost --json',
  ).action(async (options: PlaceOptions & { json?: boolean }) => {
    const { verifyStore } = await import('../server/verify.ts')
    const report = await verifyStore(await dataFolderOf(options))
    if (report.faults.length > 0) fail(1)
    if (options.json) return terminal.out(`${JSON.stringify(report, null, 1)}\n`)
    for (const fault of report.faults) terminal.note(`${fault.text}.\n`)
    if (report.faultsInAll > report.faults.length)
      terminal.note(`… and ${report.faultsInAll - report.faults.length} more.\n`)
    const checked = Object.entries(report.checked).map(([name, count]) => `${count} ${name}`)
    terminal.out(
      `${report.faultsInAll === 0 ? 'All is well' : `${report.faultsInAll} faults`}: checked ${checked.join(', ')}.\n`,
    )
  })
}
