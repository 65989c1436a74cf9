/** `pennypost domain dns` and `pennypost check`: the DNS records of a domain, and whether they are there. */
import type { Config } from '../config/config.ts'
import type { Terminal } from '../platform/real/terminal.ts'
import type { CheckedRecord } from '../web/discovery/check.ts'
import type { DnsRecord } from '../web/discovery/dns.ts'
import type { KnownCertificates } from '../web/discovery/published.ts'
import {
  CommandFault,
  configOf,
  examples,
  jsonOption,
  placeOptions,
  timeText,
  visible,
  type PlaceOptions,
} from './context.ts'
import type { Subcommand } from './subcommand.ts'

type JsonOption = { readonly json?: boolean }

async function domainName(text: string): Promise<string> {
  const { parseDomain } = await import('../mail/address.ts')
  const name = parseDomain(text)
  if (name === undefined || name.startsWith('['))
    throw new CommandFault(`"${text}" is not a domain name: write it as example.org`)
  return name
}

/** Of a domain that is ours; none where there is no store yet. */
async function keysOf(config: Config, domain: string): Promise<readonly { name: string; value: string }[]> {
  const { askOwner } = await import('../admin/owner.ts')
  try {
    const { keys } = await askOwner(config.data, 'domainKeys', { name: domain })
    return keys.filter(({ state }) => state === 'active')
  } catch (error) {
    if (['noStore', 'noSuchDomain'].includes((error as { code?: string }).code ?? '')) return []
    throw error
  }
}

/** What answers for our hostname and for the policy's host: by the server's own word, where one runs, and by the files. */
async function certificatesOf(config: Config, domain: string): Promise<KnownCertificates> {
  const [{ askOwner }, { readCertificates }, { certificateFor }, { realFiles }, { X509Certificate }] =
    await Promise.all([
      import('../admin/owner.ts'),
      import('../platform/real/certificates.ts'),
      import('../platform/real/tls.ts'),
      import('../platform/real/files.ts'),
      import('node:crypto'),
    ])
  const names = [config.hostname, `mta-sts.${domain}`]
  const pems = await readCertificates(realFiles, config.tls, config.data)
  const inFiles = names.map((name) => certificateFor(pems, name))
  const inUse = await askOwner(config.data, 'certificatesShown', { names }).then(
    ({ certificates }) => certificates.map((one) => (one === null ? undefined : Buffer.from(one, 'base64'))),
    () => [],
  )
  const atPolicyHost = inUse[1] ?? inFiles[1]
  return {
    ofHost: [inUse[0], inFiles[0]].filter((one) => one !== undefined),
    namesPolicyHost: atPolicyHost && new X509Certificate(atPolicyHost).checkHost(names[1]!) !== undefined,
  }
}

async function recordsOf(config: Config, domain: string): Promise<DnsRecord[]> {
  const [{ recordsFor }, { publishedRecords }, { offersOf }] = await Promise.all([
    import('../web/discovery/dns.ts'),
    import('../web/discovery/published.ts'),
    import('../web/discovery/settings.ts'),
  ])
  const { hostname, listeners, publish } = config
  return [
    ...recordsFor(domain, hostname, offersOf(hostname, listeners), await keysOf(config, domain)),
    ...publishedRecords(domain, hostname, publish, await certificatesOf(config, domain)),
  ]
}

/** As a zone file, each with its reason. */
export async function printRecords(terminal: Terminal, config: Config, domain: string, json?: boolean): Promise<void> {
  const { formatRecord } = await import('../web/discovery/dns.ts')
  const records = await recordsOf(config, domain)
  if (json) terminal.out(`${JSON.stringify(records, null, 1)}\n`)
  else
    for (const record of records)
      terminal.out(`; ${record.why}${record.needed ? '' : ' (optional)'}\n${formatRecord(record)}\n`)
}

const marks: Readonly<Record<CheckedRecord['state'], string>> = {
  right: 'ok     ',
  missing: 'MISSING',
  differs: 'DIFFERS',
  unknown: 'unknown',
}

