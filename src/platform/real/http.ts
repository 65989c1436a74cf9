/** HTTP and HTTPS by Node's own server. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { httpBodyBytesMax, type HttpRequest, type HttpResponse, type HttpServer } from '../../base/http.ts'
import type { Peer, TlsServer } from '../../base/network.ts'
import { listenAt } from './held-ports.ts'
import { HttpPlaces } from './http-places.ts'
import { isGone, peerOf } from './peer-of.ts'
import { readProxied } from './proxied.ts'
import type { WrappingTls } from './tls.ts'

/** Time limit to receive a request. */
const requestTimeoutMs = 10_000
const headerBytesMax = 16 * 1024
/** Monitoring and mail programs send one request at a time; more connections than this are a mistake. */
const connectionsMax = 256

export const realHttp: HttpServer = {
  async listen({ address, port, tls, proxied, admit }, handle) {
    const places = new HttpPlaces(connectionsMax)
    const origins = new WeakMap<Socket, Origin>()
    const server = createServer(
      { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, maxHeaderSize: headerBytesMax },
      (request, response) => {
        const { raw, peer } = origins.get(request.socket)!
        void places.whileAnswering(raw, () => answer(request, response, peer, handle))
      },
    )
    // As in Node's own http server: a client may close its side after the request.
    const front = createTcpServer({ allowHalfOpen: true, noDelay: true }, (raw) => {
      void begin(raw, { tls, proxied, admit, places }, (socket, peer) => {
        origins.set(socket, { raw, peer })
        server.emit('connection', socket)
      })
    })
    await listenAt(front, { host: address, port })
    const bound = front.address() as AddressInfo
    return {
      address: bound.address,
      port: bound.port,
      close: () =>
        new Promise((done) => {
          front.close(() => done())
          places.closeAll()
          server.close()
        }),
    }
  },
}

/** The origin of a request: the connection's own addresses, and those of the client. */
interface Origin {
  readonly raw: Socket
  readonly peer: Peer
}

interface Entrance {
  readonly tls: TlsServer | undefined
  readonly proxied: ((address: string) => boolean) | undefined
  readonly admit: ((address: string) => (() => void) | undefined) | undefined
  readonly places: HttpPlaces
}

/** Prepares a connection: limit, PROXY header if from a proxy, admission, TLS handshake with the certificates of mail. */
async function begin(
  raw: Socket,
  { tls, proxied, admit, places }: Entrance,
  ready: (socket: Socket, peer: Peer) => void,
): Promise<void> {
  if (isGone(raw)) return
  raw.on('error', () => raw.destroy())
  let leave: (() => void) | undefined
  if (!places.enter(raw, () => leave?.())) return
  let peer = peerOf(raw)
  try {
    if (proxied?.(peer.address)) peer = await readProxied(raw, peer)
  } catch {
    return
  }
  if (raw.destroyed) return
  if (admit) {
    leave = admit(peer.address)
    if (!leave) return void raw.destroy()
  }
  if (tls) shakeHands(tls as WrappingTls, raw, (socket) => ready(socket, peer))
  else ready(raw, peer)
}

function shakeHands(tls: WrappingTls, raw: Socket, ready: (socket: Socket) => void): void {
  const socket = tls.wrap(raw)
  const timer = setTimeout(() => raw.destroy(), requestTimeoutMs)
  socket.on('error', () => raw.destroy())
  socket.once('close', () => clearTimeout(timer))
  socket.once('secure', () => {
    clearTimeout(timer)
    ready(socket)
  })
}

/** Fields that proxies add to forwarded requests. RFC 7239, RFC 9110 §7.6.3. */
const forwardings = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via']

/** undefined: longer than `httpBodyBytesMax`. */
async function bodyOf(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > httpBodyBytesMax) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Path and host name of a request. If the target is an absolute URL, as for a proxy, Host is ignored. RFC 9112 §3.2.2. */
function requestTarget(url: string, host: string | undefined): Pick<HttpRequest, 'path' | 'query' | 'host'> {
  const absolute = /^https?:\/\/([^/?]+)/i.exec(url)
  const rest = absolute ? url.slice(absolute[0].length) : url
  const mark = rest.indexOf('?')
  return {
    path: (mark < 0 ? rest : rest.slice(0, mark)) || '/',
    query: new URLSearchParams(mark < 0 ? '' : rest.slice(mark + 1)),
    host: absolute ? absolute[1] : host,
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  peer: Peer,
  handle: (request: HttpRequest) => Promise<HttpResponse>,
): Promise<void> {
  try {
    const body = await bodyOf(request)
    if (!body) {
      response.writeHead(413, { connection: 'close' }).end()
      return
    }
    const told = await handle({
      method: request.method ?? 'GET',
      ...requestTarget(request.url ?? '/', request.headers.host),
      body,
      peer,
      forwarded: forwardings.some((name) => request.headers[name] !== undefined),
    })
    response.writeHead(told.status, {
      'content-type': told.type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...told.headers,
    })
    response.end(request.method === 'HEAD' ? undefined : told.body)
  } catch {
    if (!response.headersSent) response.writeHead(500)
    response.end()
  }
}
