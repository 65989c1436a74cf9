/**
 * IMAP at 10,000 messages of 6.3 KB: the same commands to Pennypost and to Dovecot on sdbox and on Maildir, one after
 * the other in turn. The best Dovecot counts. BENCH_MESSAGES sets another number.
 */
import { startDovecot } from './support/dovecot.ts'
import { ImapClient, messageCount } from './support/imap-client.ts'
import { mailMessage } from './support/messages.ts'
import { startPennypost } from './support/pennypost.ts'
import { cpuSeconds } from './support/processes.ts'
import { bench, quick } from './support/scratch.ts'
import type { Server } from './support/server.ts'
import { median } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

const messages = Number(process.env.BENCH_MESSAGES ?? 10_000)
const messageBytes = 6300

interface Side {
  readonly name: string
  readonly server: Server & { readonly user: { readonly name: string; readonly password: string } }
  readonly port: number
  client: ImapClient
}

/** Messages of one MULTIAPPEND (RFC 3502): a sync for each would take Dovecot minutes. */
const batch = 50

async function fill(side: Side): Promise<void> {
  const clients = await Promise.all(Array.from({ length: 4 }, () => ImapClient.login(side.port, side.server.user)))
  let next = 0
  await Promise.all(
    clients.map(async (client) => {
      while (next < messages) {
        const first = next
        next = Math.min(messages, next + batch)
        const pieces: Buffer[] = []
        for (let at = first; at < next; at += 1) {
          const message = mailMessage(at, messageBytes)
          pieces.push(Buffer.from(`${at === first ? 'APPEND INBOX' : ''} (\\Seen) {${message.length}+}\r\n`), message)
        }
        await client.ask(pieces.shift()!.toString().trimEnd(), ...pieces)
      }
    }),
  )
  for (const client of clients) client.close()
}

/** Runs and says what it took: ms, or what else `unit` names. */
type Run = (side: Side) => Promise<number>

interface Row {
  readonly title: string
  readonly unit: 'ms' | 'MB/s' | '/s'
  readonly repeats: number
  readonly aim?: { readonly atLeast?: number; readonly atMost?: number }
  readonly run: Run
  /** Not measured. */
  readonly after?: (side: Side) => Promise<unknown>
}

const timed =
  (command: string): Run =>
  async (side) =>
    (await side.client.ask(command)).ms

async function onConnections(
  side: Side,
  connections: number,
  each: (client: ImapClient, turn: number) => Promise<unknown>,
  turns: number,
  select?: string,
): Promise<number> {
  const clients = await Promise.all(
    Array.from({ length: connections }, () => ImapClient.login(side.port, side.server.user, { select })),
  )
  let next = 0
  const startedAt = performance.now()
  await Promise.all(
    clients.map(async (client) => {
      while (next < turns) await each(client, next++)
    }),
  )
  const perSecond = (turns / (performance.now() - startedAt)) * 1000
  for (const client of clients) client.close()
  return perSecond
}

const small = mailMessage(0, 4000)
const append = (client: ImapClient): Promise<unknown> => client.ask(`APPEND Appended {${small.length}+}`, small)
const emptied = async (side: Side, mailbox: string): Promise<void> => {
  await side.client.ask(`DELETE ${mailbox}`)
  await side.client.ask(`CREATE ${mailbox}`)
}

const rows: readonly Row[] = [
  {
    title: 'LOGIN + SELECT, view in memory',
    unit: 'ms',
    repeats: 15,
    aim: { atMost: 1 },
    async run(side) {
      const at = performance.now()
      const client = await ImapClient.login(side.port, side.server.user, { select: 'INBOX' })
      const ms = performance.now() - at
      client.close()
      return ms
    },
  },
  {
    title: 'FETCH 1:* (UID FLAGS)',
    unit: 'ms',
    repeats: 15,
    aim: { atMost: 0.5 },
    run: timed('FETCH 1:* (UID FLAGS)'),
  },
  {
    title: 'FETCH 1:* (ENVELOPE BODYSTRUCTURE), warm',
    unit: 'ms',
    repeats: 7,
    aim: { atMost: 0.35 },
    run: timed('FETCH 1:* (ENVELOPE BODYSTRUCTURE)'),
  },
  {
    title: 'FETCH 1:* BODY.PEEK[]',
    unit: 'MB/s',
    repeats: 5,
    aim: { atLeast: 1.4 },
    async run(side) {
      const { bytes, ms } = await side.client.ask('FETCH 1:* BODY.PEEK[]')
      return bytes / 1000 / ms
    },
  },
  {
    title: 'SEARCH TEXT, nothing found',
    unit: 'ms',
    repeats: 3,
    aim: { atMost: 0.67 },
    run: timed('SEARCH TEXT zzqqxxnowhere'),
  },
  {
    title: 'STORE 1:* +FLAGS.SILENT (\\Flagged)',
    unit: 'ms',
    repeats: 7,
    aim: { atMost: 1.5 },
    run: timed('STORE 1:* +FLAGS.SILENT (\\Flagged)'),
    after: (side) => side.client.ask('STORE 1:* -FLAGS.SILENT (\\Flagged)'),
  },
  {
    title: 'COPY 1:*',
    unit: 'ms',
    repeats: 5,
    aim: { atMost: 0.15 },
    run: timed('COPY 1:* Copied'),
    after: (side) => emptied(side, 'Copied'),
  },
  {
    title: 'APPEND 4 KB, 1 connection',
    unit: '/s',
    repeats: 3,
    aim: { atLeast: 1 },
    run: (side) => onConnections(side, 1, append, 800),
    after: (side) => emptied(side, 'Appended'),
  },
  {
    title: 'APPEND 4 KB, 20 connections',
    unit: '/s',
    repeats: 3,
    aim: { atLeast: 4 },
    run: (side) => onConnections(side, 20, append, 2000),
    after: (side) => emptied(side, 'Appended'),
  },
  {
    title: 'NOOP, 50 connections',
    unit: '/s',
    repeats: 3,
    aim: { atLeast: 3 },
    run: (side) => onConnections(side, 50, (client) => client.ask('NOOP'), 20_000, 'INBOX'),
  },
  {
    title: 'FETCH n BODY.PEEK[], 50 connections',
    unit: '/s',
    repeats: 3,
    aim: { atLeast: 2.5 },
    run: (side) =>
      onConnections(
        side,
        50,
        (client, turn) => client.ask(`FETCH ${((turn * 7919) % messages) + 1} BODY.PEEK[]`),
        10_000,
        'INBOX',
      ),
  },
]

