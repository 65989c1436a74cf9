/** `pennypost quickstart`: from nothing to a production set-up: asks little, writes the file, makes the first account, prints and checks the DNS. */
import { dirname, join, resolve } from 'node:path'
import type { Folder } from '../platform/real/privileges.ts'
import type { Terminal } from '../platform/real/terminal.ts'
import { CommandFault, examples, openOwnerOf, UsageFault } from './context.ts'
import { checkDomain, printRecords } from './dns.ts'
import type { Subcommand } from './subcommand.ts'

interface QuickstartOptions {
  readonly hostname?: string
  readonly account?: string
  readonly config?: string
  readonly data?: string
  readonly user?: string
  readonly cert?: string
  readonly key?: string
  readonly address: string
  readonly yes?: boolean
  readonly check: boolean
}

/** What a host on the internet serves. */
const worldServices = ['smtp', 'submission', 'submissions', 'imap', 'imaps', 'pop3', 'pop3s', 'http', 'https'] as const

/** Where Let's Encrypt's own client keeps what it got. */
const letsEncrypt = '/etc/letsencrypt/live'

export const quickstart: Subcommand = (program, terminal, fail) => {
  examples(
    program
      .command('quickstart')
      .description('set up a mail server for a domain: configuration, first account, DNS records')
      .argument('<domain>')
      .option('--hostname <name>', "this host's name (asked for; default mail.<domain>)")
      .option('--account <address>', 'the first account (asked for; default admin@<domain>)')
      .option(
        '-c, --config <file>',
        'configuration file to write (default: /etc/pennypost/pennypost.toml for root, else ./pennypost.toml)',
      )
      .option('-d, --data <folder>', 'data folder (default: /var/lib/pennypost for root, else ./data)')
      .option('--user <name>', 'user that the server runs as when root starts it (default for root: pennypost)')
      .option('--cert <file>', "certificate, PEM (default: certbot's certificate for the host, else a self-signed one)")
      .option('--key <file>', 'its private key, PEM')
      .option('--address <address>', 'address to listen on', '[::]')
      .option('-y, --yes', 'ask no questions, use the defaults')
      .option('--no-check', 'do not check the DNS'),
    'pennypost quickstart example.org',
    'pennypost quickstart example.org --hostname mx1.example.org --account alice@example.org --yes',
  ).action(async (given: string, options: QuickstartOptions) => {
    const [{ parseDomain }, { isRoot }, { realFiles }] = await Promise.all([
      import('../mail/address.ts'),
      import('../platform/real/privileges.ts'),
      import('../platform/real/files.ts'),
    ])
    const domain = parseDomain(given)
    if (domain === undefined || domain.startsWith('['))
      throw new UsageFault(`"${given}" is not a domain name: write it as example.org`)
    const root = isRoot()
    const file = resolve(options.config ?? (root ? '/etc/pennypost/pennypost.toml' : 'pennypost.toml'))
    if ((await realFiles.sizeBytes(file)) !== undefined)
      throw new CommandFault(`${file} already exists: edit it, or name another file with --config`)
    const ask = asker(terminal, options.yes === true)
    const hostname = parseDomain(options.hostname ?? (await ask('Name of this host', `mail.${domain}`)))
    if (hostname === undefined || hostname.startsWith('['))
      throw new UsageFault('The name of the host must be a domain name')
    const account = options.account ?? (await ask('First account', `admin@${domain}`))
    const certificate = await certificateOf(options, hostname)
    const data = resolve(options.data ?? (root ? '/var/lib/pennypost' : 'data'))
    const user = options.user ?? (root ? 'pennypost' : undefined)
    const submitSocket = root ? '/run/pennypost/submit.sock' : undefined
    const text = configText({ domain, hostname, data, user, submitSocket, certificate, address: options.address })

    // Read as the server will: what we write must be fine.
    const { parseConfig } = await import('../config/load.ts')
    const config = await parseConfig(text, file)
    // Every program that sends mail reads it, and there is no secret in it.
    await realFiles.write(file, Buffer.from(text), { shared: true })
    terminal.out(`Configuration: ${file}\n`)
    if (user !== undefined && root)
      await giveToUser(terminal, user, [
        { path: data, mode: 0o700 },
        { path: dirname(submitSocket!), mode: 0o755 },
      ])
    await firstAccount(terminal, config.data, domain, account)

    terminal.out(`\nDNS records for ${domain}:\n\n`)
    await printRecords(terminal, config, domain)
    if (options.check) {
      terminal.out('\nCurrent state of the DNS:\n\n')
      if (!(await checkDomain(terminal, config, domain)))
        terminal.note(`\nAdd the records above, then run "pennypost check ${domain} --config ${file}".\n`)
    }
    terminal.out(nextSteps(file, certificate === undefined, user, root))
    fail(0)
  })
}

