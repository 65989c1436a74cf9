/** `pennypost alias`: addresses whose mail is forwarded to others. */
import {
  ask,
  examples,
  jsonOption,
  pages,
  placeOptions,
  printRows,
  tellDone,
  withOwner,
  type PlaceOptions,
} from './context.ts'
import type { Subcommand } from './subcommand.ts'

type JsonOptions = PlaceOptions & { readonly json?: boolean }

const forwardsTo = ({ address, targets }: { address: string; targets: readonly string[] }): string =>
  `Mail for ${address} is forwarded to ${targets.join(', ')}.\n`

export const alias: Subcommand = (program, terminal) => {
  const aliases = program.command('alias').description('manage aliases: addresses whose mail is forwarded')
  examples(
    aliases,
    'pennypost alias add sales@example.org alice@example.org bob@example.org',
    'pennypost alias add alice@example.org alice@example.org bob@example.net      a copy stays with alice',
    'pennypost alias add @example.org alice@example.org      all other addresses of the domain',
    'pennypost alias remove sales@example.org bob@example.org',
  )

  examples(
    jsonOption(
      placeOptions(
        aliases
          .command('add')
          .description('forward mail for an address to further targets')
          .argument('<address>')
          .argument('<targets...>'),
      ),
    ),
    'pennypost alias add sales@example.org alice@example.org',
    'pennypost alias add alice@example.org alice@example.org bob@example.net      a copy stays with alice',
    'pennypost alias add @example.org alice@example.org',
  ).action(async (address: string, targets: string[], options: JsonOptions) => {
    const done = await ask(options, 'aliasAdd', { address, targets })
    tellDone(terminal, options, done, forwardsTo(done))
  })

  examples(
    jsonOption(
      placeOptions(
        aliases
          .command('remove')
          .description('remove targets from an alias, or the whole alias')
          .argument('<address>')
          .argument('[targets...]'),
      ),
    ),
    'pennypost alias remove sales@example.org bob@example.org',
    'pennypost alias remove sales@example.org',
  ).action(async (address: string, targets: string[], options: JsonOptions) => {
    const done = await ask(options, 'aliasRemove', { address, targets })
    const sentence = done.targets.length === 0 ? `Removed alias ${done.address}.\n` : forwardsTo(done)
    tellDone(terminal, options, done, sentence)
  })

  examples(
    jsonOption(placeOptions(aliases.command('list').description('list aliases'))),
    'pennypost alias list',
    'pennypost alias list --json',
  ).action((options: JsonOptions) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'aliasList', {}), {
        json: options.json,
        columns: [
          { title: 'ALIAS', of: ({ address }) => address },
          { title: 'FORWARDS TO', of: ({ targets }) => targets.join(', ') },
        ],
        none: 'No aliases yet: add one with "pennypost alias add".',
      }),
    ),
  )
}