interface Measured {
  readonly value: number
  readonly cpuMs: number
}

async function measure(side: Side, row: Row): Promise<Measured> {
  const before = cpuSeconds(side.server.pid)
  const value = await row.run(side)
  const cpuMs = (cpuSeconds(side.server.pid) - before) * 1000
  await row.after?.(side)
  return { value, cpuMs }
}

await bench(async () => {
  let pennypost = await startPennypost({ services: ['imap'] })
  const servers = [pennypost, await startDovecot({ format: 'sdbox' }), await startDovecot({ format: 'maildir' })]
  for (const server of servers) console.log(`${server.name}: ${server.durability}`)
  const sides: Side[] = []
  for (const server of servers) {
    const port = server.port.imap!
    const side: Side = { name: server.name, server, port, client: await ImapClient.login(port, server.user) }
    await side.client.ask('CREATE Copied')
    await side.client.ask('CREATE Appended')
    await fill(side)
    await side.client.ask('SELECT INBOX')
    if ((await messageCount(side.client, 'INBOX')) !== messages) throw new Error(`${side.name} was not filled`)
    sides.push(side)
  }

  if (process.env.BENCH_PROFILE !== undefined) {
    // The profile shall show reading, not the filling.
    const side = sides[0]!
    side.client.close()
    await pennypost.stop()
    pennypost = await startPennypost({ services: ['imap'], again: pennypost, profile: process.env.BENCH_PROFILE })
    const port = pennypost.port.imap!
    const client = await ImapClient.login(port, pennypost.user, { select: 'INBOX' })
    sides[0] = { ...side, server: pennypost, port, client }
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
  const add = (row: Pick<Row, 'title' | 'unit' | 'aim'>, runs: readonly (readonly Measured[])[]): void => {
    const values = runs.map((run) => median(run.map(({ value }) => value)))
    const cpu = runs.map((run) => run.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / run.length)
    const [mine, ...others] = values as [number, ...number[]]
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
  const wanted = process.env.BENCH_ROW
  for (const row of rows.filter(({ title }) => wanted === undefined || title.includes(wanted))) {
    const runs: Measured[][] = sides.map(() => [])
    // The first turn warms up and is not counted.
    for (let turn = 0; turn <= (quick ? 1 : row.repeats); turn += 1) {
      for (const [at, side] of sides.entries()) {
        const measured = await measure(side, row)
        if (turn > 0) runs[at]!.push(measured)
      }
    }
    add(row, runs)
  }

  if (wanted === undefined || wanted === 'after a start') {
    // Cold is ours alone: Dovecot's process is a new one with each connection, so it always begins where we begin after a start.
    // Its LOGIN hashes the password, which Dovecot's static one does not need; SELECT is therefore told apart.
    const whole: Measured[][] = [[], [], []]
    const selects: Measured[][] = [[], [], []]
    let ours = pennypost
    for (let turn = 0; turn < (quick ? 1 : 3); turn += 1) {
      for (const side of sides) side.client.close()
      await ours.stop()
      ours = await startPennypost({ services: ['imap'], again: pennypost })
      for (const [at, side] of sides.entries()) {
        const server = at === 0 ? ours : side.server
        const before = cpuSeconds(server.pid)
        const startedAt = performance.now()
        const client = await ImapClient.login(server.port.imap!, server.user)
        const cpuLogin = cpuSeconds(server.pid)
        const { ms } = await client.ask('SELECT INBOX')
        const value = performance.now() - startedAt
        const cpu = cpuSeconds(server.pid)
        whole[at]!.push({ value, cpuMs: (cpu - before) * 1000 })
        selects[at]!.push({ value: ms, cpuMs: (cpu - cpuLogin) * 1000 })
        client.close()
      }
    }
    add({ title: 'LOGIN + SELECT, after a start', unit: 'ms', aim: { atMost: 1 } }, whole)
    add({ title: 'of it SELECT', unit: 'ms' }, selects)
  }
  table.print(`IMAP, ${messageBytes / 1000} KB each`)
})
