/** `pennypost reindex`: what the store keeps about messages beside their bytes, computed anew. */
import type { ReindexReport } from '../store/store.ts'
import { counted, examples, jsonOption, placeOptions, withOwner, type PlaceOptions } from './context.ts'
import { jobEnd } from './job.ts'
import type { Subcommand } from './subcommand.ts'

export const reindex: Subcommand = (program, terminal) => {
  examples(
    jsonOption(
      placeOptions(
        program
          .command('reindex')
          .description('rebuild envelopes, structures, dates and threads from the messages, while the server runs'),
      ).option('--account <address>', 'only the mail of this account'),
    ),
    'pennypost reindex',
    'pennypost reindex --account alice@example.org',
    'pennypost verify --deep                    shows whether it is needed',
  ).action((options: PlaceOptions & { json?: boolean; account?: string }) =>
    withOwner(options, async (owner) => {
      const { job } = await owner.ask('reindexStart', { account: options.account })
      const report = await jobEnd<ReindexReport & { ms: number }>(owner, terminal, job)
      const messagesPerSecond = Math.round((report.messages * 1000) / Math.max(report.ms, 1))
      if (options.json) return terminal.out(`${JSON.stringify({ ...report, messagesPerSecond }, null, 1)}\n`)
      const { messages, contentsMended, threadKeysMended } = report
      const mended =
        contentsMended + threadKeysMended === 0
          ? 'nothing to repair'
          : `repaired ${counted(contentsMended, 'content')} and ${counted(threadKeysMended, 'thread key')}`
      terminal.out(`${counted(messages, 'message')} read (${messagesPerSecond} a second): ${mended}.\n`)
    }),
  )
}
