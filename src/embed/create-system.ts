/** Starts the whole system in this process, for programs that embed it and for their tests. */
import { silentLog, type Log } from '../base/log.ts'
import type { Config } from '../config/config.ts'
import { SmtpServer } from '../library/smtp/server.ts'
import { addDomains } from '../system/start.ts'
import { realPlatform, startSystem, type Platform } from '../system.ts'
import { checkCreateOptions, readSystemConfig, type CreateSystemOptions, type SystemConfig } from './options.ts'
import { RunningSystem } from './running-system.ts'

/**
 * Starts SMTP, submission, LMTP, IMAP, POP3 and HTTP, with their store.
 *
 * Without a configuration all is in memory, each service listens on a free port of 127.0.0.1 and takes passwords in clear, and there
 * are no domains and no accounts but those of `options`. With `data` in the configuration the store is a folder, which one process at a
 * time may own.
 *
 * Rejects with a TypeError for an option that there is not, a ConfigError that tells all that is wrong with the configuration, and with
 * what sockets and files reject with (EADDRINUSE, EACCES). Where it rejects, nothing is left running.
 */
export async function createSystem(
  config: SystemConfig = {},
  options: CreateSystemOptions = {},
): Promise<RunningSystem> {
  checkCreateOptions(config, options)
  const sink = options.outgoing && new SmtpServer({ onMessage: (message) => options.outgoing!(message) })
  try {
    const bound = await sink?.listen(0)
    const read = await readSystemConfig(config, bound?.port)
    // Domains are made behind the start: there they would be given an account with a password that is to be shown.
    const system = await startSystem({ ...read, domains: [] }, platformFor(read, options.log ?? silentLog))
    const running = new RunningSystem(system, sink)
    try {
      await addDomains(read, system.store)
      for (const [address, password] of Object.entries(options.accounts ?? {}))
        await running.ensureAccount(address, password)
    } catch (error) {
      await running.stop()
      throw error
    }
    return running
  } catch (error) {
    await sink?.close({ graceMs: 0 })
    throw error
  }
}

function platformFor(config: Config, log: Log): Platform {
  const platform = realPlatform(config, log)
  return {
    ...platform,
    openTls: (first, names) => platform.openTls(first, [...new Set([...names, ...config.domains])]),
  }
}
