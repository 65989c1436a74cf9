/** `pennypost restore`: everything from a backup, or one account or message of it into a running system. */
import { resolve } from 'node:path'
import { realClock } from '../platform/real/clock.ts'
import type { Terminal } from '../platform/real/terminal.ts'
import type { RestoredAccount } from '../admin/restore-into.ts'
import {
  CommandFault,
  configOf,
  counted,
  examples,
  jsonOption,
  placeOptions,
  sizeText,
  timeText,
  UsageFault,
  withOwner,
  type PlaceOptions,
} from './context.ts'
import { jobEnd, progressLine } from './job.ts'
import type { Subcommand } from './subcommand.ts'

interface RestoreArguments extends PlaceOptions {
  readonly json?: boolean
  readonly force?: boolean
  readonly damaged?: boolean
  readonly holdQueue?: boolean
  readonly account?: string
  readonly into?: string
  readonly message?: string
}

export const restore: Subcommand = (program, terminal, fail) => {
  examples(
    jsonOption(
      placeOptions(
        program
          .command('restore')
          .description('restore a backup: all of it, or one account or message into a running system')
          .argument('<folder>', 'a folder written by "pennypost backup"'),
      ),
    )
      .option('--force', 'move the existing data folder aside (full restore)')
      .option('--damaged', 'restore even though the backup has errors (full restore)')
      .option('--hold-queue', 'hold the restored queue, since it may have been sent already (full restore)')
      .option('--account <address>', 'add the missing mailboxes and messages of one account; the server may run')
      .option('--message <id>', 'only the message with this Message-ID or EMAILID (with --account)')
      .option('--into <mailbox>', 'restore below this mailbox instead of the original place (with --account)'),
    'pennypost restore /mnt/backup/pennypost',
    'pennypost restore /mnt/backup/pennypost --force --hold-queue',
    'pennypost restore /mnt/backup/pennypost --account alice@example.org',
    'pennypost restore /mnt/backup/pennypost --account alice@example.org --into Restored/2026-02-01',
    'pennypost restore /mnt/backup/pennypost --account alice@example.org --message "<1@example.net>"',
  ).action((folder: string, options: RestoreArguments) => {
    checkUsage(options)
    return options.account === undefined
      ? restoreAll(resolve(folder), options, terminal, fail)
      : restoreAccount(resolve(folder), options.account, options, terminal)
  })
}

function checkUsage({ account, into, message, force, damaged, holdQueue }: RestoreArguments): void {
  if (account === undefined && (into !== undefined || message !== undefined)) {
    throw new UsageFault(`${into === undefined ? '--message' : '--into'} needs an account: name it with --account`)
  }
  if (account !== undefined && (force || damaged || holdQueue)) {
    throw new UsageFault('--force, --damaged and --hold-queue are for a full restore and cannot be used with --account')
  }
}

async function restoreAll(
  folder: string,
  options: RestoreArguments,
  terminal: Terminal,
  fail: (status: number) => void,
): Promise<void> {
  const { restoreStore } = await import('../admin/restore.ts')
  const { data, user } = options.data === undefined ? await configOf(options) : { data: resolve(options.data) }
  const line = progressLine(terminal)
  const { force, damaged, holdQueue } = options
  const report = await restoreStore(folder, data, {
    force,
    damaged,
    holdQueue,
    user,
    nowMs: realClock.now(),
    progress: (done, total) => line.show({ phase: 'bytes', done, total }),
  }).finally(() => line.end())
  if (report.verified.faultsInAll > 0) fail(1)
  if (options.json) return terminal.out(`${JSON.stringify({ data, ...report }, null, 1)}\n`)
  const { accounts, messages, bytes, createdMs, movedTo, queued, held, verified } = report
  terminal.out(
    `Restored ${counted(messages, 'message')} of ${counted(accounts, 'account')} to ${data} as they were at ${timeText(createdMs)}: ${sizeText(bytes)}.\n`,
  )
  if (movedTo !== undefined) terminal.out(`The previous data folder is now ${movedTo}: remove it when you are sure.\n`)
  if (queued > held) {
    terminal.out(`${counted(queued - held, 'recipient')} in the queue: attempts begin when the server starts.\n`)
  }
  if (held > 0)
    terminal.out(
      `${counted(held, 'recipient')} of the queue on hold: see "queue list", then "queue release" or "queue drop".\n`,
    )
  for (const { text } of verified.faults) terminal.note(`${text}.\n`)
}

async function restoreAccount(
  folder: string,
  account: string,
  options: RestoreArguments,
  terminal: Terminal,
): Promise<void> {
  const { into, message } = options
  const report = await withOwner(options, async (owner) => {
    const { job } = await owner.ask('restoreStart', { folder, account, into: mailboxOf(into), message })
    return jobEnd<RestoredAccount>(owner, terminal, job)
  })
  if (options.json) return terminal.out(`${JSON.stringify(report, null, 1)}\n`)
  if (report.accountMade) terminal.out(`Created account ${report.account} again, with its password.\n`)
  for (const { name, restored } of report.mailboxes) {
    if (restored > 0) terminal.out(`  ${name}: ${counted(restored, 'message')}\n`)
  }
  const { restored, present } = report
  const there = present > 0 ? `; ${present} already existed` : ''
  terminal.out(`Restored ${counted(restored, 'message')}${there}.\n`)
  if (report.aliasesGone.length > 0) {
    terminal.note(
      `These aliases forwarded to it at the time of the backup and do not exist now: ${report.aliasesGone.join(', ')}\n`,
    )
  }
}

function mailboxOf(into: string | undefined): string | undefined {
  if (into === undefined) return undefined
  const name = into.replace(/\/+$/, '')
  if (name === '') throw new CommandFault('"/" is not a mailbox: name one, as Restored/2026-02-01')
  return name
}
