/** `pennypost domain`: the domains whose mail is ours. */
import { ask, examples, jsonOption, pages, placeOptions, printRows, withOwner, type PlaceOptions } from './context.ts'
import { domainDns, domainKeys } from './dns.ts'
import type { Subcommand } from './subcommand.ts'

export const domain: Subcommand = (program, terminal, fail) => {
  const domains = program.command('domain').description('the domains whose mail is ours')
  examples(domains, 'pennypost domain add example.org', 'pennypost domain list --json')

  examples(
    placeOptions(domains.command('add').description('take mail for a domain').argument('<domain>')),
    'pennypost domain add example.org',
  ).action(async (name: string, options: PlaceOptions) => {
    // The first step of a new system may come before its first start.
    const done = await ask({ ...options, create: true }, 'domainAdd', { name })
    terminal.out(done.added ? `Mail for ${done.name} is ours now.\n` : `${done.name} was ours already.\n`)
  })

  examples(
    placeOptions(
      domains
        .command('remove')
        .description('take no more mail for a domain; it must have no accounts')
        .argument('<domain>'),
    ),
    'pennypost domain remove example.org',
  ).action(async (name: string, options: PlaceOptions) => {
    const done = await ask(options, 'domainRemove', { name })
    terminal.out(`Mail for ${done.name} is no longer ours; its aliases are gone.\n`)
  })

  domainDns(domains, terminal, fail)
  domainKeys(domains, terminal, fail)

  examples(
    jsonOption(placeOptions(domains.command('list').description('list the domains'))),
    'pennypost domain list',
    'pennypost domain list --json',
  ).action((options: PlaceOptions & { json?: boolean }) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'domainList', {}), {
        json: options.json,
        columns: [{ title: 'DOMAIN', of: ({ name }) => name }],
        none: 'There are no domains yet: add one with "pennypost domain add".',
      }),
    ),
  )
}
