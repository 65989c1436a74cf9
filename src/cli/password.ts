/**
 * How a command gets a new password: from a prompt, from stdin, or generated. Never from arguments, which all users of the machine can see.
 */
import type { Command } from 'commander'
import type { Terminal } from '../platform/real/terminal.ts'
import { CommandFault, UsageFault } from './context.ts'

export interface PasswordOptions {
  readonly passwordStdin?: boolean
  readonly generate?: boolean
}

export function passwordOptions(command: Command): Command {
  return command
    .option('--password-stdin', 'read the password from the first line of standard input')
    .option('--generate', 'generate a password and print it once')
}

export interface NewPassword {
  readonly password: string
  /** Generated, and so to be printed. */
  readonly generated: boolean
}

export async function newPassword(terminal: Terminal, options: PasswordOptions): Promise<NewPassword> {
  if (options.passwordStdin && options.generate) throw new UsageFault('Use either --password-stdin or --generate')
  if (options.generate) {
    const [{ easyPassword }, { realRandom }] = await Promise.all([
      import('../directory/password.ts'),
      import('../platform/real/random.ts'),
    ])
    return { password: easyPassword(realRandom.bytes(16)), generated: true }
  }
  if (options.passwordStdin) {
    const password = await terminal.readLine()
    if (password === '') throw new CommandFault('No password on standard input: the first line is read as the password')
    return { password, generated: false }
  }
  const password = await terminal.readSecret('Password: ')
  if (password === undefined) {
    throw new UsageFault(
      'stdin is not a terminal, so there is no way to ask for the password: use --password-stdin or --generate',
    )
  }
  if ((await terminal.readSecret('Repeat password: ')) !== password)
    throw new CommandFault('The passwords differ; nothing was changed')
  return { password, generated: false }
}
