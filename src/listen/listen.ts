/**
 * Accepts connections: listens, admits or refuses, starts a session and a driver for each, and ends them at shutdown.
 */
import type { Live } from '../base/live.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Counter } from '../base/metrics.ts'
import type { Connection, Listener, Network, TlsServer } from '../base/network.ts'
import type { Wheel } from '../base/wheel.ts'
import type { Session } from '../protocol/action.ts'
import { Driver } from '../protocol/drive.ts'
import { Admission, type AdmissionLimits } from './admission.ts'
import type { OpenSession, Sessions } from '../access/sessions.ts'

export interface DeskTools {
  readonly network: Network
  readonly clock: Clock
  readonly wheel: Wheel
  readonly log: Log
  readonly limits: Live<AdmissionLimits>
  /** Informed of each sign-in. */
  readonly sessions?: Pick<Sessions, 'add' | 'remove'>
}

/** A listener of one service. */
export interface ServiceListener {
  readonly service: string
  readonly address: string
  readonly port: number
  /** TLS handshake before the first byte. */
  readonly implicitTls: boolean
  readonly tls: TlsServer | undefined
  session(connectionId: string): Session
  /** Sent to refused connections. */
  readonly busy: Uint8Array
  /** Whether connections from an address begin with a PROXY header. */
  readonly proxied?: (address: string) => boolean
  /** The network to listen on, if not the system's. */
  readonly network?: Network
}

export class Acceptor {
  readonly #tools: DeskTools
  readonly #drivers = new Set<Driver>()
  /** Open connections by service. */
  readonly #open = new Map<string, number>()
  readonly figures = {
    connections: new Counter('pennypost_connections_accepted', 'Connections accepted.', 'service'),
    turnedAway: new Counter(
      'pennypost_connections_refused',
      'Connections beyond the limits, or while stopping.',
      'service',
    ),
  }
  readonly #admission: Admission
  readonly #listeners = new Set<Listener>()
  #connections = 0
  #stopping = false
  #emptied: (() => void) | undefined

  constructor(tools: DeskTools) {
    this.#tools = tools
    this.#admission = new Admission(tools.limits, tools.clock)
  }

  get connections(): number {
    return this.#drivers.size
  }

  /** Open connections by service. */
  connectionsBy(): ReadonlyMap<string, number> {
    return this.#open
  }

  /**
   * Admits a connection of a listener without a driver (http). @returns a function to call when it ends; undefined if
   * it is refused.
   */
  admit(address: string): (() => void) | undefined {
    return this.#stopping ? undefined : this.#admission.admitWatcher(address)
  }

  async open(wanted: ServiceListener): Promise<Listener> {
    const { log } = this.#tools
    const network = wanted.network ?? this.#tools.network
    const listener = await network.listen(
      {
        address: wanted.address,
        port: wanted.port,
        tls: wanted.implicitTls ? wanted.tls : undefined,
        proxied: wanted.proxied,
      },
      (connection) => this.#connected(wanted, connection),
      (peer, error) =>
        log.info('connection failed', { service: wanted.service, peer: peer?.address, error: error.message }),
    )
    this.#listeners.add(listener)
    return {
      ...listener,
      close: () => {
        this.#listeners.delete(listener)
        return listener.close()
      },
    }
  }

  #connected(wanted: ServiceListener, connection: Connection): void {
    const leave = this.#stopping ? undefined : this.#admission.admit(connection.peer.address)
    const { service } = wanted
    if (!leave) {
      this.figures.turnedAway.of(service).value++
      connection.write(wanted.busy)
      connection.end()
      return
    }
    const { clock, wheel, log, sessions } = this.#tools
    const id = (++this.#connections).toString(36)
    this.figures.connections.of(service).value++
    this.#open.set(service, (this.#open.get(service) ?? 0) + 1)
    const driver: Driver = new Driver(connection, wanted.session(id), {
      clock,
      wheel,
      log,
      tls: wanted.tls,
      facts: { connection: id, service },
      onSignIn: (user) => {
        if (!sessions) return
        sessions.remove(id)
        if (user) sessions.add(this.#openSession(id, wanted.service, driver, user))
      },
      onClose: () => {
        leave()
        sessions?.remove(id)
        this.#drivers.delete(driver)
        this.#open.set(service, this.#open.get(service)! - 1)
        if (this.#drivers.size === 0) this.#emptied?.()
      },
    })
    this.#drivers.add(driver)
  }

  #openSession(id: string, service: string, driver: Driver, user: OpenSession['user']): OpenSession {
    const { address } = driver.peer
    return { id, service, address, user, close: () => driver.shutdown(), destroy: () => driver.destroy() }
  }

  /** Accepts no new connections; each session ends at its next idle moment; those left after `graceMs` are cut. */
  async close(graceMs: number): Promise<void> {
    this.#stopping = true
    for (const listener of this.#listeners) void listener.close()
    for (const driver of this.#drivers) driver.shutdown()
    if (this.#drivers.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = this.#tools.clock.after(graceMs, () => {
        for (const driver of this.#drivers) driver.destroy()
        resolve()
      })
      this.#emptied = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}
