/**
 * Accepting mail: smtp-source against Pennypost, which files each message in a mailbox before it says 250, and against
 * Postfix, which puts it into its queue and then hands it to `discard:`, the cheapest delivery it has.
 */
import { cpuSeconds, memory } from './support/processes.ts'
import { startPennypost } from './support/pennypost.ts'
import { startPostfix } from './support/postfix.ts'
import { bench, rounds } from './support/scratch.ts'
import type { Server } from './support/server.ts'
import { smtpSource, type SmtpSourceLoad } from './support/smtp-source.ts'
import { median } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

interface Row extends Omit<SmtpSourceLoad, 'messages'> {
  readonly title: string
  /** Messages a round: enough for seconds, ours and theirs. */
  readonly ours: number
  readonly theirs: number
  readonly rate: { readonly atLeast: number }
  readonly cpu?: { readonly atMost: number }
}

const rows: readonly Row[] = [
  {
    title: '4 KB, 1 session, reuse',
    sessions: 1,
    bytes: 4000,
    reuse: true,
    ours: 3000,
    theirs: 1500,
    rate: { atLeast: 1.5 },
  },
  {
    title: '4 KB, 100, reuse',
    sessions: 100,
    bytes: 4000,
    reuse: true,
    ours: 10_000,
    theirs: 2000,
    rate: { atLeast: 7 },
    cpu: { atMost: 0.2 },
  },
  {
    title: '4 KB, 100, new connection each',
    sessions: 100,
    bytes: 4000,
    reuse: false,
    ours: 5000,
    theirs: 1500,
    rate: { atLeast: 3.5 },
    cpu: { atMost: 0.25 },
  },
  {
    title: '4 KB, 1,000 sessions',
    sessions: 1000,
    bytes: 4000,
    reuse: true,
    ours: 10_000,
    theirs: 2000,
    rate: { atLeast: 10 },
  },
  { title: '64 KB, 20', sessions: 20, bytes: 64_000, reuse: true, ours: 3000, theirs: 1500, rate: { atLeast: 3 } },
  {
    title: '1 MB, 20',
    sessions: 20,
    bytes: 1_000_000,
    reuse: true,
    ours: 300,
    theirs: 200,
    rate: { atLeast: 1.5 },
    cpu: { atMost: 0.4 },
  },
]

interface Measured {
  readonly perSecond: number
  readonly cpuPerThousand: number
  readonly pssMiB: number
}

async function measure(server: Server, row: Row, messages: number): Promise<Measured> {
  const before = cpuSeconds(server.pid)
  const perSecond = await smtpSource(server.port.smtp!, 'admin@bench.test', { ...row, messages })
  const { pssKiB } = memory(server.pid)
  await server.settled()
  return {
    perSecond,
    cpuPerThousand: ((cpuSeconds(server.pid) - before) / messages) * 1000,
    pssMiB: pssKiB / 1024,
  }
}

const of = (runs: Measured[], key: keyof Measured): number => median(runs.map((run) => run[key]))

await bench(async () => {
  const wanted = process.env.BENCH_ROW
  // One smtpd for each of the 1,000 sessions; Debian's default of 100 would leave 900 waiting for a greeting.
  const postfix = await startPostfix({ transport: 'discard:', smtpdMax: 1100 })
  const pennypost = await startPennypost({
    services: ['smtp'],
    profile: process.env.BENCH_PROFILE,
  })
  console.log(`Pennypost: ${pennypost.durability}\nPostfix:   ${postfix.durability}`)
  const warm = { sessions: 100, bytes: 4000, reuse: true }
  await smtpSource(pennypost.port.smtp!, 'admin@bench.test', { ...warm, messages: 5000 })
  await smtpSource(postfix.port.smtp!, 'admin@bench.test', { ...warm, messages: 1000 })

  const table = new Table(
    'row',
    'ours /s',
    'Postfix /s',
    'ratio',
    'aim',
    'ours CPU s/1,000',
    'Postfix',
    'ratio',
    'aim',
    'ours PSS MiB',
    'Postfix',
  )
  for (const row of rows) {
    if (wanted !== undefined && !row.title.includes(wanted)) continue
    const ours: Measured[] = []
    const theirs: Measured[] = []
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await measure(pennypost, row, row.ours))
      theirs.push(await measure(postfix, row, row.theirs))
    }
    const rate = of(ours, 'perSecond') / of(theirs, 'perSecond')
    const cpu = of(ours, 'cpuPerThousand') / of(theirs, 'cpuPerThousand')
    table.add(
      row.title,
      of(ours, 'perSecond'),
      of(theirs, 'perSecond'),
      rate,
      verdict(rate, row.rate),
      of(ours, 'cpuPerThousand'),
      of(theirs, 'cpuPerThousand'),
      cpu,
      row.cpu ? verdict(cpu, row.cpu) : '',
      of(ours, 'pssMiB'),
      of(theirs, 'pssMiB'),
    )
  }
  table.print('Accepting mail')
})
