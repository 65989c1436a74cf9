/** The dialogue on connections, line by line, for debugging: without passwords and messages. */
import type {
  Connection,
  ConnectionHandler,
  Network,
  TlsClientOptions,
  TlsFacts,
  TlsServer,
} from '../../base/network.ts'

export interface DialogueLine {
  /** Number of the connection, from 1, in its server or client. */
  readonly connection: number
  readonly from: 'client' | 'server'
  /** Without the line end; `(1234 bytes)` stands for a message, `***` for credentials. */
  readonly text: string
}

export type TellDialogue = (line: DialogueLine) => void

/** Longer lines are cut, since the peer decides how long they are. */
const lineLengthMax = 1000

/** The same network; each line on its connections is passed to `tell`. */
export function overheard(network: Network, tell: TellDialogue): Network {
  let connections = 0
  return {
    ...network,
    listen: (options, connected, failed) =>
      network.listen(options, (one) => connected(new Overheard(one, new Ear(tell, ++connections), 'server')), failed),
    async connect(options) {
      return new Overheard(await network.connect(options), new Ear(tell, ++connections), 'client')
    },
  }
}

/** Follows a dialogue just far enough to know which lines must be hidden. */
class Ear {
  readonly #tell: TellDialogue
  readonly #connection: number
  readonly #rest = { client: '', server: '' }
  #mode: 'commands' | 'sasl' | 'message' = 'commands'
  /** Bytes of the present message so far. */
  #bytes = 0
  /** Octets of the present BDAT that are still to come. */
  #octets = 0

  constructor(tell: TellDialogue, connection: number) {
    this.#tell = tell
    this.#connection = connection
  }

  #say(from: DialogueLine['from'], text: string): void {
    this.#tell({ connection: this.#connection, from, text: text.slice(0, lineLengthMax) })
  }

  hear(from: DialogueLine['from'], bytes: Uint8Array): void {
    if (from === 'server') {
      for (const line of this.#lines(from, bytes)) this.#fromServer(line)
      return
    }
    let at = 0
    while (at < bytes.length) {
      if (this.#mode === 'message') {
        // All bytes up to the reply count as the message: only the session knows where it ends.
        this.#bytes += bytes.length - at
        return
      }
      if (this.#octets > 0) {
        const taken = Math.min(this.#octets, bytes.length - at)
        this.#octets -= taken
        at += taken
        continue
      }
      const end = bytes.indexOf(10, at) + 1 || bytes.length
      for (const line of this.#lines(from, bytes.subarray(at, end))) this.#fromClient(line)
      at = end
    }
  }

  #lines(from: DialogueLine['from'], bytes: Uint8Array): string[] {
    const lines = (this.#rest[from] + Buffer.from(bytes).toString('utf8')).split('\n')
    this.#rest[from] = lines.pop()!.slice(0, lineLengthMax)
    return lines.map((line) => line.replace(/\r$/, ''))
  }

  #fromClient(line: string): void {
    if (this.#mode === 'sasl') return this.#say('client', '***')
    const [verb = '', argument = ''] = line.toUpperCase().split(' ')
    if (verb === 'AUTH') {
      this.#mode = 'sasl'
      return this.#say('client', line.replace(/^(\S+ +\S+) .*/, '$1 ***'))
    }
    this.#say('client', line)
    if (verb === 'BDAT' && /^\d{1,15}$/.test(argument)) {
      this.#octets = Number(argument)
      this.#say('client', `(${argument} bytes)`)
    }
  }

  #fromServer(line: string): void {
    if (this.#mode === 'message') {
      this.#say('client', `(${this.#bytes} bytes)`)
      this.#bytes = 0
      this.#mode = 'commands'
    }
    if (line.startsWith('354')) this.#mode = 'message'
    if (this.#mode === 'sasl' && line.startsWith('334')) return this.#say('server', '334 ***')
    if (this.#mode === 'sasl') this.#mode = 'commands'
    this.#say('server', line)
  }
}

class Overheard implements Connection {
  readonly #inner: Connection
  readonly #ear: Ear
  readonly #own: DialogueLine['from']

  /** @param own the side that we are. */
  constructor(inner: Connection, ear: Ear, own: DialogueLine['from']) {
    this.#inner = inner
    this.#ear = ear
    this.#own = own
  }

  get peer() {
    return this.#inner.peer
  }

  get tls(): TlsFacts | null {
    return this.#inner.tls
  }

  receive(handler: ConnectionHandler): void {
    const other = this.#own === 'client' ? 'server' : 'client'
    this.#inner.receive({
      data: (chunk) => {
        this.#ear.hear(other, chunk)
        handler.data(chunk)
      },
      drain: () => handler.drain(),
      end: () => handler.end(),
      close: (error) => handler.close(error),
    })
  }

  write(bytes: Uint8Array): boolean {
    this.#ear.hear(this.#own, bytes)
    return this.#inner.write(bytes)
  }

  pause(): void {
    this.#inner.pause()
  }

  resume(): void {
    this.#inner.resume()
  }

  end(peerIsDone?: boolean): void {
    this.#inner.end(peerIsDone)
  }

  destroy(): void {
    this.#inner.destroy()
  }

  startTlsServer(tls: TlsServer): Promise<TlsFacts> {
    return this.#inner.startTlsServer(tls)
  }

  startTlsClient(options: TlsClientOptions): Promise<TlsFacts> {
    return this.#inner.startTlsClient(options)
  }
}
