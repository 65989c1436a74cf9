/**
 * A queue of a million: recipients of ten thousand domains whose host is down. What the process weighs, how soon it starts on such a
 * folder, and how soon a letter that can go is gone while all of them wait. No peer: its aims are the design's own.
 */
import { silentLog } from '../src/base/log.ts'
import { Wheel } from '../src/base/wheel.ts'
import { realClock } from '../src/platform/real/clock.ts'
import { realNetwork } from '../src/platform/real/network.ts'
import { SmtpClient } from '../src/protocol/smtp/client.ts'
import { startPennypost, type Pennypost } from './support/pennypost.ts'
import { memory } from './support/processes.ts'
import { bench, freePorts, quick } from './support/scratch.ts'
import { moodlessSink } from './support/smtp-sink.ts'
import { median, percentile } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

const recipientsEach = 1000
const messages = quick ? 100 : 1000
const domains = 10_000
const letters = 40

function client(port: number): Promise<SmtpClient> {
  return SmtpClient.connect({
    network: realNetwork,
    clock: realClock,
    wheel: new Wheel(realClock),
    log: silentLog,
    address: '127.0.0.1',
    port,
    connectTimeoutMs: 5000,
    hostname: 'client.bench.test',
  })
}

const body = Buffer.from(`Subject: to all\r\n\r\n${'Hello all of you.\r\n'.repeat(200)}`)
const bytes = { sizeBytes: body.length, read: (start: number, end: number) => body.subarray(start, end) }

async function send(port: number, reversePath: string, recipients: readonly string[]): Promise<void> {
  const smtp = await client(port)
  const { recipients: replies } = await smtp.send({ reversePath, recipients, body: '7bit', smtpUtf8: false }, bytes)
  if (!replies.every(({ code }) => code === 250)) throw new Error('a recipient was refused')
  await smtp.quit()
}

await bench(async () => {
  const sink = await moodlessSink()
  const [deadPort] = await freePorts(1)
  const options = {
    services: ['smtp'] as const,
    top: 'trustedNetworks = ["127.0.0.0/8"]\n',
    tables: `[[route]]\ndomain = "*"\nto = "127.0.0.1:${deadPort}"\ntls = "none"\n[[route]]\ndomain = "live.test"\nto = "127.0.0.1:${sink.port}"\ntls = "none"\n`,
  }

  /** From the letter's connect until the host beyond has it, ms each. */
  async function letterTimes(server: Pennypost): Promise<number[]> {
    const times: number[] = []
    for (let n = 0; n < letters; n++) {
      const there = sink.more(1)
      const startedAt = performance.now()
      await send(server.port.smtp!, `friend${n}@elsewhere.test`, ['you@live.test'])
      await there
      times.push(performance.now() - startedAt)
    }
    return times
  }

  const table = new Table('a queue of a million', 'empty', 'full', 'aim')
  const rss = (server: Pennypost): number => memory(server.pid).rssKiB / 1024
  const first = await startPennypost(options)
  // Its keys are made, as they are later on.
  await first.stop()
  let server = await startPennypost({ ...options, again: first })
  const emptyStart = server.listeningAfterMs
  await letterTimes(server)
  const emptyTimes = await letterTimes(server)
  const emptyRss = rss(server)

  const startedAt = performance.now()
  let next = 0
  const during: number[] = []
  for (let message = 0; message < messages; message++) {
    const recipients = Array.from({ length: recipientsEach }, () => `r${next}@d${next++ % domains}.test`)
    const sent = send(server.port.smtp!, 'list@bench.test', recipients)
    if (message % 25 === 24) {
      const there = sink.more(1)
      const letterAt = performance.now()
      await send(server.port.smtp!, `friend${message}@elsewhere.test`, ['you@live.test'])
      await there
      during.push(performance.now() - letterAt)
    }
    await sent
  }
  const seconds = (performance.now() - startedAt) / 1000
  console.log(
    `${next.toLocaleString('en-US')} recipients queued in ${seconds.toFixed(1)} s: ${Math.round(next / seconds)} a second`,
  )
  const filledRss = rss(server)
  const fullTimes = await letterTimes(server)
  await server.stop()
  server = await startPennypost({ ...options, again: server })
  const fullStart = server.listeningAfterMs
  const againTimes = await letterTimes(server)
  const fullRss = rss(server)

  table.add('start until it listens, ms', emptyStart, fullStart, verdict(fullStart / emptyStart, { atMost: 1.5 }))
  table.add('RSS after filling, MiB', emptyRss, filledRss, verdict(filledRss, { atMost: 300 }))
  table.add('RSS after a start, MiB', emptyRss, fullRss, verdict(fullRss, { atMost: 300 }))
  table.add('a letter is there, p50 ms', median(emptyTimes), median(fullTimes), '')
  table.add(
    'a letter is there, p99 ms',
    percentile(emptyTimes, 0.99),
    percentile(fullTimes, 0.99),
    verdict(percentile(fullTimes, 0.99), { atMost: 1000 }),
  )
  table.add(
    '… while the list comes in, p99 ms',
    '',
    percentile(during, 0.99),
    verdict(percentile(during, 0.99), { atMost: 1000 }),
  )
  table.add(
    '… after a start, p99 ms',
    '',
    percentile(againTimes, 0.99),
    verdict(percentile(againTimes, 0.99), { atMost: 1000 }),
  )
  table.print('The queue at depth')
})
