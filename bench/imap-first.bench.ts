/**
 * The first command of its kind in a fresh process, and the later ones (warm): two rows, since a program that compiles itself while it
 * runs is two programs. Ours is started anew for each turn and left alone for a second, as a start has clients; Dovecot has a new process
 * for each connection. BENCH_BUILDS="FOLDER …" adds builds of ours (`npm run build`), BENCH_ROUNDS says how many turns, BENCH_ROW, a pattern, picks
 * commands.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDovecot } from './support/dovecot.ts'
import { ImapClient, messageCount } from './support/imap-client.ts'
import { fill, messageBytes, messages, type Side } from './support/imap-rows.ts'
import { startPennypost } from './support/pennypost.ts'
import { cpuMsByThreads } from './support/processes.ts'
import { bench, quick } from './support/scratch.ts'
import { median } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

/** From "listening" to the first client. */
const restMs = 1000
const turns = Number(process.env.BENCH_ROUNDS ?? (quick ? 1 : 5))

interface Command {
  readonly title: string
  readonly unit: 'ms' | 'MB/s'
  readonly times: number
  readonly text: string
  /** Not measured. */
  readonly before?: (time: number) => string
  readonly after?: string
  readonly aims?: { readonly first: number; readonly warm?: number }
}

const allCommands: readonly Command[] = [
  { title: 'SELECT', unit: 'ms', times: 7, text: 'SELECT INBOX', aims: { first: 4 } },
  {
    title: 'FETCH 1:* (UID FLAGS)',
    unit: 'ms',
    times: 9,
    text: 'FETCH 1:* (UID FLAGS)',
    aims: { first: 6, warm: 2.5 },
  },
  {
    // No answer of before can be given again.
    title: 'FETCH 1:* (UID FLAGS), a flag changed',
    unit: 'ms',
    times: 9,
    text: 'FETCH 1:* (UID FLAGS)',
    before: (time) => `STORE 5000 ${time % 2 === 0 ? '+' : '-'}FLAGS.SILENT (\\Flagged)`,
    aims: { first: 6, warm: 2.5 },
  },
  {
    title: 'FETCH 1:* BODY.PEEK[]',
    unit: 'MB/s',
    times: 5,
    text: 'FETCH 1:* BODY.PEEK[]',
    aims: { first: 250, warm: 600 },
  },
  {
    title: 'STORE 1:* +FLAGS.SILENT (\\Flagged)',
    unit: 'ms',
    times: 7,
    text: 'STORE 1:* +FLAGS.SILENT (\\Flagged)',
    after: 'STORE 1:* -FLAGS.SILENT (\\Flagged)',
  },
]

const wanted = process.env.BENCH_ROW
const commands = allCommands.filter(({ title }) => wanted === undefined || new RegExp(wanted).test(title))

interface Measured {
  readonly value: number
  readonly cpuMs: number
}

/** Which runs of a turn a row is of. */
type When = 'first' | 'warm'

interface Contender {
  readonly side: Side
  /** A process that has answered nothing yet. */
  readonly anew: () => Promise<Side>
  readonly rows: Map<string, Measured[]>
}

async function measure(side: Side, client: ImapClient, command: Command, time: number): Promise<Measured> {
  if (command.before !== undefined) await client.ask(command.before(time))
  const before = cpuMsByThreads(side.server.pid)
  const { ms, bytes } = await client.ask(command.text)
  const cpuMs = cpuMsByThreads(side.server.pid) - before
  if (command.after !== undefined) await client.ask(command.after)
  return { value: command.unit === 'ms' ? ms : bytes / 1000 / ms, cpuMs }
}

function note(rows: Map<string, Measured[]>, when: When, { title }: Command, runs: readonly Measured[]): void {
  const key = `${title}, ${when}`
  const one = { value: median(runs.map(({ value }) => value)), cpuMs: median(runs.map(({ cpuMs }) => cpuMs)) }
  rows.set(key, [...(rows.get(key) ?? []), one])
}

async function turn({ anew, rows }: Contender): Promise<void> {
  const side = await anew()
  await sleep(restMs)
  const client = await ImapClient.login(side.port, side.server.user)
  if (!commands.some(({ title }) => title === 'SELECT')) await client.ask('SELECT INBOX')
  for (const command of commands) {
    const runs: Measured[] = []
    for (let time = 0; time < command.times; time += 1) runs.push(await measure(side, client, command, time))
    note(rows, 'first', command, runs.slice(0, 1))
    note(rows, 'warm', command, runs.slice(1))
  }
  client.close()
}

async function filled(name: string, server: Side['server']): Promise<Side> {
  const port = server.port.imap!
  const side: Side = { name, server, port, client: await ImapClient.login(port, server.user) }
  await fill(side)
  // Claims \Recent, which would be one more thing that only the first turn has.
  await side.client.ask('SELECT INBOX')
  if ((await messageCount(side.client, 'INBOX')) !== messages) throw new Error(`${name} was not filled`)
  side.client.close()
  return side
}

async function ours(name: string, program: string | undefined): Promise<Contender> {
  const first = await startPennypost({ services: ['imap'], program })
  const side = await filled(name, first)
  let running = first
  const anew = async (): Promise<Side> => {
    await running.stop()
    running = await startPennypost({ services: ['imap'], program, again: first })
    return { ...side, server: running, port: running.port.imap! }
  }
  return { side, anew, rows: new Map() }
}

await bench(async () => {
  const builds = (process.env.BENCH_BUILDS ?? '').split(' ').filter((folder) => folder !== '')
  const contenders = [await ours('ours', undefined)]
  for (const folder of builds) contenders.push(await ours(folder, join(folder, 'bin', 'pennypost.js')))
  for (const format of ['sdbox', 'maildir'] as const) {
    const side = await filled(format, await startDovecot({ format }))
    contenders.push({ side, anew: () => Promise.resolve(side), rows: new Map() })
  }
  for (let at = 0; at < turns; at += 1)
    // Whoever begins changes with the turn.
    for (let i = 0; i < contenders.length; i += 1) await turn(contenders[(i + at) % contenders.length]!)

  const names = contenders.map(({ side }) => side.name)
  const table = new Table('row', 'unit', ...names, 'ratio to the best', 'aim', ...names.map((name) => `${name} CPU ms`))
  for (const command of commands) {
    for (const when of ['first', 'warm'] as const) {
      const cells = contenders.map(({ rows }) => rows.get(`${command.title}, ${when}`)!)
      const values = cells.map((runs) => median(runs.map(({ value }) => value)))
      const others = values.slice(1 + builds.length)
      const isTime = command.unit === 'ms'
      const aim = command.aims?.[when]
      table.add(
        `${command.title}, ${when}`,
        command.unit,
        ...values,
        values[0]! / (isTime ? Math.min(...others) : Math.max(...others)),
        aim === undefined ? '' : verdict(values[0]!, isTime ? { atMost: aim } : { atLeast: aim }),
        ...cells.map((runs) => median(runs.map(({ cpuMs }) => cpuMs))),
      )
    }
  }
  table.print(`IMAP, ${messages.toLocaleString('en-US')} messages of ${messageBytes / 1000} KB: first and warm`)
})
