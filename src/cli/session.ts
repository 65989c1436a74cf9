/** `pennypost session`: sessions that are signed in, and their end. */
import {
  ask,
  counted,
  examples,
  jsonOption,
  pages,
  placeOptions,
  printRows,
  tellDone,
  timeText,
  withOwner,
  type PlaceOptions,
} from './context.ts'
import type { Subcommand } from './subcommand.ts'

type JsonOptions = PlaceOptions & { readonly json?: boolean; readonly account?: string }

export const session: Subcommand = (program, terminal) => {
  const sessions = program.command('session').description('list or end sessions that are signed in')
  examples(sessions, 'pennypost session list', 'pennypost session end --account alice@example.org')

  examples(
    jsonOption(
      placeOptions(
        sessions
          .command('list')
          .description('list the sessions that are signed in, of all protocols')
          .option('--account <account>', 'only those of this account'),
      ),
    ),
    'pennypost session list',
    'pennypost session list --account alice@example.org --json',
  ).action((options: JsonOptions) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'sessionList', { account: options.account }), {
        json: options.json,
        columns: [
          { title: 'ID', of: ({ id }) => id },
          { title: 'ACCOUNT', of: ({ account }) => account },
          { title: 'SERVICE', of: ({ service }) => service },
          { title: 'FROM', of: ({ address }) => address },
          { title: 'SINCE', of: ({ sinceMs }) => timeText(sinceMs) },
        ],
        none: 'No sessions are signed in.',
      }),
    ),
  )

  examples(
    jsonOption(
      placeOptions(
        sessions
          .command('end')
          .description('end a session; the client may sign in again if the account allows it')
          .argument('[id]', 'an id from "session list"')
          .option('--account <account>', 'all sessions of an account'),
      ),
    ),
    'pennypost session end 4k',
    'pennypost session end --account alice@example.org',
  ).action(async (id: string | undefined, options: JsonOptions) => {
    const { ended } = await ask(options, 'sessionEnd', { id, account: options.account })
    tellDone(terminal, options, { ended }, `${counted(ended, 'session')} ended.\n`)
  })
}
