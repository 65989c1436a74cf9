/** TCP sockets as connections. Server sockets allow half-open connections: a client that ends its side still gets its replies. */
import { BoundedMap } from '../../base/bounded-map.ts'
import { connect as connectTcp, createServer, isIP, type AddressInfo, type Socket } from 'node:net'
import {
  checkServerIdentity,
  connect as connectTls,
  createSecureContext,
  rootCertificates,
  type ConnectionOptions,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import type {
  Connection,
  ConnectionHandler,
  Listener,
  Network,
  Peer,
  TlsClientOptions,
  TlsFacts,
  TlsServer,
} from '../../base/network.ts'
import { channelBinding } from './channel-binding.ts'
import { verifiedAddresses } from './client-certificate.ts'
import { listenAt } from './held-ports.ts'
import { isGone, peerOf } from './peer-of.ts'
import { readProxied } from './proxied.ts'
import type { WrappingTls } from './tls.ts'

/** Time limit of a TLS handshake, during which a client holds a socket. */
const handshakeTimeoutMs = 20_000
/** Connections that the kernel queues until we accept them. */
const backlogDefault = 1024

function tlsInfo(socket: TLSSocket, side: 'server' | 'client'): TlsFacts {
  const cipher = socket.getCipher()
  const serverName = (socket as TLSSocket & { servername?: string | false }).servername
  return {
    version: socket.getProtocol() ?? '',
    cipher: cipher?.name ?? '',
    serverName: typeof serverName === 'string' ? serverName : undefined,
    resumed: socket.isSessionReused(),
    binding: (type) => channelBinding(socket, side, type),
    clientAddresses: side === 'server' ? () => verifiedAddresses(socket) : undefined,
  }
}

export class SocketConnection implements Connection {
  readonly peer: Peer
  tls: TlsFacts | null = null
  #socket: Socket
  #handler: ConnectionHandler | undefined
  #error: Error | undefined
  #shaking = false
  #gone = false

  constructor(socket: Socket, peer = peerOf(socket)) {
    this.peer = peer
    this.#socket = socket
    socket.setNoDelay(true)
    this.#attach(socket)
  }

  #attach(socket: Socket): void {
    socket.on('error', (error) => (this.#error = error))
    socket.on('close', () => this.#closed(socket))
    socket.on('drain', () => this.#handler?.drain())
    socket.on('end', () => this.#handler?.end())
  }

  #closed(socket: Socket): void {
    if (socket !== this.#socket || this.#gone || this.#shaking) return
    this.#gone = true
    this.#handler?.close(this.#error)
  }

  receive(handler: ConnectionHandler): void {
    this.#handler = handler
    this.#socket.on('data', (chunk: Buffer) => this.#handler!.data(chunk))
    if (this.#socket.destroyed) queueMicrotask(() => this.#closed(this.#socket))
  }

  write(bytes: Uint8Array): boolean {
    if (this.#socket.destroyed || this.#socket.writableEnded) return true
    return this.#socket.write(bytes)
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(peerIsDone = false): void {
    const socket = this.#socket
    if (socket.destroyed) return
    // Under TLS the peer still has to send its close_notify.
    if (peerIsDone && this.tls === null) return socket.destroySoon()
    socket.end()
    // Whatever the peer still sends is read and dropped: closing with unread bytes would reset the connection before our last reply
    // arrives.
    socket.removeAllListeners('data')
    socket.resume()
    if (socket.readableEnded) socket.destroySoon()
    else socket.once('end', () => socket.destroySoon())
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async startTlsServer(tls: TlsServer): Promise<TlsFacts> {
    return this.#shake(() => (tls as WrappingTls).wrap(this.#plain()), 'secure')
  }

  async startTlsClient(options: TlsClientOptions): Promise<TlsFacts> {
    const facts = await this.#shake(
      () => connectTls({ socket: this.#plain(), ...clientOptions(options) }),
      'secureConnect',
    )
    const socket = this.#socket as TLSSocket
    this.tls = { ...facts, ...verifiedOf(socket), chain: options.showChain ? chainOf(socket) : undefined }
    try {
      if (options.verify === 'name' && !this.tls.verified)
        throw new Error(`the certificate of ${options.serverName} does not fit: ${this.tls.problem}`)
      options.accept?.(this.tls)
    } catch (error) {
      this.destroy()
      throw error
    }
    return this.tls
  }

  /** The socket without our listeners: what it had read in plain text is dropped with them. */
  #plain(): Socket {
    const socket = this.#socket
    for (const event of ['data', 'drain', 'end', 'close', 'error']) socket.removeAllListeners(event)
    socket.pause()
    return socket
  }

  #shake(start: () => TLSSocket, event: 'secure' | 'secureConnect'): Promise<TlsFacts> {
    this.#shaking = true
    return new Promise((resolve, reject) => {
      const socket = start()
      const timer = setTimeout(() => fail(new Error('TLS handshake took too long')), handshakeTimeoutMs)
      const fail = (error: Error): void => {
        clearTimeout(timer)
        this.#shaking = false
        reject(error)
        socket.destroy()
        this.#socket = socket
        this.#closed(socket)
      }
      socket.once('error', fail)
      socket.once('close', () => this.#shaking && fail(new Error('the peer closed during the TLS handshake')))
      // A peer that ends its side during the handshake is gone: without this the half-open socket would stay for the whole timeout.
      const ended = (): void => fail(new Error('the peer hung up during the TLS handshake'))
      socket.once('end', ended)
      // A stream without a reader never sees its end; the data stays buffered until the session reads.
      socket.on('readable', leaveIt)
      socket.once(event, () => {
        clearTimeout(timer)
        socket.removeListener('end', ended)
        socket.removeListener('readable', leaveIt)
        socket.removeAllListeners('error')
        socket.removeAllListeners('close')
        this.#shaking = false
        this.#socket = socket
        this.#attach(socket)
        if (this.#handler) socket.on('data', (chunk: Buffer) => this.#handler!.data(chunk))
        this.tls = tlsInfo(socket, event === 'secure' ? 'server' : 'client')
        resolve(this.tls)
      })
    })
  }
}

function leaveIt(): void {}

/** Older versions are insecure. RFC 8996. */
const tlsLeast = 'TLSv1.2'

/** Certificates read of a chain: more than a real one has. */
const chainMax = 20

/** As the server sent it, whether or not one signed the other. */
function chainOf(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = []
  let certificate = socket.getPeerX509Certificate()
  for (; certificate && chain.length < chainMax; certificate = certificate.issuerCertificate)
    chain.push(certificate.raw)
  return chain
}

/** Cached sets of authorities: one for mail, and perhaps one for LDAP or OAuth. */
const contextsMax = 8
const contexts = new BoundedMap<string, SecureContext>(contextsMax)

/** Reading all roots takes 30 ms, far longer than a handshake: it is done once for a set. */
function contextWith(authorities: readonly string[]): SecureContext {
  const key = authorities.join('\n')
  let context = contexts.get(key)
  if (context) return context
  context = createSecureContext({ ca: [...rootCertificates, ...authorities], minVersion: tlsLeast })
  contexts.set(key, context)
  return context
}

function clientOptions(options: TlsClientOptions): ConnectionOptions {
  const { ca = [] } = options
  return {
    // An IP address is not allowed in SNI: RFC 6066 §3.
    servername: isIP(options.serverName) ? '' : options.serverName,
    rejectUnauthorized: false,
    minVersion: tlsLeast,
    secureContext: ca.length === 0 ? undefined : contextWith(ca),
    // For an address the certificate must name the address; without this Node would check 'localhost'.
    checkServerIdentity: (_, certificate) => checkServerIdentity(options.serverName, certificate),
  }
}

function verifiedOf(socket: TLSSocket): { verified: boolean; problem?: string } {
  const error = socket.authorizationError as unknown
  return error ? { verified: false, problem: String(error) } : { verified: true }
}

export const realNetwork: Network = {
  async listen({ address, port, tls, backlog, proxied }, connected, failed) {
    const begin = async (socket: Socket): Promise<void> => {
      let peer = peerOf(socket)
      try {
        if (proxied?.(peer.address)) peer = await readProxied(socket, peer)
        const connection = new SocketConnection(socket, peer)
        if (tls) await connection.startTlsServer(tls)
        connected(connection)
      } catch (error) {
        failed?.(peer, error as Error)
      }
    }
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: false, noDelay: true }, (socket) => {
      if (isGone(socket)) return
      if (tls || proxied) return void begin(socket)
      connected(new SocketConnection(socket))
    })
    const place = { host: address, port, backlog: backlog ?? backlogDefault }
    await listenAt(server, place, (error) => failed?.(null, error))
    const bound = server.address() as AddressInfo
    return {
      address: bound.address,
      port: bound.port,
      close: () => new Promise((done) => server.close(() => done())),
    } satisfies Listener
  },

  connect({ address, port, timeoutMs, localAddress, tls }) {
    return new Promise((resolve, reject) => {
      const socket = connectTcp({ host: address, port, localAddress, noDelay: true })
      const timer = setTimeout(
        () => socket.destroy(new Error(`no connection to ${address} within ${timeoutMs} ms`)),
        timeoutMs,
      )
      socket.once('error', (error) => {
        clearTimeout(timer)
        reject(error)
      })
      socket.once('connect', () => {
        clearTimeout(timer)
        socket.removeAllListeners('error')
        const connection = new SocketConnection(socket)
        if (!tls) return resolve(connection)
        connection.startTlsClient(tls).then(() => resolve(connection), reject)
      })
    })
  },
}
