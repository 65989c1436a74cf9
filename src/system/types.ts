/** What a running system offers to the commands that steer it. */
import type { Config, Service } from '../config/config.ts'
import type { Store } from '../store/store.ts'

export interface Listening {
  readonly service: Service
  readonly address: string
  readonly port: number
}

/** The account that the first start made; its password is shown once and never again. */
export interface FirstAccount {
  readonly name: string
  readonly password: string
}

export interface System {
  /** As it is now. */
  readonly config: Config
  readonly store: Store
  readonly listening: readonly Listening[]
  readonly firstAccount: FirstAccount | undefined
  /**
   * Goes on with another configuration, and reads certificates again; connections live on. Throws, and keeps what it can of the old one,
   * when a part cannot be used. @returns the keys that count at the next start only.
   */
  reload(config: Config): Promise<readonly string[]>
  /**
   * Stops taking, says goodbye, waits for what is under way, closes the store; over within `shutdownGraceMs`, whatever hangs.
   * @returns the parts that failed or did not end: where there are any, the process has to end by itself.
   */
  stop(): Promise<readonly string[]>
  /** Resolves with the reason when the system has to stop by itself (the store broke). */
  readonly ended: Promise<Error | undefined>
}
