/** Commands for the whole store: backup, restore and reindex. Each is a job (jobs.ts). */
import { command } from './control-command.ts'
import { jobsOf } from './jobs.ts'
import { accountName, CommandRefusal } from './provision.ts'
import { restoreInto } from './restore-into.ts'

/**
 * Files of a system beside its store: without `tls/` a restored system would have another certificate.
 * Traces are not included: they only explain, they expire, and may be larger than the mail.
 */
const alsoBackedUp = ['tls', 'quarantine']

export function absolute(folder: string): string {
  if (!folder.startsWith('/') && !/^[A-Za-z]:[\\/]/.test(folder))
    throw new CommandRefusal(
      'badArguments',
      `"${folder}" is not an absolute path, and the server runs in another folder`,
    )
  return folder
}

export const storeCommands = {
  backupStart: command({ folder: 'text' }, ({ store }, args) => {
    const folder = absolute(args.folder)
    const job = jobsOf(store).start('backup', (progress) =>
      store.backup(folder, { also: alsoBackedUp, progress: (bytes) => progress('bytes', bytes) }),
    )
    return { job }
  }),

  /** Restores one account, or one message of it, into the running system. */
  restoreStart: command(
    { folder: 'text', account: 'text', into: 'text?', message: 'text?' },
    ({ store, clock }, { folder, account, into, message }) => {
      const request = { folder: absolute(folder), account: accountName(account), into, message }
      return { job: jobsOf(store).start('restore', (progress) => restoreInto({ store, clock }, request, progress)) }
    },
  ),

  reindexStart: command({ account: 'text?' }, async ({ store, clock }, args) => {
    const account = args.account === undefined ? undefined : await store.read.account(accountName(args.account))
    if (args.account !== undefined && !account) {
      throw new CommandRefusal(
        'noSuchAccount',
        `There is no account ${args.account}: "pennypost account list" lists them`,
      )
    }
    const total = account?.usedMessages ?? (await store.read.counts()).messages
    const job = jobsOf(store).start('reindex', async (progress) => {
      const began = clock.monotonic()
      const options = { account: account?.id, progress: (messages: number) => progress('messages', messages, total) }
      const report = await store.reindex(options)
      return { ...report, ms: Math.round(clock.monotonic() - began) }
    })
    return { job }
  }),

  jobState: command({ job: 'count' }, ({ store }, { job }) => jobsOf(store).state(job)),
}
