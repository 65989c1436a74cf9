/** Hosts that take mail at the other end of a relay, and count it. */
import { spawn } from 'node:child_process'
import { connect, createServer, type AddressInfo } from 'node:net'
import { atEnd, freePorts, stopChild, until } from './scratch.ts'

export interface Sink {
  readonly port: number
  /** Resolves when so many more messages were taken, or refused for good. */
  more(messages: number): Promise<void>
}

const waitMaxMs = 120_000

/** Tells who waits for a count that it is reached. */
class Count {
  #count = 0
  #wanted = Infinity
  #reached: () => void = () => {}

  set(count: number): void {
    this.#count = count
    if (count >= this.#wanted) this.#reached()
  }

  add(): void {
    this.set(this.#count + 1)
  }

  more(messages: number): Promise<void> {
    this.#wanted = this.#count + messages
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.#count} of ${this.#wanted} messages after ${waitMaxMs} ms`)),
        waitMaxMs,
      )
      this.#reached = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.end('QUIT\r\n')
      socket.on('close', () => resolve(true)).resume()
    })
    socket.on('error', () => resolve(false))
  })
}

/** Postfix's own: written in C, it leaves the CPU to those who are measured. */
export async function smtpSink(): Promise<Sink> {
  const [port] = (await freePorts(1)) as [number]
  const child = spawn('smtp-sink', ['-u', 'nobody', '-c', '-m', '500', `inet:127.0.0.1:${port}`, '500'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  atEnd(() => stopChild(child))
  const count = new Count()
  let rest = ''
  child.stdout.on('data', (bytes: Buffer) => {
    const tellings = (rest + bytes.toString('latin1')).split('\r')
    rest = tellings.pop()!
    const told = /mesg=(\d+)/.exec(tellings.at(-1) ?? '')?.[1]
    if (told !== undefined) count.set(Number(told))
  })
  await until('smtp-sink answers', () => answers(port))
  return { port, more: (messages) => count.more(messages) }
}

/** As large providers can be: one in twenty is slow, one in twenty is wanted later, one in fifty not at all, one in a hundred is cut off. */
export const moodySink = (): Promise<Sink> => ownSink(true)

/** Takes everything at once. */
export const moodlessSink = (): Promise<Sink> => ownSink(false)

async function ownSink(moods: boolean): Promise<Sink> {
  let state = 20_261_122
  const chance = (one: number): boolean => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return moods && state / 2 ** 32 < 1 / one
  }
  const count = new Count()
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    let tail = ''
    let inData = false
    let recipients = 0
    socket.write('220 moody.test ESMTP\r\n')
    const command = (line: string): void => {
      const verb = line.slice(0, 4).toUpperCase()
      if (verb === 'EHLO')
        socket.write('250-moody.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n')
      else if (verb === 'RCPT') {
        if (chance(20)) return void socket.write('451 4.7.1 not now\r\n')
        if (chance(50)) {
          count.add()
          return void socket.write('550 5.1.1 nobody\r\n')
        }
        recipients++
        socket.write('250 2.1.5 ok\r\n')
      } else if (verb === 'DATA') {
        inData = recipients > 0
        tail = ''
        socket.write(inData ? '354 go on\r\n' : '554 5.5.1 nobody\r\n')
      } else if (verb === 'QUIT') socket.end('221 2.0.0 bye\r\n')
      else {
        recipients = 0
        socket.write('250 2.0.0 ok\r\n')
      }
    }
    const finished = (): void => {
      inData = false
      recipients = 0
      if (chance(100)) return void socket.destroy()
      const take = (): void => {
        count.add()
        socket.write('250 2.0.0 taken\r\n')
      }
      if (chance(20)) setTimeout(take, 200)
      else take()
    }
    socket.on('data', (bytes: Buffer) => {
      let text = tail + bytes.toString('latin1')
      for (;;) {
        if (inData) {
          const end = text.startsWith('.\r\n') ? 0 : text.indexOf('\r\n.\r\n')
          if (end < 0) {
            tail = text.slice(-4)
            return
          }
          text = text.slice(end + (end === 0 ? 3 : 5))
          finished()
          if (socket.destroyed) return
          continue
        }
        const end = text.indexOf('\r\n')
        if (end < 0) {
          tail = text
          return
        }
        const line = text.slice(0, end)
        text = text.slice(end + 2)
        command(line)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, more: (messages) => count.more(messages) }
}
