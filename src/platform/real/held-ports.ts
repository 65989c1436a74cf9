/** Ports that were bound as root, for servers that take them over after the change to the service's user. */
import { createServer, type Server, type Socket } from 'node:net'

interface Held {
  readonly server: Server
  /** Connections from before a server took over. */
  readonly early: Socket[]
}

const held = new Map<string, Held>()
/** As many as a kernel's accept queue holds. */
const earlyMax = 1024

const keyOf = (address: string, port: number): string => `${address} ${port}`

/** Binds a port and holds it. Rejects with the error of `listen`. */
export function holdPort(address: string, port: number): Promise<void> {
  const early: Socket[] = []
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    if (early.length < earlyMax) early.push(socket)
    else socket.destroy()
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => {
      server.removeListener('error', reject)
      server.on('error', () => {})
      held.set(keyOf(address, port), { server, early })
      resolve()
    })
  })
}

/** A port, or the path of a Unix socket. */
export type ListenPlace =
  { readonly host: string; readonly port: number; readonly backlog?: number } | { readonly path: string }

/**
 * Makes `server` listen: at a held port if there is one, else by binding. Throws on failure. All our servers use this: a later error (no
 * file descriptors left for a connection) goes to `failed`, and does not end the process.
 */
export async function listenAt(
  server: Server,
  place: ListenPlace,
  failed: (error: Error) => void = () => {},
): Promise<void> {
  const key = 'path' in place ? undefined : keyOf(place.host, place.port)
  const found = key === undefined ? undefined : held.get(key)
  if (key !== undefined) held.delete(key)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    const ready = (): void => {
      server.removeListener('error', reject)
      server.on('error', failed)
      resolve()
    }
    // The listening socket stays the same; the new server gets its connections from now on.
    if (found) server.listen(found.server, ready)
    else server.listen({ ...place }, ready)
  })
  for (const socket of found?.early.splice(0) ?? []) {
    socket.removeAllListeners('error')
    server.emit('connection', socket)
    socket.resume()
  }
}

/** Closes held ports that no server has taken over: a failed start must not keep them. */
export function releaseHeldPorts(): void {
  for (const { server, early } of held.values()) {
    server.close()
    for (const socket of early) socket.destroy()
  }
  held.clear()
}
