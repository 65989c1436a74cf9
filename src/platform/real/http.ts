/** HTTP by Node's own server. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HttpServer } from '../../base/http.ts'

/** A request that is not told in this time is not coming. */
const requestTimeoutMs = 10_000
const headerBytesMax = 16 * 1024
/** Watchers ask one at a time; more connections than this are somebody's mistake. */
const connectionsMax = 256

export const realHttp: HttpServer = {
  listen({ address, port }, handle) {
    return new Promise((resolve, reject) => {
      const server = createServer(
        { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs, maxHeaderSize: headerBytesMax },
        (request, response) => {
          const { socket } = request
          request.resume()
          handle({
            method: request.method ?? 'GET',
            path: (request.url ?? '/').split('?')[0]!,
            peer: {
              address: (socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
              port: socket.remotePort ?? 0,
              localAddress: socket.localAddress ?? '',
              localPort: socket.localPort ?? 0,
            },
          }).then(
            ({ status, type, body }) => {
              response.writeHead(status, {
                'content-type': type,
                'cache-control': 'no-store',
                'x-content-type-options': 'nosniff',
              })
              response.end(request.method === 'HEAD' ? undefined : body)
            },
            () => response.writeHead(500).end(),
          )
        },
      )
      server.maxConnections = connectionsMax
      server.once('error', reject)
      server.listen(port, address, () => {
        server.removeListener('error', reject)
        const bound = server.address() as AddressInfo
        resolve({
          address: bound.address,
          port: bound.port,
          close: () =>
            new Promise((done) => {
              server.close(() => done())
              server.closeAllConnections()
            }),
        })
      })
    })
  },
}
