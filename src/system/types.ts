/** The interface of a running system for commands. */
import type { Config, Service } from '../config/config.ts'
import type { Store } from '../store/store.ts'

export interface Listening {
  readonly service: Service
  readonly address: string
  readonly port: number
}

/** The account created by the first start; its password is shown only once. */
export interface FirstAccount {
  readonly name: string
  readonly password: string
}

export interface System {
  /** The current configuration. */
  readonly config: Config
  readonly store: Store
  readonly listening: readonly Listening[]
  readonly firstAccount: FirstAccount | undefined
  /**
   * Applies another configuration, and reloads certificates; connections stay open. If a part cannot be used, throws
   * and keeps what it can of the old configuration. @returns the keys that take effect at the next start only.
   */
  reload(config: Config): Promise<readonly string[]>
  /**
   * Accepts nothing more, ends sessions, waits for work under way and closes the store; within `shutdownGraceMs`, even
   * if a part hangs.
   * @returns the parts that failed or did not end: if there are any, the process must exit.
   */
  stop(): Promise<readonly string[]>
  /** Resolves with the reason when the system must stop because the store failed. */
  readonly ended: Promise<Error | undefined>
}
