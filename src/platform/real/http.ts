/** HTTP and HTTPS by Node's own server. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { httpBodyBytesMax, type HttpRequest, type HttpResponse, type HttpServer } from '../../base/http.ts'
import type { Peer, TlsServer } from '../../base/network.ts'
import { listenAt } from './held-ports.ts'
import { isGone, peerOf } from './peer-of.ts'
import { readProxied } from './proxied.ts'
import type { WrappingTls } from './tls.ts'

/** A request that is not told in this time is not coming. */
const requestTimeoutMs = 10_000
const headerBytesMax = 16 * 1024
/** Watchers and mail programs ask one at a time; more connections than this are somebody's mistake. */
const connectionsMax = 256

export const realHttp: HttpServer = {
  async listen({ address, port, tls, proxied }, handle) {
    const peers = new WeakMap<Socket, Peer>()
    const server = createServer(
      { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, maxHeaderSize: headerBytesMax },
      (request, response) => {
        const { socket } = request
        void answer(request, response, peers.get(socket) ?? peerOf(socket), handle)
      },
    )
    const begin = (socket: Socket, peer: Peer): void => {
      peers.set(socket, peer)
      server.emit('connection', socket)
    }
    const front = tls || proxied ? beginnings({ tls, proxied }, begin) : server
    front.maxConnections = connectionsMax
    await listenAt(front, { host: address, port })
    const bound = front.address() as AddressInfo
    return {
      address: bound.address,
      port: bound.port,
      close: () =>
        new Promise((done) => {
          front.close(() => done())
          server.closeAllConnections()
          if (front !== server) server.close()
        }),
    }
  },
}

interface Beginning {
  readonly tls: TlsServer | undefined
  readonly proxied: ((address: string) => boolean) | undefined
}

/** Connections that have said whose they are, where a proxy brought them, and have shaken hands, with the certificates that mail has. */
function beginnings(
  { tls, proxied }: Beginning,
  ready: (socket: Socket, peer: Peer) => void,
): ReturnType<typeof createTcpServer> {
  const open = new Set<Socket>()
  const front = createTcpServer(async (raw) => {
    if (isGone(raw)) return
    open.add(raw)
    raw.once('close', () => open.delete(raw))
    raw.on('error', () => raw.destroy())
    let peer = peerOf(raw)
    try {
      if (proxied?.(peer.address)) peer = await readProxied(raw, peer)
    } catch {
      return
    }
    if (tls) shakeHands(tls as WrappingTls, raw, (socket) => ready(socket, peer))
    else ready(raw, peer)
  })
  const close = front.close.bind(front)
  front.close = (done) => {
    for (const socket of open) socket.destroy()
    return close(done)
  }
  return front
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

/** What is asked for, and by which name. A client that takes us for a proxy says both in one, and Host counts no more. RFC 9112 §3.2.2. */
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
