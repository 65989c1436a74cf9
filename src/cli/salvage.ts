/** `pennypost salvage`: every message of a damaged data folder that can be read, as Maildir. */
import { resolve } from 'node:path'
import { counted, examples, jsonOption } from './context.ts'
import type { Subcommand } from './subcommand.ts'

export const salvage: Subcommand = (program, terminal, fail) => {
  examples(
    jsonOption(
      program
        .command('salvage')
        .description(
          'extract every readable message of a damaged data folder as Maildir; the folder itself is not changed',
        )
        .argument('<folder>', 'the data folder')
        .argument(
          '<out>',
          'a new folder: one Maildir for each account, with mailboxes and flags if the database still has them',
        ),
    ),
    'pennypost salvage /var/lib/pennypost /root/salvaged',
  ).action(async (folder: string, out: string, options: { json?: boolean }) => {
    const { salvageStore } = await import('../admin/verify.ts')
    const report = await salvageStore(resolve(folder), resolve(out))
    const { named, byRecord, queued, unreadable, faults } = report
    if (named + byRecord + queued === 0) fail(1)
    if (options.json) return terminal.out(`${JSON.stringify(report, null, 1)}\n`)
    for (const fault of faults) terminal.note(`${fault}.\n`)
    terminal.out(
      `Wrote ${counted(named + byRecord + queued, 'message')} to ${resolve(out)}: ${named} with the mailbox, ${byRecord} from log records alone, ${queued} from the queue. ${counted(unreadable, 'message')} could not be read.\n`,
    )
  })
}
