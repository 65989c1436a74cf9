/** Starts the whole system in this process, for programs that embed it and for their tests. */
import { silentLog, type Log } from '../base/log.ts'
import type { Config } from '../config/config.ts'
import { SmtpServer } from '../library/smtp/server.ts'
import { addDomains } from '../system/start.ts'
import { realPlatform, startSystem, type Platform } from '../system.ts'
import { checkCreateOptions, readSystemConfig, type CreateSystemOptions, type SystemConfig } from './options.ts'
import { RunningSystem } from './running-system.ts'

/**
 * Starts SMTP, submission, LMTP, IMAP, POP3 and HTTP, with a store.
 *
 * Without a configuration everything is in memory, each service listens on a free port of 127.0.0.1 and allows passwords in clear, and
 * the only domains and accounts are those of `options`. With `data` in the configuration the store is a folder, which only one process
 * at a time may own.
 *
 * Rejects with a TypeError for an unknown option, a ConfigError that lists every fault of the configuration, and with the errors of
 * sockets and files (EADDRINUSE, EACCES). After a rejection nothing is left running.
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
    // Domains are created after the start, which would give each an account with a generated password and print it.
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
