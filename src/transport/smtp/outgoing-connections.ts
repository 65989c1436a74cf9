/** Tracks the open connections of transfers, so that a shutdown can cut them: a silent host must not block it. */
import type { Connection, Network } from '../../base/network.ts'

export class OutgoingConnections {
  readonly #network: Network
  readonly #open = new Set<Connection>()
  /** Callers waiting for a connection. */
  readonly #waiting = new Set<(error: Error) => void>()
  #cut = false

  constructor(network: Network) {
    this.#network = network
  }

  readonly network: Network = {
    listen: (...all) => this.#network.listen(...all),
    connect: (options) => this.#connect(options),
  }

  async #connect(options: Parameters<Network['connect']>[0]): Promise<Connection> {
    if (this.#cut) throw stopping()
    const made = this.#network.connect(options).then((connection) => this.#watched(connection))
    let given!: (error: Error) => void
    const cut = new Promise<never>((_, reject) => this.#waiting.add((given = reject)))
    return Promise.race([made, cut]).finally(() => this.#waiting.delete(given))
  }

  #watched(connection: Connection): Connection {
    if (this.#cut) {
      connection.destroy()
      throw stopping()
    }
    this.#open.add(connection)
    const receive = connection.receive.bind(connection)
    connection.receive = (handler) =>
      receive({
        data: (chunk) => handler.data(chunk),
        drain: () => handler.drain(),
        end: () => handler.end(),
        close: (error) => {
          this.#open.delete(connection)
          handler.close(error)
        },
      })
    return connection
  }

  /** Closes all of them now, and all later ones. */
  cut(): void {
    this.#cut = true
    for (const refuse of this.#waiting) refuse(stopping())
    for (const connection of this.#open) connection.destroy()
  }
}

function stopping(): Error {
  return new Error('we are shutting down')
}