/** @returns whether everything that mail needs is there. */
export async function checkDomain(
  terminal: Terminal,
  config: Config,
  domain: string,
  json?: boolean,
): Promise<boolean> {
  const [
    { checkRecords },
    { checkPolicy },
    { ownPolicy },
    { realResolver },
    { realHttpClient },
    { realClock },
    { withHosts },
  ] = await Promise.all([
    import('../web/discovery/check.ts'),
    import('../web/discovery/check-policy.ts'),
    import('../web/discovery/published.ts'),
    import('../platform/real/resolver.ts'),
    import('../platform/real/http-client.ts'),
    import('../platform/real/clock.ts'),
    import('../transport/hosts.ts'),
  ])
  const resolver = withHosts(() => config.dns, realResolver(config.dns.servers, config.dns))
  const tools = { resolver, http: realHttpClient, clock: realClock }
  const [records, policy] = await Promise.all([
    recordsOf(config, domain).then((records) => checkRecords(records, resolver)),
    checkPolicy(domain, ownPolicy(config.hostname, config.publish), tools),
  ])
  const checked = policy ? [...records, policy] : records
  if (json) terminal.out(`${JSON.stringify(checked, null, 1)}\n`)
  else {
    for (const { name, type, value, state, found, needed } of checked) {
      const optional = state === 'missing' && !needed ? 'absent ' : marks[state]
      terminal.out(`${optional} ${type.padEnd(6)} ${name}${state === 'right' ? `: ${visible(found)}` : ''}\n`)
      if (state !== 'right' && (needed || state !== 'missing'))
        terminal.out(`          found:  ${visible(found)}\n          wanted: ${value}\n`)
    }
  }
  return checked.every(({ state, needed }) => !needed || state === 'right')
}

export const check: Subcommand = (program, terminal, fail) => {
  examples(
    jsonOption(
      placeOptions(program.command('check').description('check the DNS records of a domain').argument('<domain>')),
    ),
    'pennypost check example.org',
    'pennypost domain dns example.org      the records that it should have',
  ).action(async (given: string, options: PlaceOptions & JsonOption) => {
    const domain = await domainName(given)
    const good = await checkDomain(terminal, await configOf(options), domain, options.json)
    if (good) return
    terminal.note(
      `Required DNS records of ${domain} are missing, wrong or could not be looked up: "pennypost domain dns ${domain}" prints them.\n`,
    )
    fail(1)
  })
}

/** Below `pennypost domain`. */
export const domainDns: Subcommand = (domains, terminal) => {
  examples(
    jsonOption(
      placeOptions(
        domains.command('dns').description('print the DNS records that a domain needs').argument('<domain>'),
      ),
    ),
    'pennypost domain dns example.org',
    'pennypost domain dns example.org --json',
  ).action(async (given: string, options: PlaceOptions & JsonOption) =>
    printRecords(terminal, await configOf(options), await domainName(given), options.json),
  )
}

/** `pennypost domain keys`: what signs the mail of a domain. */
export const domainKeys: Subcommand = (domains, terminal) => {
  examples(
    jsonOption(
      placeOptions(
        domains
          .command('keys')
          .description('show the DKIM keys of a domain as DNS records')
          .argument('<domain>')
          .option('--rotate', 'create new keys and sign with them from now on; keep the old records for some days'),
      ),
    ),
    'pennypost domain keys example.org',
    'pennypost domain keys example.org --rotate',
  ).action(async (given: string, options: PlaceOptions & JsonOption & { readonly rotate?: boolean }) => {
    const [{ askOwner }, { formatRecord }] = await Promise.all([
      import('../admin/owner.ts'),
      import('../web/discovery/dns.ts'),
    ])
    const name = await domainName(given)
    const { keys } = await askOwner((await configOf(options)).data, 'domainKeys', { name, rotate: options.rotate })
    if (options.json) return terminal.out(`${JSON.stringify(keys, null, 1)}\n`)
    for (const key of keys) {
      const state = key.state === 'active' ? 'in use' : 'replaced: keep its record for some days'
      const record = { name: key.name, type: 'TXT' as const, value: key.value, why: '', needed: true }
      terminal.out(`; ${key.algorithm}, created ${timeText(key.createdMs)}, ${state}\n${formatRecord(record)}\n`)
    }
  })
}
