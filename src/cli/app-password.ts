/** `pennypost app-password`: passwords for single programs and devices, which can be revoked one by one. */
import {
  ask,
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

type JsonOptions = PlaceOptions & { readonly json?: boolean }

const dayText = (epochMs: number): string => timeText(epochMs).slice(0, 10)

export const appPassword: Subcommand = (program, terminal) => {
  const passwords = program.command('app-password').description('manage app passwords: one for each program or device')
  examples(
    passwords,
    'pennypost app-password add alice@example.org Phone',
    'pennypost app-password list alice@example.org',
    'pennypost app-password remove alice@example.org Phone',
  )

  examples(
    jsonOption(
      placeOptions(
        passwords
          .command('add')
          .description('create an app password and print it once')
          .argument('<account>')
          .argument('<name>', 'the program or device that will use it'),
      ),
    ),
    'pennypost app-password add alice@example.org Phone',
    'pennypost app-password add alice@example.org "Work laptop" --json',
  ).action(async (account: string, name: string, options: JsonOptions) => {
    const made = await ask(options, 'appPasswordAdd', { account, name })
    if (options.json) return terminal.out(`${JSON.stringify(made)}\n`)
    terminal.out(`${made.password}\n`)
    terminal.note(
      `This is the app password "${made.name}" of ${made.account}. It is shown only once; the hyphens may be left out.\n`,
    )
  })

  examples(
    jsonOption(
      placeOptions(
        passwords
          .command('remove')
          .description('revoke an app password: its program can no longer sign in')
          .argument('<account>')
          .argument('<name>'),
      ),
    ),
    'pennypost app-password remove alice@example.org Phone',
  ).action(async (account: string, name: string, options: JsonOptions) => {
    const gone = await ask(options, 'appPasswordRemove', { account, name })
    tellDone(terminal, options, gone, `Revoked the app password "${gone.name}" of ${gone.account}.\n`)
  })

  examples(
    jsonOption(
      placeOptions(
        passwords.command('list').description('list app passwords (names and dates only)').argument('<account>'),
      ),
    ),
    'pennypost app-password list alice@example.org',
    'pennypost app-password list alice@example.org --json',
  ).action((account: string, options: JsonOptions) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'appPasswordList', { account }), {
        json: options.json,
        columns: [
          { title: 'NAME', of: ({ name }) => name },
          { title: 'CREATED', of: ({ createdAtMs }) => dayText(createdAtMs) },
          { title: 'LAST USED', of: ({ usedAtMs }) => (usedAtMs === null ? 'never' : dayText(usedAtMs)) },
        ],
        none: 'No app passwords yet: add one with "pennypost app-password add".',
      }),
    ),
  )
}
