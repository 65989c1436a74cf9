/** Another party's SMTP host on the simulated internet: it says what a story wants, and remembers connections and transactions. */
import type { Connection } from '../../src/base/network.ts'
import type { World } from './world.ts'

export interface Transaction {
  /** Which connection brought it, from 0. */
  readonly connection: number
  /** When the message was taken or refused, epoch milliseconds. */
  readonly atMs: number
  /** The same by the clock that nobody sets. */
  readonly monotonicMs: number
  /** As MAIL and RCPT had it, parameters too. */
  readonly mail: string
  readonly recipients: readonly string[]
  /** What came between DATA and the end, one character a byte, dots as they came. */
  readonly data: string
}

export interface PeerOptions {
  readonly address: string
  /** It speaks LMTP at this port, and says this for each recipient that it took; '' cuts the connection off there. */
  readonly lmtp?: { readonly port: number; readonly answer: (recipient: string) => string }
  /** Its MX name, and the domains that it serves. */
  readonly hostname: string
  readonly domains: readonly string[]
  /** Keywords of EHLO. */
  readonly keywords?: readonly string[]
  /** How long it thinks about each message, milliseconds. */
  readonly slowMs?: number
  /**
   * What it says instead of a 2xx: to the greeting, MAIL, RCPT or the end of data. '' cuts the connection off.
   * At `taken` the message is its own already: only '' has a meaning, and nobody hears that it was taken.
   */
  readonly refuse?: (stage: Stage, line: string) => string | undefined
}

export type Stage = 'greeting' | 'mail' | 'rcpt' | 'bdat' | 'data' | 'taken'

export class Peer {
  readonly taken: Transaction[] = []
  connections = 0
  /** Recipients of messages that it took without saying so. */
  readonly unheard = new Set<string>()
  /** Transactions under way, and the most that were. */
  busy = 0
  busiest = 0
  readonly #world: World
  readonly #options: PeerOptions

  private constructor(world: World, options: PeerOptions) {
    this.#world = world
    this.#options = options
  }

  static async start(world: World, options: PeerOptions): Promise<Peer> {
    const peer = new Peer(world, options)
    const { address, hostname, domains, lmtp } = options
    await world.internet.at(address).listen({ address, port: lmtp?.port ?? 25 }, (connection) => peer.#talk(connection))
    world.zone.names.set(hostname, { addresses: [address] })
    for (const domain of domains) world.zone.names.set(domain, { mx: [{ preference: 10, exchange: hostname }] })
    return peer
  }

  /** Addresses of all recipients that were taken. */
  get recipients(): string[] {
    return this.taken.flatMap(({ recipients }) => recipients)
  }

  #talk(connection: Connection): void {
    const { keywords = [], slowMs = 0, refuse = () => undefined, lmtp } = this.#options
    const { clock } = this.#world
    const number = this.connections++
    const say = (line: string): void => void (line === '' || connection.write(Buffer.from(`${line}\r\n`)))
    let rest = ''
    let inData = false
    let data: string[] = []
    let mail = ''
    let recipients: string[] = []
    const greeting = refuse('greeting', '')
    say(greeting ?? '220 peer')
    if (greeting !== undefined) return connection.end()
    const answer = (stage: Stage, line: string, yes: string): boolean => {
      const no = refuse(stage, line)
      if (no === '') connection.destroy()
      else say(no ?? yes)
      return no === undefined
    }
    const answerEach = (to: readonly string[]): void => {
      for (const recipient of to) {
        const reply = lmtp!.answer(recipient)
        if (reply === '') return connection.end()
        say(reply)
      }
    }
    const line = (text: string): void => {
      if (inData) {
        if (text !== '.') return void data.push(text)
        inData = false
        const body = data.map((one) => `${one}\r\n`).join('')
        data = []
        const [from, to] = [mail, recipients]
        ;[mail, recipients] = ['', []]
        clock.after(slowMs, () => {
          this.busy--
          const no = refuse('data', from)
          if (no === '') return connection.destroy()
          if (no !== undefined) return say(no)
          this.taken.push({
            connection: number,
            atMs: clock.now(),
            monotonicMs: clock.monotonic(),
            mail: from,
            recipients: to,
            data: body,
          })
          if (lmtp) return answerEach(to)
          if (refuse('taken', from) !== '') return say('250 2.0.0 taken')
          for (const recipient of to) this.unheard.add(recipient)
          connection.destroy()
        })
        return
      }
      const verb = text.split(' ')[0]!.toUpperCase()
      if (verb === (lmtp ? 'LHLO' : 'EHLO')) {
        const words = ['peer', ...keywords]
        for (const [i, word] of words.entries()) say(`250${i === words.length - 1 ? ' ' : '-'}${word}`)
      } else if (verb === 'MAIL') {
        mail = text.slice('MAIL FROM:'.length)
        answer('mail', mail, '250 2.1.0 ok')
      } else if (verb === 'RCPT') {
        if (answer('rcpt', text, '250 2.1.5 ok')) recipients.push(/<(.*?)>/.exec(text)![1]!)
      } else if (verb === 'BDAT') {
        answer('bdat', text, '250 2.0.0 ok')
      } else if (verb === 'DATA') {
        if (recipients.length === 0) return say('554 5.5.1 nobody')
        inData = true
        this.busiest = Math.max(this.busiest, ++this.busy)
        say('354 go on')
      } else if (verb === 'QUIT') {
        say('221 bye')
        connection.end()
      } else say(/^[EL]HLO$/.test(verb) ? '500 5.5.1 not here' : '250 2.0.0 ok')
    }
    connection.receive({
      data(chunk) {
        const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\r\n')
        rest = lines.pop()!
        for (const one of lines) line(one)
      },
      drain() {},
      end: () => connection.end(),
      close() {},
    })
  }
}
