/** `pennypost alias`: addresses that lead to others. */
import { ask, examples, jsonOption, pages, placeOptions, printRows, withOwner, type PlaceOptions } from './context.ts'
import type { Subcommand } from './subcommand.ts'

export const alias: Subcommand = (program, terminal) => {
  const aliases = program.command('alias').description('addresses that lead to others')
  examples(
    aliases,
    'pennypost alias add sales@example.org alice@example.org bob@example.org',
    'pennypost alias add @example.org alice@example.org      everything else of the domain',
    'pennypost alias remove sales@example.org bob@example.org',
  )

  examples(
    placeOptions(
      aliases
        .command('add')
        .description('let mail for an address go to others too')
        .argument('<address>')
        .argument('<targets...>'),
    ),
    'pennypost alias add sales@example.org alice@example.org',
    'pennypost alias add @example.org alice@example.org',
  ).action(async (address: string, targets: string[], options: PlaceOptions) => {
    const done = await ask(options, 'aliasAdd', { address, targets })
    terminal.out(`Mail for ${done.address} goes to ${done.targets.join(', ')}.\n`)
  })

  examples(
    placeOptions(
      aliases
        .command('remove')
        .description('take targets out of an alias, or remove it')
        .argument('<address>')
        .argument('[targets...]'),
    ),
    'pennypost alias remove sales@example.org bob@example.org',
    'pennypost alias remove sales@example.org',
  ).action(async (address: string, targets: string[], options: PlaceOptions) => {
    const done = await ask(options, 'aliasRemove', { address, targets })
    terminal.out(
      done.targets.length === 0
        ? `The alias ${done.address} is gone.\n`
        : `Mail for ${done.address} goes to ${done.targets.join(', ')}.\n`,
    )
  })

  examples(
    jsonOption(placeOptions(aliases.command('list').description('list the aliases'))),
    'pennypost alias list',
    'pennypost alias list --json',
  ).action((options: PlaceOptions & { json?: boolean }) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'aliasList', {}), {
        json: options.json,
        columns: [
          { title: 'ALIAS', of: ({ address }) => address },
          { title: 'LEADS TO', of: ({ targets }) => targets.join(', ') },
        ],
        none: 'There are no aliases yet: add one with "pennypost alias add".',
      }),
    ),
  )
}
