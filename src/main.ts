/** The doorway: the process's arguments and terminal to the command line, or to sendmail where it was called by one of its names. */
import { basename } from 'node:path'
import { endProcess, spreadLastNet } from './platform/real/last-net.ts'
import { processTerminal } from './platform/real/terminal.ts'

spreadLastNet()
// Mail, hashes and keys are for the user that runs us, whatever the folder they lie in allows.
process.umask(0o077)
const terminal = processTerminal()
const [, program = '', ...args] = process.argv
const names = ['sendmail', 'mailq', 'newaliases']
const called = basename(program)
const traditional = names.includes(called) ? called : names.find((name) => name === args[0])

if (traditional === undefined) {
  const { runCli } = await import('./cli/cli.ts')
  endProcess(await runCli(args, terminal))
} else {
  const { runSendmail } = await import('./cli/sendmail/sendmail.ts')
  endProcess(await runSendmail(traditional, traditional === called ? args : args.slice(1), terminal))
}
