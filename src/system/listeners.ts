/** The open listeners, adjusted to the configuration at start and at each reload. */
import type { Log } from '../base/log.ts'
import type { Listener } from '../base/network.ts'
import type { Service } from '../config/config.ts'
import type { Listening } from './types.ts'

/** A listener to be opened. */
export interface Wanted {
  readonly service: Service | 'sendmail'
  readonly address: string
  readonly port: number
  /** If these change, the listener is opened again. */
  readonly facts: string
  open(): Promise<Listener>
}

interface Open {
  readonly wanted: Wanted
  readonly bound: Listener
}

export class Listeners {
  readonly #open = new Map<string, Open>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** With their actual ports. */
  get listening(): Listening[] {
    return [...this.#open.values()].flatMap(({ wanted: { service }, bound: { address, port } }) =>
      service === 'sendmail' ? [] : [{ service, address, port }],
    )
  }

  /**
   * Closes listeners no longer wanted, then opens missing ones; connections stay open. A listener that cannot be opened
   * does not stop the others; throws the first such error.
   */
  async apply(wanted: readonly Wanted[]): Promise<void> {
    const byKey = new Map(wanted.map((one, i) => [`${one.service} ${one.address} ${one.port || `any${i}`}`, one]))
    for (const [key, { wanted: had, bound }] of this.#open) {
      if (byKey.get(key)?.facts === had.facts) continue
      this.#open.delete(key)
      // Not awaited: it ends with its last connection, and its port is free at once.
      void bound.close()
      this.#log.info('listener closed', { service: had.service, address: bound.address, port: bound.port })
    }
    const faults: unknown[] = []
    for (const [key, one] of byKey) {
      if (this.#open.has(key)) continue
      try {
        const bound = await one.open()
        this.#open.set(key, { wanted: one, bound })
      } catch (error) {
        faults.push(error)
      }
    }
    if (faults.length > 0) throw faults[0]
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()].map(({ bound }) => bound.close())
    this.#open.clear()
    await Promise.all(all)
  }
}
