/**
 * The control commands of a store, each declared once. They run in the owner of the data folder: the server if one
 * runs, else the command itself (owner.ts). JSON in, JSON out; long lists come in pages by key. docs/architecture.md
 * §2.
 */
import { running } from '../base/running.ts'
import type { Log } from '../base/log.ts'
import { listenControl, type ControlListener } from '../platform/real/control-socket.ts'
import { StoreFault, StoreRefusal } from '../store/store.ts'
import { accountCommands } from './control-accounts.ts'
import { appPasswordCommands } from './control-app-passwords.ts'
import { argumentFault, type Command, type ControlTools } from './control-command.ts'
import { mailboxCommands } from './control-mailboxes.ts'
import { quarantineCommands } from './control-quarantine.ts'
import { queueCommands } from './control-queue.ts'
import { sessionCommands } from './control-sessions.ts'
import { storeCommands } from './control-store.ts'
import { tlsCommands } from './control-tls.ts'
import { CommandRefusal } from './provision.ts'

export type { ControlTools } from './control-command.ts'

/** All commands, by their names in the protocol. */
export const controlCommands = {
  ...accountCommands,
  ...appPasswordCommands,
  ...mailboxCommands,
  ...quarantineCommands,
  ...queueCommands,
  ...sessionCommands,
  ...storeCommands,
  ...tlsCommands,
}

export type ControlCommands = typeof controlCommands
export type ControlName = keyof ControlCommands
export type ArgumentsOf<Name extends ControlName> = Parameters<ControlCommands[Name]['run']>[1]
export type AnswerOf<Name extends ControlName> = Awaited<ReturnType<ControlCommands[Name]['run']>>

/** Why a command was not done; `text` is a sentence for the user. */
export interface ControlFault {
  readonly code: string
  readonly text: string
}

export type ControlAnswer = { readonly result: unknown } | { readonly error: ControlFault }

/** Runs one command. Never throws: errors are part of the answer. */
export async function runControl(tools: ControlTools, name: string, given: unknown, log?: Log): Promise<ControlAnswer> {
  if (!Object.hasOwn(controlCommands, name)) {
    return {
      error: {
        code: 'noSuchCommand',
        text: `The running server does not know the command ${name}, since it is another version: restart it with this one`,
      },
    }
  }
  const command = controlCommands[name as ControlName] as Command<never, unknown>
  const fault = argumentFault(command.arguments, given)
  if (fault !== undefined) return { error: { code: 'badArguments', text: `${name}: ${fault}` } }
  running(`command ${name}`)
  try {
    return { result: (await command.run(tools, given as never)) ?? null }
  } catch (error) {
    if (error instanceof StoreRefusal || error instanceof CommandRefusal)
      return { error: { code: error.code, text: error.message } }
    if (error instanceof StoreFault)
      return { error: { code: error.full ? 'storeFull' : 'storeFault', text: error.message } }
    log?.error('control command failed', { command: name, error: (error as Error).stack ?? String(error) })
    return {
      error: {
        code: 'serverBug',
        text: `${name} failed with an internal error (${String(error)}): see the server's log`,
      },
    }
  }
}

/**
 * Answers commands on `control.sock` in the data folder until it is closed. Only for the folder's owner: it removes the
 * socket of an earlier owner.
 */
export function serveControl(
  tools: ControlTools,
  options: { readonly dataFolder: string; readonly log: Log },
): Promise<ControlListener> {
  return listenControl(options.dataFolder, async (line) => {
    let request: { id?: unknown; command?: unknown; args?: unknown }
    try {
      request = JSON.parse(line) as typeof request
    } catch {
      return JSON.stringify({
        id: null,
        error: { code: 'badRequest', text: 'This is not JSON' } satisfies ControlFault,
      })
    }
    const { id = null, command, args = {} } = request ?? {}
    const answer = await runControl(tools, String(command), args, options.log)
    return JSON.stringify({ id, ...answer })
  })
}
