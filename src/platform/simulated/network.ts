/** Connections of the simulator: pipes with latency, cut anywhere, lost at any byte. TLS is a pair of marks that nothing may overtake. */
import { createHash } from 'node:crypto'
import type {
  ChannelBindingType,
  Connection,
  ConnectionHandler,
  Listener,
  Network,
  Peer,
  TlsClientOptions,
  TlsFacts,
} from '../../base/network.ts'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'

/** What happens to a connection before it has said a word. */
export type ConnectWeather = 'open' | 'refused' | 'silent'

export interface Weather {
  /** One way, milliseconds. */
  latencyMs(): number
  connect(from: string, to: string): ConnectWeather
  /** The connection is lost after so many bytes, both ways together; Infinity: never. */
  lostAfterBytes(from: string, to: string): number
}

export const fairWeather: Weather = {
  latencyMs: () => 5,
  connect: () => 'open',
  lostAfterBytes: () => Infinity,
}

/** What may be under way before the writer is told to wait. */
const windowBytes = 65_536

type Item =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  | { readonly kind: 'hello'; readonly serverName: string }
  | { readonly kind: 'finished' }

interface Listening {
  readonly connected: (connection: Connection) => void
  readonly failed: ((peer: Peer | null, error: Error) => void) | undefined
  readonly tls: boolean
}

/** One internet: systems reach each other by address. */
export class SimulatedInternet {
  readonly clock: Clock
  readonly random: Random
  weather: Weather
  readonly #listening = new Map<string, Listening>()
  #ports = 30_000

  constructor(clock: Clock, random: Random, weather: Weather = fairWeather) {
    this.clock = clock
    this.random = random
    this.weather = weather
  }

  /** The network as the machine with this address sees it. */
  at(address: string): Network {
    return {
      listen: async (options, connected, failed) => {
        if (options.proxied) throw new Error('no proxies are simulated')
        const port = options.port === 0 ? this.#ports++ : options.port
        const key = `${options.address} ${port}`
        if (this.#listening.has(key)) throw Object.assign(new Error('address in use'), { code: 'EADDRINUSE' })
        this.#listening.set(key, { connected, failed, tls: options.tls !== undefined })
        const close = async (): Promise<void> => void this.#listening.delete(key)
        return { address: options.address, port, close } satisfies Listener
      },
      connect: (options) => this.#connect(options.localAddress ?? address, options),
    }
  }

  #connect(from: string, { address, port, timeoutMs, tls }: Parameters<Network['connect']>[0]): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const weather = this.weather.connect(from, address)
      if (weather === 'silent')
        return void this.clock.after(timeoutMs, () =>
          reject(new Error(`no connection to ${address} within ${timeoutMs} ms`)),
        )
      const latencyMs = this.weather.latencyMs()
      this.clock.after(2 * latencyMs, () => {
        const listening = this.#listening.get(`${address} ${port}`)
        if (!listening || weather === 'refused') return reject(new Error(`connect ECONNREFUSED ${address}:${port}`))
        const localPort = this.#ports++
        const pipe: Pipe = {
          internet: this,
          latencyMs,
          leftBytes: this.weather.lostAfterBytes(from, address),
          lost: false,
          secret: `${from} ${localPort} ${address} ${port}`,
          certificate: address,
        }
        const near = new SimulatedConnection(pipe, { address, port, localAddress: from, localPort })
        const far = new SimulatedConnection(pipe, {
          address: from,
          port: localPort,
          localAddress: address,
          localPort: port,
        })
        near.other = far
        far.other = near
        if (!listening.tls) listening.connected(far)
        else {
          far.startTlsServer().then(
            () => listening.connected(far),
            (error: Error) => listening.failed?.(far.peer, error),
          )
        }
        if (!tls) return resolve(near)
        near.startTlsClient(tls).then(() => resolve(near), reject)
      })
    })
  }
}

interface Pipe {
  readonly internet: SimulatedInternet
  readonly latencyMs: number
  leftBytes: number
  lost: boolean
  /** What a handshake would have made: both ends know it, and no other connection has it. */
  readonly secret: string
  /** Whose certificate the server shows. */
  readonly certificate: string
}

class SimulatedConnection implements Connection {
  readonly peer: Peer
  tls: TlsFacts | null = null
  other!: SimulatedConnection
  readonly #pipe: Pipe
  #handler: ConnectionHandler | undefined
  #arrived: Item[] = []
  #paused = false
  #inFlight = 0
  #full = false
  #lastArrivalMs = 0
  #endSent = false
  #endHeard = false
  #gone = false
  #shaking: { resolve: (facts: TlsFacts) => void; reject: (error: Error) => void; server: boolean } | undefined

  constructor(pipe: Pipe, peer: Peer) {
    this.#pipe = pipe
    this.peer = peer
  }

