/** `pennypost serve`: runs the whole system until it is stopped. */
import { dirname } from 'node:path'
import { sleep } from '../base/clock.ts'
import type { Config } from '../config/config.ts'
import { realClock } from '../platform/real/clock.ts'
import { releaseHeldPorts } from '../platform/real/held-ports.ts'
import { tellLastFault } from '../platform/real/last-net.ts'
import { logFile } from '../platform/real/log-file.ts'
import { logTo, type GatheringLog, type LogOptions } from '../platform/real/log.ts'
import type { Terminal } from '../platform/real/terminal.ts'
import { closeToOthers } from '../platform/real/private-folder.ts'
import { becomeUser, isRoot, type Folder } from '../platform/real/privileges.ts'
import { notifyServiceManager } from '../platform/real/service-manager.ts'
import type { System } from '../system/types.ts'
import { CommandFault, configOf, examples, placeOptions, type PlaceOptions } from './context.ts'
import { fileFaultWords } from './fault-words.ts'
import type { Subcommand } from './subcommand.ts'
import { tryLines } from './try-lines.ts'

/** How long to wait for the log to close: its disk may hang. */
const logCloseMs = 500

export const serve: Subcommand = (program, terminal, fail) => {
  examples(
    placeOptions(program.command('serve').description('run the mail server until Ctrl-C or SIGTERM')),
    'pennypost serve',
    'pennypost serve --config /etc/pennypost.toml',
    'pennypost serve --data /var/lib/pennypost',
  ).action((options: PlaceOptions) => serveUntilStopped(options, terminal, fail))
}

async function serveUntilStopped(
  options: PlaceOptions,
  terminal: Terminal,
  fail: (status: number) => void,
): Promise<void> {
  // Side by side: the configuration needs its parser, the system its rooms.
  const [config, { realPlatform, startSystem }] = await Promise.all([configOf(options), import('../system.ts')])
  const file = logFile(config.log.file, { write: (line) => terminal.note(line) })
  const logging = { now: logOptionsOf(config, terminal.isPerson) }
  const log = logTo(file, logging)
  tellLastFault((error) => {
    log.error('uncaught exception', { error: (error as Error)?.stack ?? String(error) })
    if (config.log.file !== undefined) terminal.note(`Pennypost stopped after an error: ${String(error)}.\n`)
    return file.close()
  })
  const begin = async (): Promise<System> => {
    await leaveRoot(config, log)
    return startSystem(config, realPlatform(config, log))
  }
  const system = await begin().catch((error: unknown) => {
    // Ports that were bound as root would keep a process alive that serves nothing.
    releaseHeldPorts()
    throw startFault(error, config)
  })
  // Before the listeners are announced: a reader of that line may stop the process at once.
  const ignored = onSignals({ options, terminal, log, system }, (next) => {
    logging.now = logOptionsOf(next, terminal.isPerson)
    file.reopen(next.log.file)
  })
  await announce(config, terminal, log, system)
  const broken = await system.ended
  const left = await system.stop()
  for (const ignore of ignored) ignore()
  if (broken) {
    terminal.note(`Pennypost stopped after an error: ${broken.message}.\n`)
    fail(1)
  } else log.info('stopped', left.length === 0 ? {} : { without: left.join(', ') })
  log.flush()
  await Promise.race([file.close(), sleep(realClock, logCloseMs)])
  // A part that did not end would hold the process.
  if (left.length > 0) terminal.exit(broken ? 1 : 0)
}

/** Binds the ports and becomes the configured user, when root has started the process. */
async function leaveRoot(config: Config, log: GatheringLog): Promise<void> {
  if (config.user === undefined || !isRoot()) return
  const { listeners } = config
  await becomeUser(config.user, config.group, { listeners, folders: foldersOf(config) })
  log.info('user changed', { user: config.user })
}

interface Serving {
  readonly options: PlaceOptions
  readonly terminal: Terminal
  readonly log: GatheringLog
  readonly system: System
}

