/**
 * IMAP at 10,000 messages of 6.3 KB: the same commands to Pennypost and to Dovecot on sdbox and on Maildir, one after
 * the other in turn. The best Dovecot counts. BENCH_MESSAGES sets another number.
 */
import { startDovecot } from './support/dovecot.ts'
import { ImapClient, messageCount } from './support/imap-client.ts'
import { fill, messageBytes, messages, rows, type Row, type Side } from './support/imap-rows.ts'
import { startPennypost } from './support/pennypost.ts'
import { cpuSeconds } from './support/processes.ts'
import { bench, quick } from './support/scratch.ts'
import { median } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

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
