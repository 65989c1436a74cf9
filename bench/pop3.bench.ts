/**
 * POP3 at 10,000 messages of 6.3 KB: every message by RETR, one at a time and pipelined, from Pennypost and from Dovecot
 * on sdbox and on Maildir, in turn. The best Dovecot counts. BENCH_MESSAGES sets another number.
 */
import { startDovecot } from './support/dovecot.ts'
import { ImapClient } from './support/imap-client.ts'
import { mailMessage } from './support/messages.ts'
import { startPennypost } from './support/pennypost.ts'
import { Pop3Client } from './support/pop3-client.ts'
import { cpuSeconds } from './support/processes.ts'
import { bench, quick } from './support/scratch.ts'
import type { Server } from './support/server.ts'
import { median } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

const messages = Number(process.env.BENCH_MESSAGES ?? 10_000)
const messageBytes = 6300
/** Messages of one MULTIAPPEND: a sync for each would take Dovecot minutes. */
const batch = 50

type Side = Server & { readonly user: { readonly name: string; readonly password: string } }

async function fill(side: Side): Promise<void> {
  const client = await ImapClient.login(side.port.imap!, side.user)
  for (let first = 0; first < messages; first += batch) {
    const pieces: Buffer[] = []
    for (let at = first; at < Math.min(messages, first + batch); at++) {
      const message = mailMessage(at, messageBytes)
      pieces.push(Buffer.from(`${at === first ? 'APPEND INBOX' : ''} {${message.length}+}\r\n`), message)
    }
    await client.ask(pieces.shift()!.toString().trimEnd(), ...pieces)
  }
  client.close()
}

interface Measured {
  readonly value: number
  readonly cpuMs: number
}

interface Row {
  readonly title: string
  readonly unit: '/s' | 'MB/s' | 'ms'
  readonly aim?: { readonly atLeast?: number; readonly atMost?: number }
  readonly run: (side: Side) => Promise<Measured>
}

async function session(side: Side, work: (client: Pop3Client) => Promise<number>): Promise<Measured> {
  const { client, messages: count } = await Pop3Client.login(side.port.pop3!, side.user)
  if (count !== messages) throw new Error(`${side.name} shows ${count} messages`)
  const before = cpuSeconds(side.pid)
  const value = await work(client)
  const cpuMs = (cpuSeconds(side.pid) - before) * 1000
  await client.ask('QUIT')
  client.close()
  return { value, cpuMs }
}

const rows: readonly Row[] = [
  {
    title: 'USER, PASS and STAT',
    unit: 'ms',
    async run(side) {
      const before = cpuSeconds(side.pid)
      const startedAt = performance.now()
      const { client } = await Pop3Client.login(side.port.pop3!, side.user)
      const value = performance.now() - startedAt
      const cpuMs = (cpuSeconds(side.pid) - before) * 1000
      await client.ask('QUIT')
      client.close()
      return { value, cpuMs }
    },
  },
  {
    title: 'RETR of all, one at a time',
    unit: '/s',
    aim: { atLeast: 1.5 },
    run: (side) =>
      session(side, async (client) => {
        const startedAt = performance.now()
        await client.retrieveAll(messages, false)
        return (messages / (performance.now() - startedAt)) * 1000
      }),
  },
  {
    title: 'RETR of all, pipelined',
    unit: 'MB/s',
    aim: { atLeast: 2 },
    run: (side) =>
      session(side, async (client) => {
        const startedAt = performance.now()
        const bytes = await client.retrieveAll(messages, true)
        return bytes / 1000 / (performance.now() - startedAt)
      }),
  },
]

await bench(async () => {
  const services = ['imap', 'pop3'] as const
  let pennypost = await startPennypost({ services })
  const sides: Side[] = [
    pennypost,
    await startDovecot({ format: 'sdbox', pop3: true }),
    await startDovecot({ format: 'maildir', pop3: true }),
  ]
  for (const side of sides) await fill(side)
  if (process.env.BENCH_PROFILE !== undefined) {
    // The profile shall show reading, not the filling.
    await pennypost.stop()
    pennypost = await startPennypost({ services, again: pennypost, profile: process.env.BENCH_PROFILE })
    sides[0] = pennypost
  }
  const table = new Table(
    `${messages.toLocaleString('en-US')} messages`,
    'unit',
    'ours',
    'sdbox',
    'maildir',
    'ratio to the best',
    'aim',
    'ours CPU ms',
    'best CPU ms',
  )
  for (const row of rows.filter(({ title }) => title.includes(process.env.BENCH_ROW ?? ''))) {
    const runs: Measured[][] = sides.map(() => [])
    // The first turn warms up and is not counted.
    for (let turn = 0; turn <= (quick ? 1 : 5); turn++) {
      for (const [at, side] of sides.entries()) {
        const measured = await row.run(side)
        if (turn > 0) runs[at]!.push(measured)
      }
    }
    const [mine, ...others] = runs.map((run) => median(run.map(({ value }) => value))) as [number, ...number[]]
    const cpu = runs.map((run) => run.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / run.length)
    const best = row.unit === 'ms' ? Math.min(...others) : Math.max(...others)
    const ratio = mine / best
    table.add(
      row.title,
      row.unit,
      mine,
      others[0],
      others[1],
      ratio,
      row.aim ? verdict(ratio, row.aim) : '',
      cpu[0],
      cpu[1 + others.indexOf(best)],
    )
  }
  table.print(`POP3, ${messageBytes / 1000} KB each`)
})
