/**
 * Relaying: smtp-source hands messages in, the queue takes them, smtp-sink has them when it has counted them all. Both sides write each
 * message to the disk before they say 250, and have 20 connections to the one place that it goes to.
 */
import { cpuSeconds, memory } from './support/processes.ts'
import { startPennypost } from './support/pennypost.ts'
import { startPostfix } from './support/postfix.ts'
import { bench, rounds } from './support/scratch.ts'
import type { Server } from './support/server.ts'
import { moodySink, smtpSink, type Sink } from './support/smtp-sink.ts'
import { smtpSource } from './support/smtp-source.ts'
import { median } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

interface Row {
  readonly title: string
  readonly domain: 'plain.test' | 'moody.test'
  readonly sessions: number
  readonly bytes: number
  /** Messages a round. */
  readonly ours: number
  readonly theirs: number
  readonly aim?: { readonly atLeast: number }
  /** Messages a second of CPU, ours. */
  readonly perCoreAim?: { readonly atLeast: number }
}

const rows: readonly Row[] = [
  {
    title: '4 KB, 100 sessions in',
    domain: 'plain.test',
    sessions: 100,
    bytes: 4000,
    ours: 10_000,
    theirs: 2000,
    aim: { atLeast: 5 },
  },
  { title: '4 KB, 1 session in', domain: 'plain.test', sessions: 1, bytes: 4000, ours: 1500, theirs: 800 },
  {
    title: '100 KB, 20 sessions in',
    domain: 'plain.test',
    sessions: 20,
    bytes: 100_000,
    ours: 1500,
    theirs: 800,
    perCoreAim: { atLeast: 150 },
  },
  {
    title: '4 KB, a host with moods: slow, not now, no, cut off',
    domain: 'moody.test',
    sessions: 20,
    bytes: 4000,
    ours: 1500,
    theirs: 800,
  },
]

interface Measured {
  readonly perSecond: number
  readonly cpuPerThousand: number
  readonly pssMiB: number
}

async function measure(server: Server, sink: Sink, row: Row, messages: number): Promise<Measured> {
  const before = cpuSeconds(server.pid)
  const startedAt = performance.now()
  const { sessions, bytes, domain } = row
  const there = sink.more(messages)
  // A host with moods refuses some: nobody is told, or two servers that have nobody to tell would be measured.
  const sender = domain === 'moody.test' ? '' : undefined
  await smtpSource(server.port.smtp!, `someone@${domain}`, { sessions, bytes, reuse: true, messages, sender })
  await there
  const seconds = (performance.now() - startedAt) / 1000
  const { pssKiB } = memory(server.pid)
  await server.settled()
  return {
    perSecond: messages / seconds,
    cpuPerThousand: ((cpuSeconds(server.pid) - before) / messages) * 1000,
    pssMiB: pssKiB / 1024,
  }
}

const of = (runs: Measured[], key: keyof Measured): number => median(runs.map((run) => run[key]))

await bench(async () => {
  const wanted = process.env.BENCH_ROW
  const sinks = async () => ({ 'plain.test': await smtpSink(), 'moody.test': await moodySink() })
  const [ourSinks, theirSinks] = [await sinks(), await sinks()]
  const postfix = await startPostfix({
    transport: 'discard:',
    routes: Object.fromEntries(
      Object.entries(theirSinks).map(([domain, { port }]) => [domain, `smtp:[127.0.0.1]:${port}`]),
    ),
    smtpdMax: 110,
    deliveriesMax: 20,
    retryAfterSeconds: 1,
  })
  const routes = Object.entries(ourSinks).map(
    ([domain, { port }]) => `[[route]]\ndomain = "${domain}"\nto = "127.0.0.1:${port}"\ntls = "none"\n`,
  )
  const pennypost = await startPennypost({
    services: ['smtp'],
    top: 'trustedNetworks = ["127.0.0.0/8"]\n',
    tables: `[transfer]\nretryAfterMs = ["1s"]\n${routes.join('')}`,
    profile: process.env.BENCH_PROFILE,
  })
  console.log(`Pennypost: ${pennypost.durability}\nPostfix:   ${postfix.durability}`)
  const warm = { ...rows[0]!, title: 'warm-up' }
  await measure(pennypost, ourSinks[warm.domain], warm, 5000)
  await measure(postfix, theirSinks[warm.domain], warm, 1000)

  const table = new Table(
    'row',
    'ours /s',
    'Postfix /s',
    'ratio',
    'aim',
    'ours CPU s/1,000',
    'Postfix',
    'ratio',
    'ours /CPU s',
    'aim',
    'ours PSS MiB',
    'Postfix',
  )
  for (const row of rows) {
    if (wanted !== undefined && !row.title.includes(wanted)) continue
    const ours: Measured[] = []
    const theirs: Measured[] = []
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await measure(pennypost, ourSinks[row.domain], row, row.ours))
      theirs.push(await measure(postfix, theirSinks[row.domain], row, row.theirs))
    }
    const rate = of(ours, 'perSecond') / of(theirs, 'perSecond')
    const perCore = 1000 / of(ours, 'cpuPerThousand')
    table.add(
      row.title,
      of(ours, 'perSecond'),
      of(theirs, 'perSecond'),
      rate,
      row.aim ? verdict(rate, row.aim) : '',
      of(ours, 'cpuPerThousand'),
      of(theirs, 'cpuPerThousand'),
      of(ours, 'cpuPerThousand') / of(theirs, 'cpuPerThousand'),
      perCore,
      row.perCoreAim ? verdict(perCore, row.perCoreAim) : '',
      of(ours, 'pssMiB'),
      of(theirs, 'pssMiB'),
    )
  }
  table.print('Relaying: in, durable queue, out')
})
