/**
 * Start and rest: exec to the first greeting of all services, memory at rest, memory per idle IMAP connection in steps,
 * and news to all who idle. Dovecot beside us where it has the same row; Postfix and Dovecot together for the start.
 */
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDovecot } from './support/dovecot.ts'
import { ImapClient } from './support/imap-client.ts'
import { mailMessage } from './support/messages.ts'
import { startPennypost, type Pennypost, type PennypostService } from './support/pennypost.ts'
import { startPostfix } from './support/postfix.ts'
import { memory } from './support/processes.ts'
import { bench, rounds } from './support/scratch.ts'
import type { Server } from './support/server.ts'
import { median } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

const services: readonly PennypostService[] = ['smtp', 'submission', 'submissions', 'lmtp', 'imap', 'imaps']

/** Greets on a plain port: the server not only listens but answers. */
function greeting(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', reject)
    socket.once('data', () => {
      socket.destroy()
      resolve()
    })
  })
}

async function greetedAfter(again?: Pennypost): Promise<{ server: Pennypost; ms: number }> {
  const startedAt = performance.now()
  const server = await startPennypost({ services, again })
  await Promise.all([server.port.smtp!, server.port.submission!, server.port.lmtp!, server.port.imap!].map(greeting))
  return { server, ms: performance.now() - startedAt }
}

async function peerGreetedAfter(): Promise<number> {
  const startedAt = performance.now()
  const [dovecot, postfix] = await Promise.all([
    startDovecot({ format: 'sdbox' }),
    startPostfix({ transport: 'discard:' }),
  ])
  await Promise.all([greeting(postfix.port.smtp!), greeting(dovecot.port.imap!)])
  const ms = performance.now() - startedAt
  await Promise.all([dovecot.stop(), postfix.stop()])
  return ms
}

/** The server's memory once it has been left alone. */
async function restingKiB(server: Server): Promise<{ pssKiB: number; rssKiB: number }> {
  await sleep(3000)
  return memory(server.pid)
}

interface Idlers {
  readonly server: Server & { readonly user: { readonly name: string; readonly password: string } }
  readonly port: number
  readonly tls?: boolean
}

/** Opens idlers up to each step and says what one costs, KiB of PSS. The last step's stay open for `news`. */
async function idle(idlers: Idlers, steps: readonly number[], table: Table, title: string): Promise<ImapClient[]> {
  const clients: ImapClient[] = []
  const first = (await restingKiB(idlers.server)).pssKiB
  for (const step of steps) {
    while (clients.length < step) {
      const more = Math.min(100, step - clients.length)
      const opened = await Promise.all(
        Array.from({ length: more }, async () => {
          const client = await ImapClient.login(idlers.port, idlers.server.user, { tls: idlers.tls, select: 'INBOX' })
          await client.idle()
          return client
        }),
      )
      clients.push(...opened)
    }
    const { pssKiB } = await restingKiB(idlers.server)
    const each = (pssKiB - first) / step
    const aim =
      idlers.server.name === 'Pennypost' && !idlers.tls && step === steps.at(-1) ? verdict(each, { atMost: 8 }) : ''
    table.add(title, step, first / 1024, pssKiB / 1024, each, aim)
  }
  return clients
}

/** Milliseconds from an APPEND until the last idler was told, the median of some. */
async function news({ server, port }: Idlers, clients: readonly ImapClient[]): Promise<{ all: number; half: number }> {
  const writer = await ImapClient.login(port, server.user)
  const message = mailMessage(1, 4000)
  const all: number[] = []
  const half: number[] = []
  for (let turn = 0; turn <= rounds + 2; turn += 1) {
    const times: number[] = []
    const startedAt = performance.now()
    const told = clients.map(async (client) => {
      await client.until('EXISTS')
      times.push(performance.now() - startedAt)
    })
    await writer.ask(`APPEND INBOX {${message.length}+}`, message)
    const lost = sleep(20_000, undefined, { ref: false }).then(() => {
      throw new Error(`${server.name}: ${clients.length - times.length} idlers were not told within 20 s`)
    })
    await Promise.race([Promise.all(told), lost])
    if (turn > 0) {
      all.push(Math.max(...times))
      half.push(median(times))
    }
    await sleep(100)
  }
  writer.close()
  return { all: median(all), half: median(half) }
}

