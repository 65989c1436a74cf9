/** An SMTP server for tests that says what it is told to, with a certificate of its own, and remembers what it heard. */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'

export interface SmtpServerOptions {
  /** Without it any free one. */
  readonly port?: number
  /** PEM; the chain behind the certificate. Without it there is no STARTTLS. */
  readonly pair?: { readonly cert: string; readonly key: string }
  /** Keywords of EHLO after the handshake. */
  readonly keywords?: readonly string[]
  /** The first connection's handshake is answered with nonsense. */
  readonly breaksHandshake?: boolean
}

export interface SmtpServer {
  readonly port: number
  /** Commands, those over TLS with '+ ' before them. */
  readonly heard: string[]
  close(): Promise<void>
}

export async function smtpServer(options: SmtpServerOptions): Promise<SmtpServer> {
  const { pair, keywords = [] } = options
  const heard: string[] = []
  const sockets = new Set<Socket>()
  let breaks = options.breaksHandshake === true
  const talk = (socket: Socket, secured: boolean): void => {
    let rest = ''
    let inData = false
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      const lines = (rest + bytes.toString('latin1')).split('\r\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (inData) {
          if (line !== '.') continue
          inData = false
          socket.write('250 2.0.0 taken\r\n')
          continue
        }
        heard.push(`${secured ? '+ ' : ''}${line}`)
        const verb = line.split(' ')[0]!.toUpperCase()
        if (verb === 'EHLO') {
          const all = ['server', ...(pair && !secured ? ['STARTTLS'] : []), ...(secured ? keywords : [])]
          socket.write(all.map((word, i) => `250${i === all.length - 1 ? ' ' : '-'}${word}\r\n`).join(''))
        } else if (verb === 'STARTTLS') {
          socket.write('220 go\r\n')
          socket.removeAllListeners('data')
          if (breaks) {
            breaks = false
            return void socket.end('this is no handshake')
          }
          const context = createSecureContext({ cert: pair!.cert, key: pair!.key })
          return talk(new TLSSocket(socket, { isServer: true, secureContext: context }), true)
        } else if (verb === 'DATA') {
          inData = true
          socket.write('354 go on\r\n')
        } else if (verb === 'QUIT') socket.end('221 bye\r\n')
        else socket.write('250 2.0.0 ok\r\n')
      }
    })
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.write('220 server\r\n')
    talk(socket, false)
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise((done) => server.close(done))
  }
  return { port: (server.address() as AddressInfo).port, heard, close }
}