/** SIGINT and SIGTERM stop, SIGHUP reloads. @param reloading takes over what the log is told. @returns what ends each of them. */
function onSignals({ options, terminal, log, system }: Serving, reloading: (next: Config) => void): (() => void)[] {
  const { environment } = terminal
  let stopping = false
  const stop = (): void => {
    // Asked a second time, it does not wait.
    if (stopping) {
      log.flush()
      return terminal.exit(130)
    }
    stopping = true
    log.info('stopping')
    void notifyServiceManager(environment, 'STOPPING=1')
    void system.stop()
  }
  const reload = async (): Promise<void> => {
    try {
      await notifyServiceManager(environment, 'RELOADING=1')
      const next = await configOf(options)
      reloading(next)
      const later = await system.reload(next)
      log.info('configuration and certificates reloaded', later.length === 0 ? {} : { nextStart: later.join(' ') })
    } catch (error) {
      log.error('reload failed; keeping the previous configuration', { error: (error as Error).message })
    }
    void notifyServiceManager(environment, 'READY=1')
  }
  return [
    terminal.onSignal('SIGINT', stop),
    terminal.onSignal('SIGTERM', stop),
    terminal.onSignal('SIGHUP', () => void reload()),
  ]
}

/** Where it listens, how to try it, and the password of the first account: shown once. */
async function announce(config: Config, terminal: Terminal, log: GatheringLog, system: System): Promise<void> {
  const openMode = config.data === ':memory:' ? undefined : closeToOthers(config.data)
  if (openMode !== undefined)
    log.warn('data folder is accessible to other users; use chmod 700', { folder: config.data, mode: openMode })
  for (const { service, address, port } of system.listening) log.info('listening', { service, address, port })
  if (terminal.isPerson) terminal.note(await tryLines(system))
  if (system.firstAccount) {
    const { name, password } = system.firstAccount
    terminal.out(`First account: ${name}\nIts password:  ${password}\n`)
    if (terminal.isPerson)
      terminal.note(`It is shown only once; "pennypost account password ${name}" sets a new one.\n`)
  }
  void notifyServiceManager(terminal.environment, 'READY=1', `STATUS=listening at ${system.listening.length} addresses`)
}

/** Folders that the service's user needs: its data, and that of a socket open to all users. */
function foldersOf({ data, submitSocket }: Config): Folder[] {
  if (data === ':memory:') return []
  const beside = dirname(submitSocket)
  return [{ path: data, mode: 0o700 }, ...(beside === data ? [] : [{ path: beside, mode: 0o755 } as const])]
}

function logOptionsOf({ log }: Config, isPerson: boolean): LogOptions {
  const readable = log.format === 'text' || (log.format === 'auto' && isPerson && log.file === undefined)
  return { readable, level: log.level }
}

/** A failed start as a sentence that says what to do. */
function startFault(error: unknown, config: Config): unknown {
  const { name, code, message, address, port } = error as Error & { code?: string; address?: string; port?: number }
  if (name === 'OwnedElsewhere')
    return new CommandFault(`${message}: stop that process first, or use another folder with --data`)
  const place = address === undefined ? 'one of its addresses' : `${address}${port === undefined ? '' : `:${port}`}`
  switch (code) {
    case 'EADDRINUSE':
      return new CommandFault(
        `${place} is already in use by another program: stop that program, or change the listener's address in the configuration`,
      )
    case 'EADDRNOTAVAIL':
      return new CommandFault(`${place} is not an address of this machine: correct the listener in the configuration`)
    case 'EACCES':
      if (port !== undefined && port > 0) {
        return new CommandFault(
          `${place} needs more rights, like all ports below 1024: let the service manager grant them (AmbientCapabilities=CAP_NET_BIND_SERVICE), or use another port`,
        )
      }
      break
    case 'ERR_UNKNOWN_CREDENTIAL':
      return new CommandFault(
        `There is no such user: ${message}. Create it with "useradd --system ${config.user}", or name another in the configuration`,
      )
  }
  const words = fileFaultWords(error, config.data)
  return words === undefined ? error : new CommandFault(words)
}