function closeAll(clients: readonly ImapClient[]): void {
  for (const client of clients) client.close()
}

await bench(async () => {
  const starts = new Table('start and rest', 'ours', 'Postfix + Dovecot', 'aim')
  const firstStarts: number[] = []
  const ours: number[] = []
  const theirs: number[] = []
  let server: Pennypost | undefined
  for (let round = 0; round < rounds; round += 1) {
    const first = await greetedAfter()
    firstStarts.push(first.ms)
    await first.server.stop()
    for (let turn = 0; turn < 2; turn += 1) {
      await server?.stop()
      const again = await greetedAfter(first.server)
      server = again.server
      ours.push(again.ms)
    }
    theirs.push(await peerGreetedAfter())
  }
  const startMs = median(ours)
  starts.add('exec to greeting of all services, ms', startMs, median(theirs), verdict(startMs, { atMost: 380 }))
  starts.add('the first start ever, ms', median(firstStarts), undefined, '')
  const rest = await restingKiB(server!)
  const postfix = await startPostfix({ transport: 'discard:' })
  const dovecot = await startDovecot({ format: 'sdbox' })
  await Promise.all([greeting(postfix.port.smtp!), greeting(dovecot.port.imap!)])
  const peers = [await restingKiB(postfix), await restingKiB(dovecot)]
  const sum = (key: 'pssKiB' | 'rssKiB'): number => peers.reduce((total, one) => total + one[key], 0) / 1024
  starts.add('PSS at rest, MiB', rest.pssKiB / 1024, sum('pssKiB'), verdict(rest.pssKiB / 1024, { atMost: 45 }))
  starts.add('RSS at rest, MiB', rest.rssKiB / 1024, sum('rssKiB'), '')
  await server!.stop()
  await postfix.stop()
  starts.print('Start and rest')

  const table = new Table('idle IMAP connections', 'number', 'PSS before MiB', 'PSS MiB', 'KiB each', 'aim')
  const told = new Table('news to all who idle', 'number', 'half told ms', 'all told ms', 'aim')
  const tell = async (
    idlers: Idlers,
    clients: readonly ImapClient[],
    title: string,
    atMost?: number,
  ): Promise<void> => {
    const { all, half } = await news(idlers, clients)
    told.add(title, clients.length, half, all, atMost === undefined ? '' : `ms ${verdict(all, { atMost })}`)
  }

  // Dovecot's idlers need an inotify instance each; what the kernel allows is said, not changed.
  const theirIdlers = { server: dovecot, port: dovecot.port.imap! }
  const dovecotClients = await idle(theirIdlers, [100], table, 'Dovecot, plain text')
  await tell(theirIdlers, dovecotClients, 'Dovecot')
  closeAll(dovecotClients)
  await dovecot.stop()

  // The client's sockets are handles of this process: the default limit allows a little less than 20,000 in all.
  const most = Number(process.env.BENCH_IDLERS ?? 10_000)
  const plain = await startPennypost({ services: ['imap', 'imaps'] })
  const plainIdlers = { server: plain, port: plain.port.imap! }
  const thousand = await idle(plainIdlers, [100, 1000], table, 'Pennypost, plain text')
  await tell(plainIdlers, thousand, 'Pennypost', 40)
  closeAll(thousand)
  await plain.stop()

  const many = await startPennypost({ services: ['imap', 'imaps'] })
  const manyIdlers = { server: many, port: many.port.imap! }
  const tenThousand = await idle(manyIdlers, [most / 2, most], table, 'Pennypost, plain text')
  await tell(manyIdlers, tenThousand, 'Pennypost', 250)
  closeAll(tenThousand)
  await many.stop()

  const secure = await startPennypost({ services: ['imap', 'imaps'] })
  const secureIdlers = { server: secure, port: secure.port.imaps!, tls: true }
  const overTls = await idle(secureIdlers, [1000], table, 'Pennypost, TLS')
  closeAll(overTls)
  await secure.stop()
  table.print('Idle connections')
  told.print('News to idlers')
})
