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
      held.set(keyOf(address, port), { server, early })
      resolve()
    })
  })
}

/** Lets `server` listen: at a port that is held for it, else by binding. */
export function listenAt(
  server: Server,
  place: { host: string; port: number; backlog?: number },
  ready: () => void,
): void {
  const found = held.get(keyOf(place.host, place.port))
  if (!found) {
    server.listen(place, ready)
    return
  }
  held.delete(keyOf(place.host, place.port))
  // The socket stays the same; only who hears of its connections changes.
  server.listen(found.server, () => {
    ready()
    for (const socket of found.early.splice(0)) {
      socket.removeAllListeners('error')
      server.emit('connection', socket)
      socket.resume()
    }
  })
}