  receive(handler: ConnectionHandler): void {
    this.#handler = handler
    if (this.#gone) return this.#pipe.internet.clock.soon(() => handler.close())
    this.#pipe.internet.clock.soon(() => this.#handOut())
  }

  write(bytes: Uint8Array): boolean {
    if (this.#gone || this.#endSent) return true
    const { random } = this.#pipe.internet
    for (let at = 0; at < bytes.length;) {
      // Mostly whole, sometimes in crumbs: sessions must not care.
      const size = random.below(4) === 0 ? 1 + random.below(40) : bytes.length
      const piece = Uint8Array.from(bytes.subarray(at, at + size))
      at += size
      this.#pipe.leftBytes -= piece.length
      if (this.#pipe.leftBytes < 0) {
        this.#lose()
        return true
      }
      this.#inFlight += piece.length
      this.#send({ kind: 'bytes', bytes: piece })
    }
    this.#full = this.#inFlight > windowBytes
    return !this.#full
  }

  #send(item: Item): void {
    const { clock } = this.#pipe.internet
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, clock.monotonic() + this.#pipe.latencyMs)
    clock.after(this.#lastArrivalMs - clock.monotonic(), () => this.other.#arrive(item))
  }

  #arrive(item: Item): void {
    if (this.#gone) return
    if (this.#shaking) return this.#shake(item)
    this.#arrived.push(item)
    this.#handOut()
  }

  #handOut(): void {
    while (this.#handler && !this.#paused && !this.#gone && !this.#shaking) {
      const item = this.#arrived.shift()
      if (!item) return
      if (item.kind === 'bytes') {
        this.#handler.data(item.bytes)
        this.other.#taken(item.bytes.length)
      } else if (item.kind === 'end') {
        this.#endHeard = true
        this.#handler.end()
        this.#maybeGone()
      } else {
        // A handshake where none was asked for is garbage.
        this.#handler.data(Uint8Array.of(22, 3, 1))
      }
    }
  }

  #taken(bytes: number): void {
    this.#inFlight -= bytes
    if (!this.#full || this.#inFlight > windowBytes / 2) return
    this.#full = false
    this.#pipe.internet.clock.soon(() => !this.#gone && this.#handler?.drain())
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#pipe.internet.clock.soon(() => this.#handOut())
  }

  end(): void {
    if (this.#endSent || this.#gone) return
    this.#endSent = true
    this.#send({ kind: 'end' })
    // What still comes is read and dropped.
    const ended = this.#arrived.some((item) => item.kind === 'end')
    this.#handler = { data() {}, drain() {}, end() {}, close: this.#handler?.close.bind(this.#handler) ?? (() => {}) }
    this.#paused = false
    if (ended) this.#endHeard = true
    this.#maybeGone()
    this.#pipe.internet.clock.soon(() => this.#handOut())
  }

  #maybeGone(): void {
    if (this.#endSent && this.#endHeard) this.#pipe.internet.clock.soon(() => this.#close())
  }

  destroy(): void {
    if (this.#gone) return
    this.#pipe.internet.clock.after(this.#pipe.latencyMs, () => this.other.#close(new Error('ECONNRESET')))
    this.#close()
  }

  /** Both sides find out at once: whatever was under way is lost. */
  #lose(): void {
    if (this.#pipe.lost) return
    this.#pipe.lost = true
    this.#pipe.internet.clock.soon(() => {
      this.#close(new Error('ECONNRESET'))
      this.other.#close(new Error('ECONNRESET'))
    })
  }

  #close(error?: Error): void {
    if (this.#gone) return
    this.#gone = true
    this.#arrived = []
    this.#shaking?.reject(error ?? new Error('the peer closed during the TLS handshake'))
    this.#shaking = undefined
    this.#handler?.close(error)
  }

  startTlsServer(): Promise<TlsFacts> {
    return this.#startShaking(true)
  }

  async startTlsClient({ serverName, accept }: TlsClientOptions): Promise<TlsFacts> {
    this.#send({ kind: 'hello', serverName })
    const facts = await this.#startShaking(false)
    try {
      accept?.(facts)
    } catch (error) {
      this.destroy()
      throw error
    }
    return facts
  }

  /** What was received in clear and not handed out is dropped. */
  #startShaking(server: boolean): Promise<TlsFacts> {
    const early = this.#arrived.filter((item) => item.kind !== 'bytes')
    this.#arrived = []
    return new Promise((resolve, reject) => {
      if (this.#gone) return reject(new Error('the connection is gone'))
      this.#shaking = { resolve, reject, server }
      for (const item of early) this.#arrive(item)
    })
  }

  #shake(item: Item): void {
    const shaking = this.#shaking!
    const { secret, certificate } = this.#pipe
    const facts = {
      version: 'TLSv1.3',
      cipher: 'TLS_SIMULATED',
      resumed: false,
      binding: (type: ChannelBindingType): Uint8Array =>
        createHash('sha256')
          .update(`${type} ${type === 'tls-exporter' ? secret : certificate}`)
          .digest(),
    }
    if (item.kind === 'hello' && shaking.server) {
      this.#send({ kind: 'finished' })
      this.#shaking = undefined
      shaking.resolve((this.tls = { ...facts, serverName: item.serverName }))
    } else if (item.kind === 'finished' && !shaking.server) {
      this.#shaking = undefined
      shaking.resolve((this.tls = { ...facts, verified: true }))
    } else {
      // Bytes in clear in the middle of a handshake are no TLS.
      this.destroy()
    }
  }
}
