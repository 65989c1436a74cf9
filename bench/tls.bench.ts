/** Accepting mail over STARTTLS: sessions that stay, and a connection and handshake for each message. One RSA certificate for both sides. */
import { join } from 'node:path'
import { cpuSeconds } from './support/processes.ts'
import { startPennypost } from './support/pennypost.ts'
import { startPostfix } from './support/postfix.ts'
import { bench, rounds, runProgram, scratchFolder } from './support/scratch.ts'
import type { Server } from './support/server.ts'
import { smtpLoad } from './support/smtp-load.ts'
import { median } from './support/statistics.ts'
import { Table } from './support/table.ts'

const rows = [
  { title: '4 KB, 50 sessions', sessions: 50, newConnections: false, ours: 4000, theirs: 1500 },
  { title: '4 KB, 20, a handshake each', sessions: 20, newConnections: true, ours: 1200, theirs: 600 },
] as const

async function measure(server: Server, row: (typeof rows)[number], messages: number): Promise<number[]> {
  const before = cpuSeconds(server.pid)
  const { sessions, newConnections } = row
  const load = { messages, sessions, bytes: 4000, pipelined: false, startTls: true, newConnections }
  const { perSecond } = await smtpLoad(server.port.smtp!, 'admin@bench.test', load)
  await server.settled()
  return [perSecond, ((cpuSeconds(server.pid) - before) / messages) * 1000]
}

await bench(async () => {
  const folder = scratchFolder('certificate')
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await runProgram('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=mx.bench.test'],
    ...['-addext', 'subjectAltName=DNS:mx.bench.test', '-keyout', key, '-out', cert],
  ])
  const postfix = await startPostfix({ transport: 'discard:', smtpdMax: 110, tls: { cert, key } })
  const pennypost = await startPennypost({
    services: ['smtp'],
    tables: `[tls]\nsource = "files"\ncert = "${cert}"\nkey = "${key}"\n`,
    profile: process.env.BENCH_PROFILE,
  })
  console.log(`Pennypost: ${pennypost.durability}\nPostfix:   ${postfix.durability}`)
  await measure(pennypost, rows[0], 3000)
  await measure(postfix, rows[0], 500)
  const table = new Table('STARTTLS', 'ours /s', 'Postfix /s', 'ratio', 'ours CPU s/1,000', 'Postfix', 'ratio')
  for (const row of rows) {
    const ours: number[][] = []
    const theirs: number[][] = []
    for (let round = 0; round < rounds; round++) {
      ours.push(await measure(pennypost, row, row.ours))
      theirs.push(await measure(postfix, row, row.theirs))
    }
    const of = (runs: number[][], at: number): number => median(runs.map((run) => run[at]!))
    table.add(
      row.title,
      of(ours, 0),
      of(theirs, 0),
      of(ours, 0) / of(theirs, 0),
      of(ours, 1),
      of(theirs, 1),
      of(ours, 1) / of(theirs, 1),
    )
  }
  table.print('Accepting mail over STARTTLS')
})
