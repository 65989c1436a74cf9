/**
 * Reaches the owner of a data folder: the server through its socket, else by owning the folder for the time of a
 * command.
 */
import { join } from 'node:path'
import { sleep } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { realClock } from '../platform/real/clock.ts'
import { connectControl } from '../platform/real/control-socket.ts'
import { realFiles } from '../platform/real/files.ts'
import { actAsOwnerOf, giveFolders, isRoot } from '../platform/real/privileges.ts'
import { OwnedElsewhere } from '../store/owner.ts'
import type { AnswerOf, ArgumentsOf, ControlAnswer, ControlName } from './control.ts'
import { CommandRefusal } from './provision.ts'

/** Runs commands on a data folder. */
export interface Owner {
  /** Throws a CommandRefusal if the command was refused or failed. */
  ask<Name extends ControlName>(name: Name, args: ArgumentsOf<Name>): Promise<AnswerOf<Name>>
  close(): Promise<void>
}

/** Wait for the folder: a starting or stopping server owns it without listening, and so does another command. */
const patienceMs = 5000
const pauseMs = 50

export interface OwnerOptions {
  /** Creates a store if missing; otherwise a mistyped path would look like an empty one. */
  readonly create?: boolean
  /** The service's user: it owns what root creates. */
  readonly user?: string
}

export async function openOwner(dataFolder: string, options: OwnerOptions = {}): Promise<Owner> {
  if (!options.create && (await realFiles.sizeBytes(join(dataFolder, 'pennypost.db'))) === undefined) {
    throw new CommandRefusal(
      'noStore',
      `There is no store in ${dataFolder}: name its folder with --data or --config, or create one with "pennypost serve" or "pennypost domain add"`,
    )
  }
  const giveUpAt = realClock.monotonic() + patienceMs
  for (;;) {
    const owner =
      (await throughSocket(dataFolder)) ?? (await byItself(dataFolder, options.user, realClock.monotonic() >= giveUpAt))
    if (owner) return owner
    await sleep(realClock, pauseMs)
  }
}

/** Runs one command, then releases the folder. */
export async function askOwner<Name extends ControlName>(
  dataFolder: string,
  name: Name,
  args: ArgumentsOf<Name>,
  options: OwnerOptions = {},
): Promise<AnswerOf<Name>> {
  const owner = await openOwner(dataFolder, options)
  try {
    return await owner.ask(name, args)
  } finally {
    await owner.close()
  }
}

/** Returns the result, or throws the error. Its type is that of the command table: the callers trust it. */
function unwrap(answer: ControlAnswer): never {
  if ('error' in answer) throw new CommandRefusal(answer.error.code, answer.error.text)
  return answer.result as never
}

async function throughSocket(dataFolder: string): Promise<Owner | undefined> {
  const connection = await connectControl(dataFolder)
  if (!connection) return undefined
  let id = 0
  return {
    ask: async (command, args) =>
      unwrap(JSON.parse(await connection.ask(JSON.stringify({ id: ++id, command, args }))) as ControlAnswer),
    close: async () => connection.close(),
  }
}

/** @returns undefined while another process owns the folder, until it is time to give up. */
async function byItself(dataFolder: string, user: string | undefined, giveUp: boolean): Promise<Owner | undefined> {
  // Loaded only when needed: with a running server, commands need no engine.
  const [{ openStore }, { runControl }] = await Promise.all([
    import('../store/sqlite/engine.ts'),
    import('./control.ts'),
  ])
  if (user !== undefined && isRoot()) giveFolders(user, [{ path: dataFolder, mode: 0o700 }])
  const asBefore = actAsOwnerOf(dataFolder)
  try {
    const store = await openStore({ folder: dataFolder, clock: realClock, log: silentLog })
    return {
      ask: async (command, args) => unwrap(await runControl({ store, clock: realClock }, command, args)),
      close: () => store.close().finally(asBefore),
    }
  } catch (error) {
    asBefore()
    if (!(error instanceof OwnedElsewhere)) throw error
    if (giveUp)
      throw new CommandRefusal(
        'owned',
        `${error.message}, and it does not answer: wait until it has started, or stop it`,
      )
    return undefined
  }
}
