/** MAIL to 250 at 100 sessions: how long one client waits while 99 others send, command by command and pipelined. */
import { startPennypost } from './support/pennypost.ts'
import { startPostfix } from './support/postfix.ts'
import { bench, rounds } from './support/scratch.ts'
import { smtpLoad } from './support/smtp-load.ts'
import type { Server } from './support/server.ts'
import { median, percentile } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

async function run(server: Server, messages: number, sessions: number, pipelined: boolean): Promise<number[]> {
  const load = { messages, sessions, bytes: 4000, pipelined }
  const { latencies } = await smtpLoad(server.port.smtp!, 'admin@bench.test', load)
  await server.settled()
  return [percentile(latencies, 0.5), percentile(latencies, 0.99)]
}

const of = (runs: number[][], at: number): number => median(runs.map((one) => one[at]!))

await bench(async () => {
  const postfix = await startPostfix({ transport: 'discard:', smtpdMax: 110 })
  const pennypost = await startPennypost({ services: ['smtp'], profile: process.env.BENCH_PROFILE })
  console.log(`Pennypost: ${pennypost.durability}\nPostfix:   ${postfix.durability}`)
  await run(pennypost, 5000, 100, false)
  await run(postfix, 1000, 100, false)
  const table = new Table('4 KB, MAIL to 250', 'ours ms p50', 'p99', 'Postfix p50', 'p99', 'ratio p50', 'p99', 'aim')
  const cases = [
    { title: '1 session', sessions: 1, pipelined: false, aim: 'p50', atMost: 0.6 },
    { title: '100 sessions', sessions: 100, pipelined: false, aim: 'p99', atMost: 0.1 },
    { title: '100 sessions, pipelined', sessions: 100, pipelined: true, aim: 'p50', atMost: 0.2 },
  ]
  for (const { title, sessions, pipelined, aim, atMost } of cases) {
    const ours: number[][] = []
    const theirs: number[][] = []
    for (let round = 0; round < rounds; round += 1) {
      ours.push(await run(pennypost, sessions === 1 ? 2000 : 6000, sessions, pipelined))
      theirs.push(await run(postfix, sessions === 1 ? 1000 : 1500, sessions, pipelined))
    }
    const ratios = [of(ours, 0) / of(theirs, 0), of(ours, 1) / of(theirs, 1)]
    table.add(
      title,
      of(ours, 0),
      of(ours, 1),
      of(theirs, 0),
      of(theirs, 1),
      ratios[0],
      ratios[1],
      `${aim} ${verdict(ratios[aim === 'p50' ? 0 : 1]!, { atMost })}`,
    )
  }
  table.print('Latency')
})
