/** A process that can crash: from one moment on nothing of it runs, writes or hears any more. Its store is what outlives it. */
import type { Clock } from '../../src/base/clock.ts'
import type { Log } from '../../src/base/log.ts'
import type { Connection, Listener, Network } from '../../src/base/network.ts'
import type { Store } from '../../src/store/store.ts'
import type { Platform } from '../../src/system.ts'

/** What a dead process waits for. */
const never = new Promise<never>(() => {})

export class Process {
  #alive = true
  readonly #connections: Connection[] = []
  readonly #listeners: Listener[] = []

  /** What it had sent arrives; then its peers find their connections reset, as the kernel does it for a process that is gone. */
  crash(): void {
    this.#alive = false
    for (const listener of this.#listeners) void listener.close()
    for (const connection of this.#connections) connection.destroy()
  }

  /** The machine as this process sees it. */
  within(platform: Platform): Platform {
    const { clock, network, log } = platform
    return { ...platform, clock: this.#clock(clock), network: this.#network(network), log: this.#log(log) }
  }

  #guard<A extends readonly unknown[]>(run: (...given: A) => void): (...given: A) => void {
    return (...given) => {
      if (this.#alive) run(...given)
    }
  }

  #clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, run) => clock.after(delayMs, this.#guard(run)),
      soon: (run) => clock.soon(this.#guard(run)),
    }
  }

  #log(log: Log): Log {
    const { debug, info, warn, error } = log
    return { debug: this.#guard(debug), info: this.#guard(info), warn: this.#guard(warn), error: this.#guard(error) }
  }

  #network(network: Network): Network {
    const mine = (connection: Connection): boolean => {
      this.#connections.push(connection)
      if (!this.#alive) connection.destroy()
      return this.#alive
    }
    return {
      listen: async (options, connected, failed) => {
        const listener = await network.listen(
          options,
          (connection) => mine(connection) && connected(connection),
          failed,
        )
        this.#listeners.push(listener)
        return listener
      },
      connect: async (options) => {
        if (!this.#alive) return never
        const connection = await network.connect(options)
        return mine(connection) ? connection : never
      },
    }
  }

  /** Commits under way when it crashes are done or not, as it happens; nobody is left to hear of it. */
  store(store: Store): Store {
    const whileAlive = async <T>(begin: () => Promise<T>): Promise<T> => {
      if (!this.#alive) return never
      try {
        const result = await begin()
        return this.#alive ? result : never
      } catch (error) {
        if (this.#alive) throw error
        return never
      }
    }
    return {
      read: store.read,
      commit: (operations, options) => whileAlive(() => store.commit(operations, options)),
      sink: () => store.sink(),
      listen: (listener) => store.listen(this.#guard(listener)),
      state: () => store.state(),
      lost: () => store.lost(),
      dropLost: () => store.dropLost(),
      quarantine: store.quarantine,
      sweep: (nowMs) => whileAlive(() => store.sweep(nowMs)),
      backup: (folder) => whileAlive(() => store.backup(folder)),
      reindex: (options) => whileAlive(() => store.reindex(options)),
      close: () => whileAlive(() => store.close()),
    }
  }
}
