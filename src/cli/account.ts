/** `pennypost account`: who lives here. */
import {
  ask,
  CommandFault,
  examples,
  jsonOption,
  pages,
  placeOptions,
  printRows,
  sizeText,
  UsageFault,
  withOwner,
  type PlaceOptions,
} from './context.ts'
import { newPassword, passwordOptions, type PasswordOptions } from './password.ts'
import type { Subcommand } from './subcommand.ts'

async function readQuota(text: string): Promise<number> {
  const { size, ValueFault } = await import('../config/kinds.ts')
  try {
    return size.read(text)
  } catch (error) {
    if (error instanceof ValueFault) throw new UsageFault(`A quota ${error.message}. ${error.hint ?? ''}`)
    throw error
  }
}

const quotaText = (bytes: number): string => (bytes === 0 ? 'no limit' : sizeText(bytes))

export const account: Subcommand = (program, terminal) => {
  const accounts = program.command('account').description('who lives here: accounts, passwords, quotas')
  examples(
    accounts,
    'pennypost account add alice@example.org',
    'pennypost account password alice@example.org --generate',
    'pennypost account quota alice@example.org 5GB',
    'pennypost account list --json',
  )

  examples(
    passwordOptions(
      placeOptions(
        accounts
          .command('add')
          .description('make an account, with INBOX and the usual mailboxes')
          .argument('<address>'),
      ),
    ).option('--quota <size>', 'how much mail it may keep, as 5GB; without it there is no limit'),
    'pennypost account add alice@example.org',
    'printf "%s\\n" "$PASSWORD" | pennypost account add alice@example.org --password-stdin --quota 5GB',
  ).action(async (name: string, options: PlaceOptions & PasswordOptions & { quota?: string }) => {
    const quotaBytes = options.quota === undefined ? 0 : await readQuota(options.quota)
    const { password, generated } = await newPassword(terminal, options)
    const done = await ask(options, 'accountAdd', { name, password, quotaBytes })
    terminal.out(`${done.name} is here now.\n`)
    if (generated) terminal.out(`Its password: ${password}\n`)
    if (done.aliases.length > 0) terminal.out(`It also gets the mail of ${done.aliases.join(' and ')}.\n`)
  })

  examples(
    passwordOptions(placeOptions(accounts.command('password').description('set a new password').argument('<address>'))),
    'pennypost account password alice@example.org',
    'pennypost account password alice@example.org --generate',
  ).action(async (name: string, options: PlaceOptions & PasswordOptions) => {
    const { password, generated } = await newPassword(terminal, options)
    const done = await ask(options, 'accountPassword', { name, password })
    terminal.out(`${done.name} has a new password${generated ? `: ${password}` : ''}.\n`)
  })

  examples(
    placeOptions(
      accounts
        .command('quota')
        .description('set how much mail an account may keep; 0: no limit')
        .argument('<address>')
        .argument('<size>'),
    ),
    'pennypost account quota alice@example.org 5GB',
    'pennypost account quota alice@example.org 0',
  ).action(async (name: string, text: string, options: PlaceOptions) => {
    const quotaBytes = await readQuota(text)
    const done = await ask(options, 'accountSet', { name, quotaBytes })
    terminal.out(`${done.name} may keep ${quotaBytes === 0 ? 'as much as it likes' : sizeText(quotaBytes)}.\n`)
  })

  for (const [word, disabled, told] of [
    ['disable', true, 'can no longer sign in and takes no mail'],
    ['enable', false, 'can sign in and takes mail'],
  ] as const) {
    examples(
      placeOptions(accounts.command(word).description(`from now on the account ${told}`).argument('<address>')),
      `pennypost account ${word} alice@example.org`,
    ).action(async (name: string, options: PlaceOptions) => {
      const done = await ask(options, 'accountSet', { name, disabled })
      terminal.out(`${done.name} ${told}.\n`)
    })
  }

  examples(
    placeOptions(
      accounts.command('remove').description('remove an account with all its mail').argument('<address>'),
    ).option('--yes', 'its mail may go: it cannot be brought back'),
    'pennypost account remove alice@example.org --yes',
  ).action(async (name: string, options: PlaceOptions & { yes?: boolean }) => {
    if (!options.yes) {
      const { usedMessages } = await ask(options, 'accountShow', { name })
      throw new CommandFault(
        `${name} has ${usedMessages} messages, which would be lost: say so with --yes, or take "account disable"`,
      )
    }
    const done = await ask(options, 'accountRemove', { name })
    terminal.out(`${done.name} and its mail are gone.\n`)
    if (done.aliases.length > 0) terminal.note(`These aliases still lead to it: ${done.aliases.join(', ')}\n`)
  })

  examples(
    jsonOption(
      placeOptions(
        accounts.command('show').description('show what an account keeps, and how much it may').argument('<address>'),
      ),
    ),
    'pennypost account show alice@example.org',
    'pennypost account show alice@example.org --json',
  ).action(async (name: string, options: PlaceOptions & { json?: boolean }) => {
    const shown = await ask(options, 'accountShow', { name })
    if (options.json) return terminal.out(`${JSON.stringify(shown, null, 1)}\n`)
    const { usedBytes, usedMessages, quotaBytes, disabled } = shown
    const share = quotaBytes === 0 ? '' : ` (${Math.floor((usedBytes / quotaBytes) * 100)} %)`
    terminal.out(
      `${shown.name}\n  state     ${disabled ? 'disabled' : 'enabled'}\n  messages  ${usedMessages}\n` +
        `  used      ${sizeText(usedBytes)} of ${quotaText(quotaBytes)}${share}\n`,
    )
  })

  examples(
    jsonOption(placeOptions(accounts.command('list').description('list the accounts with what they keep'))),
    'pennypost account list',
    'pennypost account list --json',
  ).action((options: PlaceOptions & { json?: boolean }) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'accountList', {}), {
        json: options.json,
        columns: [
          { title: 'ACCOUNT', of: ({ name }) => name },
          { title: 'MESSAGES', of: ({ usedMessages }) => String(usedMessages), right: true },
          { title: 'USED', of: ({ usedBytes }) => sizeText(usedBytes), right: true },
          { title: 'QUOTA', of: ({ quotaBytes }) => quotaText(quotaBytes), right: true },
          { title: 'STATE', of: ({ disabled }) => (disabled ? 'disabled' : 'enabled') },
        ],
        none: 'There are no accounts yet: add one with "pennypost account add".',
      }),
    ),
  )
}
