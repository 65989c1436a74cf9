/** `pennypost domain`: the domains whose mail is ours. */
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
import { domainDns, domainKeys } from './dns.ts'
import type { Subcommand } from './subcommand.ts'

type JsonOptions = PlaceOptions & { readonly json?: boolean }

export const domain: Subcommand = (program, terminal, fail) => {
  const domains = program.command('domain').description('manage the local domains')
  examples(domains, 'pennypost domain add example.org', 'pennypost domain list --json')

  examples(
    jsonOption(placeOptions(domains.command('add').description('add a local domain').argument('<domain>'))),
    'pennypost domain add example.org',
  ).action(async (name: string, options: JsonOptions) => {
    // The first step of a new system may come before its first start.
    const done = await ask({ ...options, create: true }, 'domainAdd', { name })
    const sentence = done.added ? `Added domain ${done.name}.\n` : `Domain ${done.name} already exists.\n`
    tellDone(terminal, options, done, sentence)
  })

  examples(
    jsonOption(
      placeOptions(
        domains.command('remove').description('remove a local domain; it must have no accounts').argument('<domain>'),
      ),
    ),
    'pennypost domain remove example.org',
  ).action(async (name: string, options: JsonOptions) => {
    const done = await ask(options, 'domainRemove', { name })
    tellDone(terminal, options, done, `Removed domain ${done.name} and its aliases.\n`)
  })

  domainDns(domains, terminal, fail)
  domainKeys(domains, terminal, fail)

  examples(
    jsonOption(placeOptions(domains.command('list').description('list the local domains'))),
    'pennypost domain list',
    'pennypost domain list --json',
  ).action((options: JsonOptions) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'domainList', {}), {
        json: options.json,
        columns: [{ title: 'DOMAIN', of: ({ name }) => name }],
        none: 'No domains yet: add one with "pennypost domain add".',
      }),
    ),
  )
}
