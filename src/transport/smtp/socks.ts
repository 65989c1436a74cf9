/** Connections through a SOCKS5 proxy, with or without a password. RFC 1928, RFC 1929. */
import type { Clock } from '../../base/clock.ts'
import { parseIpAddress } from '../../base/ip-network.ts'
import type { Connection, ConnectionHandler, Network, Peer, TlsClientOptions, TlsFacts } from '../../base/network.ts'
import type { Resolver } from '../../base/resolver.ts'
import { parseDomain } from '../../mail/address.ts'
import type { Proxy } from '../static-routes.ts'

export interface SocksTools {
  readonly network: Network
  readonly resolver: Resolver
  readonly clock: Clock
}

const version = 5
const noPassword = 0
const withPassword = 2
const connectCommand = 1
const addressLength: Readonly<Record<number, number>> = { 1: 4, 4: 16 }
const nameType = 3

/** The longest reply has 262 bytes; first bytes of the destination may follow it at once. */
const earlyMax = 65_536

/** RFC 1928 §6. */
const refusals = [
  '',
  'general failure',
  'not allowed',
  'network unreachable',
  'host unreachable',
  'connection refused',
  'time to live expired',
  'command not supported',
  'address type not supported',
]

/** A network whose connections go through the proxy. TLS is with the destination. */
export function throughProxy(tools: SocksTools, proxy: Proxy): Network {
  const { network, clock } = tools
  return {
    listen: () => Promise.reject(new Error('a proxy cannot listen')),
    async connect({ address, port, timeoutMs, tls }) {
      const connection = await network.connect({ address: await addressOf(tools, proxy), port: proxy.port, timeoutMs })
      const tunnel = new Tunnel(connection, { ...connection.peer, address, port })
      const timer = clock.after(timeoutMs, () => {
        tunnel.fail(new Error(`the proxy took more than ${timeoutMs} ms`))
        tunnel.destroy()
      })
      try {
        await open(tunnel, proxy, address, port)
        if (tls) await tunnel.startTlsClient(tls)
        return tunnel
      } catch (error) {
        tunnel.destroy()
        throw error
      } finally {
        timer.cancel()
      }
    },
  }
}

async function addressOf({ resolver }: SocksTools, { host }: Proxy): Promise<string> {
  if (parseIpAddress(host)) return host
  const found = await resolver.addresses(host)
  if (found.kind !== 'found') throw new Error(`the proxy ${host} has no address`)
  return found.records[0]!
}

async function open(tunnel: Tunnel, { username, password = '' }: Proxy, address: string, port: number): Promise<void> {
  const methods = username === undefined ? [noPassword] : [noPassword, withPassword]
  tunnel.write(Uint8Array.of(version, methods.length, ...methods))
  const [spoken, method] = await tunnel.take(2)
  if (spoken !== version) throw new Error('the proxy does not speak SOCKS5')
  if (method === withPassword && username !== undefined) {
    const name = Buffer.from(username)
    const secret = Buffer.from(password)
    // RFC 1929 §2: each length is one byte.
    if (name.length > 255 || secret.length > 255) throw new Error('the name or password for the proxy is too long')
    tunnel.write(Buffer.concat([Uint8Array.of(1, name.length), name, Uint8Array.of(secret.length), secret]))
    const [, refused] = await tunnel.take(2)
    if (refused !== 0) throw new Error('the proxy does not take this password')
  } else if (method !== noPassword) throw new Error('the proxy wants us to sign in in a way that we do not know')
  tunnel.write(Uint8Array.of(version, connectCommand, 0, ...destinationOf(address), port >> 8, port & 255))
  const [still, reply, , bound] = await tunnel.take(4)
  if (still !== version) throw new Error('the proxy does not speak SOCKS5')
  if (reply !== 0) throw new Error(`the proxy cannot connect: ${refusals[reply!] ?? `reply ${reply}`}`)
  // The bound address is not needed, but precedes the destination's bytes.
  const length = bound === nameType ? (await tunnel.take(1))[0]! : (addressLength[bound!] ?? 0)
  await tunnel.take(length + 2)
  tunnel.established()
}

