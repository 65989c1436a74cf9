/** A Unix socket as a network of one address: how programs of this machine submit mail without a port or a password. */
import { chmod, mkdir, rm } from 'node:fs/promises'
import { connect as connectSocket, createServer } from 'node:net'
import { dirname } from 'node:path'
import type { Network, Peer } from '../../base/network.ts'
import { listenAt } from './held-ports.ts'
import { SocketConnection } from './network.ts'
import { withShortPath } from './unix-path.ts'

/** All that is known of a peer on a Unix socket: it is on this machine. */
const here: Peer = { address: '127.0.0.1', port: 0, localAddress: '127.0.0.1', localPort: 0 }

/** @param mode of the socket file: users that may write to it may connect. The address and port of `listen` are ignored. */
export function unixNetwork(path: string, mode: 0o600 | 0o666): Network {
  return {
    async listen(_, connected) {
      const made = await mkdir(dirname(path), { recursive: true })
      if (made !== undefined && mode === 0o666) await chmod(dirname(path), 0o755)
      await rm(path, { force: true })
      const server = createServer({ allowHalfOpen: true }, (socket) => connected(new SocketConnection(socket, here)))
      await withShortPath(path, (short) => listenAt(server, { path: short }))
      await chmod(path, mode)
      return {
        address: path,
        port: 0,
        close: async () => {
          const closed = new Promise<void>((done) => server.close(() => done()))
          await rm(path, { force: true })
          return closed
        },
      }
    },

    connect({ timeoutMs }) {
      return withShortPath(
        path,
        (short) =>
          new Promise((resolve, reject) => {
            const socket = connectSocket(short)
            const timer = setTimeout(() => socket.destroy(new Error(`no answer at ${path}`)), timeoutMs)
            socket.once('error', (error) => {
              clearTimeout(timer)
              reject(error)
            })
            socket.once('connect', () => {
              clearTimeout(timer)
              socket.removeAllListeners('error')
              resolve(new SocketConnection(socket, here))
            })
          }),
      )
    },
  }
}

/** Copies standard input to the socket, and its output to standard output, until the other end closes. Throws if no process listens. */
export function pipeStdio(path: string): Promise<void> {
  return withShortPath(
    path,
    (short) =>
      new Promise((resolve, reject) => {
        const socket = connectSocket({ path: short, allowHalfOpen: true })
        socket.once('error', reject)
        socket.once('connect', () => {
          process.stdin.pipe(socket)
          socket.pipe(process.stdout)
          socket.once('end', () => {
            socket.destroy()
            process.stdin.destroy()
            resolve()
          })
        })
      }),
  )
}