function asker(terminal: Terminal, silent: boolean): (question: string, fallback: string) => Promise<string> {
  return async (question, fallback) => {
    const answer = silent ? undefined : await terminal.readAnswer?.(`${question} [${fallback}]: `)
    return answer === undefined || answer.trim() === '' ? fallback : answer.trim()
  }
}

async function certificateOf(
  { cert, key }: QuickstartOptions,
  hostname: string,
): Promise<{ cert: string; key: string } | undefined> {
  if ((cert === undefined) !== (key === undefined)) throw new UsageFault('--cert and --key belong together')
  if (cert !== undefined) return { cert: resolve(cert), key: resolve(key!) }
  const { realFiles } = await import('../platform/real/files.ts')
  const folder = join(letsEncrypt, hostname)
  const found = { cert: join(folder, 'fullchain.pem'), key: join(folder, 'privkey.pem') }
  return (await realFiles.sizeBytes(found.cert)) === undefined ? undefined : found
}

interface Wanted {
  readonly domain: string
  readonly hostname: string
  readonly data: string
  readonly user: string | undefined
  readonly submitSocket: string | undefined
  readonly certificate: { readonly cert: string; readonly key: string } | undefined
  readonly address: string
}

const quote = (text: string): string => JSON.stringify(text)

/** "pennypost config sample" has every key; this one has what was decided, and no more. */
function configText({ domain, hostname, data, user, submitSocket, certificate, address }: Wanted): string {
  const ports = {
    smtp: 25,
    submission: 587,
    submissions: 465,
    imap: 143,
    imaps: 993,
    pop3: 110,
    pop3s: 995,
    http: 80,
    https: 443,
  }
  const host = address.replace(/^\[|\]$/g, '')
  const place = host.includes(':') ? `[${host}]` : host
  const lines = [
    `# Mail for ${domain}. All keys: "pennypost config sample"; what one means: "pennypost config explain KEY".`,
    `hostname = ${quote(hostname)}`,
    `data = ${quote(data)}`,
    `domains = [${quote(domain)}]`,
    ...(user === undefined ? [] : [`user = ${quote(user)}`]),
    ...(submitSocket === undefined
      ? []
      : ['# "sendmail" of every user of this machine.', `submitSocket = ${quote(submitSocket)}`]),
    '',
    ...worldServices.flatMap((service) => [
      '[[listener]]',
      `service = ${quote(service)}`,
      `address = ${quote(`${place}:${ports[service]}`)}`,
      '',
    ]),
    '[tls]',
    ...(certificate === undefined
      ? [
          '# Mail programs warn of this one: put a certificate here, then "source" becomes "files".',
          'source = "self-signed"',
        ]
      : ['source = "files"', `cert = ${quote(certificate.cert)}`, `key = ${quote(certificate.key)}`]),
    '',
  ]
  return lines.join('\n')
}

/** What root makes in them from now on is the user's too: commands work in a folder as its owner. */
async function giveToUser(terminal: Terminal, user: string, folders: readonly Folder[]): Promise<void> {
  const { giveFolders } = await import('../platform/real/privileges.ts')
  try {
    giveFolders(user, folders)
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_UNKNOWN_CREDENTIAL') throw error
    terminal.note(
      `The user "${user}" does not exist yet: create it before the first start with "useradd --system ${user}".\n`,
    )
  }
}

/** With a password that is shown once; mail for root, postmaster and abuse goes there too. */
async function firstAccount(terminal: Terminal, data: string, domain: string, account: string): Promise<void> {
  const [{ easyPassword }, { realRandom }] = await Promise.all([
    import('../directory/password.ts'),
    import('../platform/real/random.ts'),
  ])
  const owner = await openOwnerOf(data, { create: true })
  try {
    await owner.ask('domainAdd', { name: domain })
    const password = easyPassword(realRandom.bytes(16))
    const { name } = await owner.ask('accountAdd', { name: account, password })
    await owner.ask('aliasAdd', { address: `root@${domain}`, targets: [name] })
    terminal.out(`First account: ${name}\nIts password:  ${password}\n`)
  } finally {
    await owner.close()
  }
}

function nextSteps(file: string, selfSigned: boolean, user: string | undefined, root: boolean): string {
  const steps = [
    ...(root && user !== undefined
      ? ['systemd:  install packaging/pennypost.service, then "systemctl enable --now pennypost"']
      : []),
    `start:    pennypost serve${root ? '' : ` --config ${file}`}`,
    ...(selfSigned ? ['TLS:      get a certificate for the host (certbot, your provider) and name it in [tls]'] : []),
    'sendmail: ln -s "$(command -v pennypost)" /usr/sbin/sendmail   (and mailq, newaliases), for cron and PHP',
    'more:     docs/operator-guide.md',
  ]
  return `\nNext:\n${steps.map((step) => `  ${step}`).join('\n')}\n`
}
