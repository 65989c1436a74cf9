/** A SOCKS5 server for tests: connects where it is asked, or answers what it is told. RFC 1928, RFC 1929. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface SocksServerOptions {
  readonly user?: { readonly name: string; readonly password: string }
  /** The reply to CONNECT instead of trying. */
  readonly reply?: number
  /** Bytes come one by one. */
  readonly crumbs?: boolean
  /** Where connections go, whatever was asked. */
  readonly to?: number
}

export interface SocksServer {
  readonly port: number
  /** `address:port` as it was asked. */
  readonly asked: string[]
  close(): Promise<void>
}

export async function socksServer(options: SocksServerOptions): Promise<SocksServer> {
  const { user, reply = 0, crumbs = false, to } = options
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const say = (socket: Socket, bytes: readonly number[]): void => {
    if (crumbs) for (const byte of bytes) socket.write(Uint8Array.of(byte))
    else socket.write(Uint8Array.from(bytes))
  }
  const serve = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => {})
    let stage: 'methods' | 'password' | 'request' = 'methods'
    let had = Buffer.alloc(0)
    const hear = (chunk: Buffer): void => {
      had = Buffer.concat([had, chunk])
      if (stage === 'methods') {
        if (had.length < 2 || had.length < 2 + had[1]!) return
        const methods = [...had.subarray(2, 2 + had[1]!)]
        had = had.subarray(2 + methods.length)
        const chosen = user ? 2 : 0
        if (!methods.includes(chosen)) return void (say(socket, [5, 0xff]), socket.end())
        stage = user ? 'password' : 'request'
        say(socket, [5, chosen])
      }
      if (stage === 'password') {
        const nameLength = had[1] ?? 255
        const secretLength = had[2 + nameLength] ?? 255
        if (had.length < 3 + nameLength + secretLength) return
        const name = had.subarray(2, 2 + nameLength).toString()
        const password = had.subarray(3 + nameLength, 3 + nameLength + secretLength).toString()
        had = had.subarray(3 + nameLength + secretLength)
        const right = name === user!.name && password === user!.password
        stage = 'request'
        say(socket, [1, right ? 0 : 1])
        if (!right) return void socket.end()
      }
      if (had.length < 5) return
      const named = had[3] === 3
      const length = named ? 1 + had[4]! : had[3] === 1 ? 4 : 16
      if (had.length < 4 + length + 2) return
      socket.removeListener('data', hear)
      const bytes = had.subarray(named ? 5 : 4, 4 + length)
      const address = named ? bytes.toString() : length === 4 ? [...bytes].join('.') : bytes.toString('hex')
      const port = had.readUInt16BE(4 + length)
      asked.push(`${address}:${port}`)
      const answer = [5, reply, 0, 1, 127, 0, 0, 1, 0, 0]
      if (reply !== 0) return void (say(socket, answer), socket.end())
      const out = connect(to ?? port, '127.0.0.1', () => {
        say(socket, answer)
        out.pipe(socket).pipe(out)
      })
      sockets.add(out)
      out.on('error', () => socket.destroy())
    }
    socket.on('data', hear)
  }
  const server = createServer({ noDelay: true }, serve)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise((done) => server.close(done))
  }
  return { port: (server.address() as AddressInfo).port, asked, close }
}
