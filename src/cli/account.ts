/** `pennypost account`: accounts, their passwords and quotas. */
import type { Command } from 'commander'
import type { Terminal } from '../platform/real/terminal.ts'
import {
  ask,
  CommandFault,
  counted,
  examples,
  jsonOption,
  pages,
  placeOptions,
  printRows,
  sizeText,
  tellDone,
  UsageFault,
  withOwner,
  type PlaceOptions,
} from './context.ts'
import { newPassword, passwordOptions, type PasswordOptions } from './password.ts'
import type { Subcommand } from './subcommand.ts'

type JsonOptions = PlaceOptions & { readonly json?: boolean }

async function readQuota(text: string): Promise<number> {
  const { size, ValueFault } = await import('../base/options/kinds.ts')
  try {
    return size.read(text)
  } catch (error) {
    if (error instanceof ValueFault) throw new UsageFault(`A quota ${error.message}. ${error.hint ?? ''}`)
    throw error
  }
}

const stateText = ({ disabled, restriction }: { disabled: boolean; restriction: string }): string =>
  disabled ? 'disabled' : restriction === 'none' ? 'enabled' : restriction

const quotaText = (bytes: number): string => (bytes === 0 ? 'no limit' : sizeText(bytes))

export const account: Subcommand = (program, terminal) => {
  const accounts = program.command('account').description('manage accounts: passwords, quotas, state')
  examples(
    accounts,
    'pennypost account add alice@example.org',
    'pennypost account password alice@example.org --generate',
    'pennypost account quota alice@example.org 5GB',
    'pennypost account list --json',
  )
  addAdd(accounts, terminal)
  addPassword(accounts, terminal)
  addQuota(accounts, terminal)
  addDisableAndEnable(accounts, terminal)
  addLockAndUnlock(accounts, terminal)
  addRemove(accounts, terminal)
  addShow(accounts, terminal)
  addList(accounts, terminal)
}

function addAdd(accounts: Command, terminal: Terminal): void {
  examples(
    passwordOptions(
      jsonOption(
        placeOptions(
          accounts
            .command('add')
            .description('create an account with INBOX and the usual mailboxes')
            .argument('<address>'),
        ),
      ),
    ).option('--quota <size>', 'storage limit, as 5GB (default: no limit)'),
    'pennypost account add alice@example.org',
    'printf "%s\\n" "$PASSWORD" | pennypost account add alice@example.org --password-stdin --quota 5GB',
  ).action(async (name: string, options: JsonOptions & PasswordOptions & { quota?: string }) => {
    const quotaBytes = options.quota === undefined ? 0 : await readQuota(options.quota)
    const { password, generated } = await newPassword(terminal, options)
    const done = await ask(options, 'accountAdd', { name, password, quotaBytes })
    const { name: account, aliases } = done
    const secret = generated ? { password } : {}
    const sentences = [
      `Created account ${account}.`,
      ...(generated ? [`Its password: ${password}`] : []),
      ...(aliases.length > 0 ? [`It also gets the mail of ${aliases.join(' and ')}.`] : []),
    ]
    tellDone(terminal, options, { name: account, quotaBytes, aliases, ...secret }, `${sentences.join('\n')}\n`)
  })
}

function addPassword(accounts: Command, terminal: Terminal): void {
  examples(
    passwordOptions(
      jsonOption(placeOptions(accounts.command('password').description('set a new password').argument('<address>'))),
    ),
    'pennypost account password alice@example.org',
    'pennypost account password alice@example.org --generate',
  ).action(async (name: string, options: JsonOptions & PasswordOptions) => {
    const { password, generated } = await newPassword(terminal, options)
    const done = await ask(options, 'accountPassword', { name, password })
    const sentence = `New password of ${done.name}${generated ? `: ${password}` : ' is set'}.\n`
    tellDone(terminal, options, { name: done.name, ...(generated ? { password } : {}) }, sentence)
  })
}

function addQuota(accounts: Command, terminal: Terminal): void {
  examples(
    jsonOption(
      placeOptions(
        accounts
          .command('quota')
          .description('set the storage limit of an account; 0 for no limit')
          .argument('<address>')
          .argument('<size>'),
      ),
    ),
    'pennypost account quota alice@example.org 5GB',
    'pennypost account quota alice@example.org 0',
  ).action(async (name: string, text: string, options: JsonOptions) => {
    const quotaBytes = await readQuota(text)
    const done = await ask(options, 'accountSet', { name, quotaBytes })
    const sentence = `Quota of ${done.name}: ${quotaText(quotaBytes)}.\n`
    tellDone(terminal, options, { name: done.name, quotaBytes }, sentence)
  })
}

