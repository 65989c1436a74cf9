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
  const passwords = program.command('app-password').description('passwords for single programs and devices')
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
          .description('make a password for one program, and print it once')
          .argument('<account>')
          .argument('<name>', 'which program or device it is for'),
      ),
    ),
    'pennypost app-password add alice@example.org Phone',
    'pennypost app-password add alice@example.org "Work laptop" --json',
  ).action(async (account: string, name: string, options: JsonOptions) => {
    const made = await ask(options, 'appPasswordAdd', { account, name })
    if (options.json) return terminal.out(`${JSON.stringify(made)}\n`)
    terminal.out(`${made.password}\n`)
    terminal.note(
      `That is the password of "${made.name}" for ${made.account}. It is shown this once; its hyphens may be left out.\n`,
    )
  })

  examples(
    jsonOption(
      placeOptions(
        passwords
          .command('remove')
          .description('revoke one: its program can no longer sign in')
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
      placeOptions(passwords.command('list').description('list them, without the passwords').argument('<account>')),
    ),
    'pennypost app-password list alice@example.org',
    'pennypost app-password list alice@example.org --json',
  ).action((account: string, options: JsonOptions) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'appPasswordList', { account }), {
        json: options.json,
        columns: [
          { title: 'NAME', of: ({ name }) => name },
          { title: 'MADE', of: ({ createdAtMs }) => dayText(createdAtMs) },
          { title: 'LAST USED', of: ({ usedAtMs }) => (usedAtMs === null ? 'never' : dayText(usedAtMs)) },
        ],
        none: 'There are no app passwords: add one with "pennypost app-password add".',
      }),
    ),
  )
}
