/** Ports that were bound while we were root, for the servers that take them over as somebody else. */
import { createServer, type Server, type Socket } from 'node:net'

interface Held {
  readonly server: Server
  /** Who came before there was anybody to answer. */
  readonly early: Socket[]
}

const held = new Map<string, Held>()
/** More wait in no kernel's queue either. */
const earlyMax = 1024

const keyOf = (address: string, port: number): string => `${address} ${port}`

/** Binds a port and keeps it. Throws what `listen` fails with. */
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
 * Lets `server` listen: at a port that is held for it, else by binding. Throws where it cannot. The one way for every server of ours: an
 * error later (no more file descriptors for what connects) goes to `failed`, and does not end the process.
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
    // The socket stays the same; only who hears of its connections changes.
    if (found) server.listen(found.server, ready)
    else server.listen({ ...place }, ready)
  })
  for (const socket of found?.early.splice(0) ?? []) {
    socket.removeAllListeners('error')
    server.emit('connection', socket)
    socket.resume()
  }
}

/** Lets go of what no server has taken over: a start that failed must not go on holding ports. */
export function releaseHeldPorts(): void {
  for (const { server, early } of held.values()) {
    server.close()
    for (const socket of early) socket.destroy()
  }
  held.clear()
}