/** Type and bytes of an address, or of a name that the proxy looks up. RFC 1928 §5. */
function destinationOf(address: string): readonly number[] {
  const bytes = parseIpAddress(address)
  if (bytes) return [bytes.length === 4 ? 1 : 4, ...bytes]
  const name = Buffer.from(parseDomain(address) ?? address)
  if (name.length > 255) throw new Error('the name is too long for a proxy')
  return [nameType, name.length, ...name]
}

/** A connection whose first bytes are the proxy's. */
class Tunnel implements Connection {
  readonly peer: Peer
  readonly #inner: Connection
  #handler: ConnectionHandler | undefined
  /** Received and not yet taken. */
  #early = Buffer.alloc(0)
  #waiting: { readonly bytes: number; resolve(bytes: Uint8Array): void; reject(error: Error): void } | undefined
  #established = false
  #ended = false
  #closed: { readonly error: Error | undefined } | undefined

  constructor(inner: Connection, peer: Peer) {
    this.#inner = inner
    this.peer = peer
    inner.receive({
      data: (chunk) => this.#data(chunk),
      drain: () => this.#handler?.drain(),
      end: () => {
        this.#ended = true
        this.#handler?.end()
        this.fail(new Error('the proxy hung up'))
      },
      close: (error) => {
        this.#closed = { error }
        this.#handler?.close(error)
        this.fail(error ?? new Error('the proxy hung up'))
      },
    })
  }

  #data(chunk: Uint8Array): void {
    if (this.#handler) return this.#handler.data(chunk)
    this.#early = Buffer.concat([this.#early, chunk])
    this.#serve()
    if (this.#established) this.#inner.pause()
    else if (this.#early.length > earlyMax) {
      this.fail(new Error('the proxy says more than a proxy has to say'))
      this.#inner.destroy()
    }
  }

  #serve(): void {
    const waiting = this.#waiting
    if (!waiting || this.#early.length < waiting.bytes) return
    this.#waiting = undefined
    const taken = this.#early.subarray(0, waiting.bytes)
    this.#early = this.#early.subarray(waiting.bytes)
    waiting.resolve(taken)
  }

  /** The next bytes of the proxy. Only one call at a time. */
  take(bytes: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#waiting = { bytes, resolve, reject }
      this.#serve()
      // Bytes received before the close still count.
      if (this.#closed || this.#ended) this.fail(this.#closed?.error ?? new Error('the proxy hung up'))
    })
  }

  established(): void {
    this.#established = true
  }

  /** Rejects the waiting `take`. */
  fail(error: Error): void {
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }

  get tls(): TlsFacts | null {
    return this.#inner.tls
  }

  receive(handler: ConnectionHandler): void {
    queueMicrotask(() => {
      this.#handler = handler
      const early = this.#early
      this.#early = Buffer.alloc(0)
      if (early.length > 0) handler.data(early)
      if (this.#ended) handler.end()
      if (this.#closed) handler.close(this.#closed.error)
      else this.#inner.resume()
    })
  }

  write(bytes: Uint8Array): boolean {
    return this.#inner.write(bytes)
  }

  pause(): void {
    this.#inner.pause()
  }

  resume(): void {
    this.#inner.resume()
  }

  end(): void {
    this.#inner.end()
  }

  destroy(): void {
    this.#inner.destroy()
  }

  startTlsServer(): Promise<TlsFacts> {
    return Promise.reject(new Error('a proxy cannot listen'))
  }

  startTlsClient(options: TlsClientOptions): Promise<TlsFacts> {
    // Bytes received in the clear are dropped.
    this.#early = Buffer.alloc(0)
    return this.#inner.startTlsClient(options)
  }
}
