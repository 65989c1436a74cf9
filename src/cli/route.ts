/** `pennypost route`: where mail for an address would go now, and the security that each connection would need. */
import { CommandFault, configOf, examples, jsonOption, placeOptions, type PlaceOptions } from './context.ts'
import type { Subcommand } from './subcommand.ts'

interface RouteOptions extends PlaceOptions {
  readonly json?: boolean
  readonly from?: string
}

export const route: Subcommand = (program, terminal, fail) => {
  examples(
    jsonOption(
      placeOptions(
        program
          .command('route')
          .description('show the next hops for a domain or an address, and the TLS that each requires')
          .argument('<domain>', 'a domain, or an address')
          .option('--from <address>', 'the sender, for routes that depend on the sender'),
      ),
    ),
    'pennypost route example.net',
    'pennypost route bob@example.net --from alice@example.org',
  ).action(async (given: string, options: RouteOptions) => {
    const way = await find(given, options)
    if (options.json) terminal.out(`${JSON.stringify(way, null, 1)}\n`)
    else if (way.kind === 'hosts')
      for (const host of way.hosts) {
        const { name, port, protocol, addresses, fallback, nameProved, addressesProved, signsInAs, proxy, words } = host
        const proved = nameProved && addressesProved ? ', proved' : ''
        terminal.out(
          `${name}:${port}  ${addresses.join(' ')}${proved}${protocol === 'lmtp' ? ', by LMTP' : ''}${fallback ? '  (fallback)' : ''}\n`,
        )
        terminal.out(`  ${words}\n`)
        if (signsInAs !== undefined) terminal.out(`  signs in as ${signsInAs}\n`)
        if (proxy !== undefined) terminal.out(`  through ${proxy}\n`)
      }
    else terminal.note(`${way.kind === 'never' ? 'No route' : 'Unknown at present'}: ${way.words}\n`)
    if (way.kind !== 'hosts' || way.hosts.every(({ security }) => security === 'impossible')) fail(1)
  })
}

async function find(given: string, options: RouteOptions) {
  const [{ parseDomain }, { realResolver }, { withHosts }, { explainRoute }, { StsPolicies }] = await Promise.all([
    import('../mail/address.ts'),
    import('../platform/real/resolver.ts'),
    import('../transport/hosts.ts'),
    import('../transport/explain-route.ts'),
    import('../trust/mta-sts/policies.ts'),
  ])
  const [{ realClock }, { realRandom }, { realHttpClient }, { silentLog }, { realFiles }, { readAuthorities }] =
    await Promise.all([
      import('../platform/real/clock.ts'),
      import('../platform/real/random.ts'),
      import('../platform/real/http-client.ts'),
      import('../base/log.ts'),
      import('../platform/real/files.ts'),
      import('../system/start.ts'),
    ])
  const domain = parseDomain(given.slice(given.lastIndexOf('@') + 1))
  if (domain === undefined) throw new CommandFault(`"${given}" is not a domain name: write it as example.net`)
  const config = await configOf(options)
  const resolver = withHosts(() => config.dns, realResolver(config.dns.servers, config.dns))
  const authorities = { now: await readAuthorities(config, realFiles) }
  const facts = { resolver, clock: realClock, random: realRandom, authorities }
  // Policies are fetched for this answer alone: what the server keeps is its own.
  const keep = { read: async () => undefined, write: async () => {} }
  const sts = new StsPolicies({ ...facts, http: realHttpClient, log: silentLog, keep })
  const wanted = config.transfer.mtaSts ? sts : undefined
  return explainRoute({ ...facts, ...config.transfer, routes: config.routes, sts: wanted }, domain, options.from ?? '')
}