function addDisableAndEnable(accounts: Command, terminal: Terminal): void {
  for (const [word, disabled, told] of [
    ['disable', true, 'cannot sign in and receives no mail'],
    ['enable', false, 'can sign in and receives mail'],
  ] as const) {
    examples(
      jsonOption(
        placeOptions(accounts.command(word).description(`${word} an account: it ${told}`).argument('<address>')),
      ),
      `pennypost account ${word} alice@example.org`,
    ).action(async (name: string, options: JsonOptions) => {
      const done = await ask(options, 'accountSet', { name, disabled })
      tellDone(terminal, options, { name: done.name, disabled }, `${done.name} ${told}.\n`)
    })
  }
}

function addLockAndUnlock(accounts: Command, terminal: Terminal): void {
  for (const [word, restriction, about] of [
    ['lock', 'locked', 'lock an account: it cannot sign in and sends nothing; incoming mail is still delivered'],
    ['unlock', 'none', 'unlock an account, also one whose mail was held because it looked stolen'],
  ] as const) {
    examples(
      jsonOption(placeOptions(accounts.command(word).description(about).argument('<address>'))),
      `pennypost account ${word} alice@example.org`,
    ).action(async (name: string, options: JsonOptions) => {
      const done = await ask(options, 'accountRestrict', { name, restriction })
      const is = restriction === 'locked' ? 'is locked: it cannot sign in and sends nothing' : 'is unlocked'
      const waits =
        done.held === 0
          ? ''
          : ` ${counted(done.held, 'recipient')} of its mail on hold: see "pennypost queue list --sender ${done.name}", then "queue release" or "queue drop".`
      tellDone(terminal, options, done, `${done.name} ${is}.${waits}\n`)
    })
  }
}

function addRemove(accounts: Command, terminal: Terminal): void {
  examples(
    jsonOption(
      placeOptions(accounts.command('remove').description('remove an account with all its mail').argument('<address>')),
    ).option('--yes', 'delete the mail without asking; this cannot be undone'),
    'pennypost account remove alice@example.org --yes',
  ).action(async (name: string, options: JsonOptions & { yes?: boolean }) => {
    if (!options.yes) {
      const { usedMessages } = await ask(options, 'accountShow', { name })
      throw new CommandFault(
        `${name} has ${counted(usedMessages, 'message')}, which would be deleted: confirm with --yes, or use "account disable"`,
      )
    }
    const done = await ask(options, 'accountRemove', { name })
    tellDone(terminal, options, done, `Removed account ${done.name} and its mail.\n`)
    if (done.aliases.length > 0) terminal.note(`These aliases still forward to it: ${done.aliases.join(', ')}\n`)
  })
}

function addShow(accounts: Command, terminal: Terminal): void {
  examples(
    jsonOption(
      placeOptions(
        accounts.command('show').description('show the state, usage and quota of an account').argument('<address>'),
      ),
    ),
    'pennypost account show alice@example.org',
    'pennypost account show alice@example.org --json',
  ).action(async (name: string, options: JsonOptions) => {
    const shown = await ask(options, 'accountShow', { name })
    if (options.json) return terminal.out(`${JSON.stringify(shown, null, 1)}\n`)
    const { usedBytes, usedMessages, quotaBytes } = shown
    const share = quotaBytes === 0 ? '' : ` (${Math.floor((usedBytes / quotaBytes) * 100)} %)`
    terminal.out(
      `${shown.name}\n  state     ${stateText(shown)}\n  messages  ${usedMessages}\n` +
        `  used      ${sizeText(usedBytes)} of ${quotaText(quotaBytes)}${share}\n`,
    )
  })
}

function addList(accounts: Command, terminal: Terminal): void {
  examples(
    jsonOption(placeOptions(accounts.command('list').description('list accounts with usage, quota and state'))),
    'pennypost account list',
    'pennypost account list --json',
  ).action((options: JsonOptions) =>
    withOwner(options, (owner) =>
      printRows(terminal, pages(owner, 'accountList', {}), {
        json: options.json,
        columns: [
          { title: 'ACCOUNT', of: ({ name }) => name },
          { title: 'MESSAGES', of: ({ usedMessages }) => String(usedMessages), right: true },
          { title: 'USED', of: ({ usedBytes }) => sizeText(usedBytes), right: true },
          { title: 'QUOTA', of: ({ quotaBytes }) => quotaText(quotaBytes), right: true },
          { title: 'STATE', of: stateText },
        ],
        none: 'No accounts yet: add one with "pennypost account add".',
      }),
    ),
  )
}
