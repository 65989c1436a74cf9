/** The command `pennypost`: its subcommands, and how errors are printed. Exit status 0: done, 1: failed, 2: wrong usage. */
import { Command, CommanderError } from 'commander'
import { Interrupted, type Terminal } from '../platform/real/terminal.ts'
import { account } from './account.ts'
import { alias } from './alias.ts'
import { appPassword } from './app-password.ts'
import { backup } from './backup.ts'
import { completion } from './completion.ts'
import { config } from './config.ts'
import { CommandFault, examples, UsageFault } from './context.ts'
import { check } from './dns.ts'
import { domain } from './domain.ts'
import { mailbox } from './mailbox.ts'
import { lost, quarantine } from './quarantine.ts'
import { queue } from './queue.ts'
import { quickstart } from './quickstart.ts'
import { reindex } from './reindex.ts'
import { restore } from './restore.ts'
import { route } from './route.ts'
import { salvage } from './salvage.ts'
import { send } from './send.ts'
import { serve } from './serve.ts'
import { session } from './session.ts'
import { sieve } from './sieve.ts'
import { trace } from './trace.ts'
import { verify } from './verify.ts'
import { version } from './version.ts'

/** In the order of the help. Heavy modules are loaded by the actions that need them. */
const subcommands = [
  serve,
  quickstart,
  config,
  domain,
  check,
  account,
  appPassword,
  alias,
  mailbox,
  session,
  queue,
  route,
  trace,
  send,
  sieve,
  backup,
  restore,
  verify,
  reindex,
  quarantine,
  lost,
  salvage,
  completion,
  version,
]

/** Errors whose text is a complete sentence for the user. */
const plainFaults = new Set(['ConfigError', 'CommandRefusal', 'OwnedElsewhere', 'StoreFault', 'StoreRefusal'])

export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('pennypost')
    .description('Pennypost: a complete mail server in one program.')
    .showSuggestionAfterError()
    .helpCommand(true)
  examples(
    program,
    'pennypost serve                                  run the mail server with default settings',
    'pennypost quickstart example.org                 a mail server on the internet: configuration, account, DNS',
    'pennypost config sample > pennypost.toml         a configuration to edit',
    'pennypost account add alice@example.org          asks for the password',
    'pennypost trace alice@example.org                what happened to her mail',
  )
  let status = 0
  for (const add of subcommands) add(program, terminal, (failed) => (status = failed))
  quietly(program, terminal)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return status
  } catch (error) {
    const json = args.includes('--json')
    if (error instanceof CommanderError) {
      // Help that was asked for, and the version, end a parse as well.
      if (error.exitCode === 0) return 0
      if (json) tellJson(error.message.replace(/^error: /, ''), 2, terminal)
      return 2
    }
    return tell(error, json, terminal)
  }
}

/** Makes Commander throw instead of exiting, and write to our terminal; set on each command, since it is not inherited. */
function quietly(command: Command, terminal: Terminal): void {
  command.exitOverride()
  command.configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.note(text) })
  for (const below of command.commands) quietly(below, terminal)
}

/** With --json an error is JSON too; the sentence is on standard error as well. */
function tellJson(sentence: string, status: number, terminal: Terminal): void {
  terminal.out(`${JSON.stringify({ error: sentence, status })}\n`)
}

function tell(error: unknown, json: boolean, terminal: Terminal): number {
  if (terminal.environment['PENNYPOST_DEBUG'] === '1') terminal.note(`${(error as Error).stack ?? String(error)}\n`)
  if (error instanceof Interrupted) return 130
  const { name, message } = error as Error
  const known = error instanceof UsageFault || error instanceof CommandFault || plainFaults.has(name)
  const sentence = known ? message : `Internal error: ${message}; PENNYPOST_DEBUG=1 shows the stack`
  const whole = /[.?]$/.test(sentence) ? sentence : `${sentence}.`
  const status = error instanceof UsageFault ? 2 : 1
  terminal.note(`${whole}\n`)
  if (json) tellJson(whole, status, terminal)
  return status
}
