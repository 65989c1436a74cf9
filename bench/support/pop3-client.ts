/** A POP3 client that costs little: it counts answers by what ends them, and bytes, nothing more. */
import { connect, type Socket } from 'node:net'

const LF = 10
const CR = 13
const dot = 46

/** How many commands a pipelining client has under way: enough that none waits, not so many that a server stops reading. */
const ahead = 500

export class Pop3Client {
  readonly socket: Socket
  #take: ((chunk: Buffer) => void) | undefined
  #reject: ((error: Error) => void) | undefined

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('error', (error) => this.#reject?.(error))
    socket.on('close', () => this.#reject?.(new Error('the server closed the connection')))
    socket.on('data', (chunk: Buffer) => this.#take?.(chunk))
  }

  static async login(
    port: number,
    user: { readonly name: string; readonly password: string },
  ): Promise<{ client: Pop3Client; messages: number }> {
    const client = new Pop3Client(connect({ port, host: '127.0.0.1' }))
    await client.#line()
    await client.ask(`USER ${user.name}`)
    await client.ask(`PASS ${user.password}`)
    return { client, messages: Number((await client.ask('STAT')).split(' ')[1]) }
  }

  #line(): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = ''
      this.#reject = reject
      this.#take = (chunk) => {
        text += chunk.toString('latin1')
        if (!text.endsWith('\r\n')) return
        this.#take = undefined
        resolve(text)
      }
    })
  }

  /** A command of one line. */
  async ask(command: string): Promise<string> {
    const answer = this.#line()
    this.socket.write(`${command}\r\n`)
    const text = await answer
    if (!text.startsWith('+OK')) throw new Error(`${command}: ${text}`)
    return text
  }

  /** Every message from 1 to `count`. @returns bytes read. */
  retrieveAll(count: number, pipelined: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      let bytes = 0
      let done = 0
      let asked = 0
      /** How much of CR LF . CR LF stood at the end of the last chunk. */
      let matched = 0
      this.#reject = reject
      const askMore = (): void => {
        const until = Math.min(count, pipelined ? done + ahead : done + 1)
        let text = ''
        while (asked < until) text += `RETR ${++asked}\r\n`
        if (text !== '') this.socket.write(text)
      }
      this.#take = (chunk) => {
        bytes += chunk.length
        const before = done
        let at = 0
        while (at < chunk.length) {
          if (matched === 0) {
            at = chunk.indexOf(terminator, at)
            if (at >= 0) {
              done++
              at += terminator.length
              continue
            }
            matched = tailOf(chunk)
            break
          }
          // The end of an answer lies across two chunks.
          const byte = chunk[at++]!
          if (byte === terminator[matched]) matched++
          else matched = byte === CR ? 1 : 0
          if (matched === terminator.length) {
            done++
            matched = 0
          }
        }
        if (done === count) {
          this.#take = undefined
          resolve(bytes)
        } else if (done > before && (!pipelined || asked - done < ahead / 2)) askMore()
      }
      askMore()
    })
  }

  close(): void {
    this.#reject = undefined
    this.socket.destroy()
  }
}

const terminator = Buffer.from([CR, LF, dot, CR, LF])

/** How many bytes of the terminator the chunk ends with. */
function tailOf(chunk: Buffer): number {
  for (let length = Math.min(terminator.length - 1, chunk.length); length > 0; length--)
    if (chunk.subarray(chunk.length - length).equals(terminator.subarray(0, length))) return length
  return 0
}
