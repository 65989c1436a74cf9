/** What a running system offers to the commands that steer it. */
import type { Store } from './store/store.ts'
import type { Config, Service } from './config/config.ts'

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
  readonly config: Config
  readonly store: Store
  readonly listening: readonly Listening[]
  readonly firstAccount: FirstAccount | undefined
  /** Reads certificates again. Throws, and keeps the old ones, when they cannot be used. */
  reload(): Promise<void>
  /** Stops taking, says goodbye, waits for what is under way within `shutdownGraceMs`, closes the store. */
  stop(): Promise<void>
  /** Resolves with the reason when the system has to stop by itself (the store broke). */
  readonly ended: Promise<Error | undefined>
}
