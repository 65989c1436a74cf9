/** A host that takes mail, counts it, and has its moods: some recipients are not wanted yet, some connections break. */
import { createServer, type AddressInfo, type Socket } from 'node:net'

export interface Sink {
  readonly port: number
  /** When each recipient's message was taken: more than once is a duplicate. */
  readonly taken: Map<string, number[]>
  /** Taken, and their sender did not hear of it. */
  readonly unheard: Set<string>
  /** What was refused for now, and connections broken before and after the last dot. */
  readonly moods: { later: number; brokenBefore: number; brokenAfter: number }
  close(): Promise<void>
}

/** @param chance an integer below its argument. */
export async function startSink(chance: (end: number) => number): Promise<Sink> {
  const taken = new Map<string, number[]>()
  const unheard = new Set<string>()
  const moods = { later: 0, brokenBefore: 0, brokenAfter: 0 }
  const sockets = new Set<Socket>()
  const talk = (socket: Socket): void => {
    let rest = ''
    let inData = false
    let recipients: string[] = []
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    const say = (line: string): void => void socket.write(`${line}\r\n`)
    say('220 sink')
    const line = (text: string): void => {
      if (inData) {
        if (text !== '.') return
        inData = false
        if (chance(60) === 0) {
          moods.brokenBefore++
          socket.destroy()
          return
        }
        for (const recipient of recipients) taken.set(recipient, [...(taken.get(recipient) ?? []), Date.now()])
        // Taken, and the sender never hears of it: it has to send it again.
        if (chance(200) === 0) {
          moods.brokenAfter++
          for (const recipient of recipients) unheard.add(recipient)
          socket.destroy()
          return
        }
        recipients = []
        return say('250 2.0.0 taken')
      }
      const verb = text.slice(0, 4).toUpperCase()
      if (verb === 'EHLO') say('250 sink')
      else if (verb === 'RCPT') {
        if (chance(20) === 0) {
          moods.later++
          return say('450 4.2.0 not now')
        }
        recipients.push(/<(.*?)>/.exec(text)![1]!)
        say('250 2.1.5 ok')
      } else if (verb === 'DATA') {
        if (recipients.length === 0) return say('554 5.5.1 nobody')
        inData = true
        say('354 go on')
      } else if (verb === 'QUIT') {
        say('221 bye')
        socket.end()
      } else {
        if (verb === 'RSET' || verb === 'MAIL') recipients = []
        say('250 2.0.0 ok')
      }
    }
    socket.on('data', (bytes: Buffer) => {
      const lines = (rest + bytes.toString('latin1')).split('\r\n')
      rest = lines.pop()!
      for (const one of lines) if (!socket.destroyed) line(one)
    })
  }
  const server = createServer(talk)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    taken,
    unheard,
    moods,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
