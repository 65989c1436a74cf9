/**
 * Builds of ours against each other, in turn: what a change costs. BENCH_BUILDS="FOLDER FOLDER …" names their folders (each built by
 * `npm run build`); the first is measured twice, as two servers, and what lies between these is the noise. CPU is what counts: the
 * machine's other work disturbs it least. BENCH_ROW, a pattern, picks rows; BENCH_ROUNDS says how many rounds.
 */
import { join } from 'node:path'
import { ImapClient, messageCount } from './support/imap-client.ts'
import { fill, messages, rows as imapRows, type Side } from './support/imap-rows.ts'
import { mailMessage } from './support/messages.ts'
import { startPennypost, type Pennypost } from './support/pennypost.ts'
import { cpuSeconds, memory } from './support/processes.ts'
import { bench, until } from './support/scratch.ts'
import { smtpSink, type Sink } from './support/smtp-sink.ts'
import { smtpSource } from './support/smtp-source.ts'
import { median } from './support/statistics.ts'
import { Table } from './support/table.ts'

const roundsOf = (fewest: number): number => Number(process.env.BENCH_ROUNDS ?? fewest)

interface Build {
  readonly server: Pennypost
  readonly sink: Sink
  readonly imap: Side
}

interface Row {
  readonly title: string
  readonly rounds: number
  /** Runs that are counted as one, where a single one is shorter than the clock's ticks can tell. */
  readonly times?: number
  run(build: Build): Promise<unknown>
  after?(build: Build): Promise<unknown>
}

const accept =
  (sessions: number, bytes: number, messages: number, reuse = true) =>
  async (build: Build) => {
    await smtpSource(build.server.port.smtp!, 'admin@bench.test', { sessions, bytes, messages, reuse })
    await build.server.settled()
  }

const relay = (sessions: number, bytes: number, messages: number) => async (build: Build) => {
  const there = build.sink.more(messages)
  const load = { sessions, bytes, reuse: true, messages }
  await smtpSource(build.server.port.smtp!, 'someone@plain.test', load)
  await there
  await build.server.settled()
}

/** Until another client's STATUS counts them. */
async function endToEnd({ server }: Build): Promise<void> {
  const watcher = await ImapClient.login(server.port.imap!, server.user)
  const first = await messageCount(watcher, 'INBOX')
  await smtpSource(server.port.smtp!, 'admin@bench.test', { messages: 3000, sessions: 100, bytes: 4000, reuse: true })
  await until('all are visible', async () => (await messageCount(watcher, 'INBOX')) >= first + 3000, 120_000)
  watcher.close()
}

/** APPENDs, one after the other, until each of `count` idlers was told of it. The round that warms up opens them. */
const news = (count: number, appends: number) => {
  const idlers = new Map<Build, ImapClient[]>()
  return async (build: Build): Promise<void> => {
    const { server } = build
    const open = async (): Promise<ImapClient> => {
      const client = await ImapClient.login(server.port.imap!, server.user, { select: 'Copied' })
      await client.idle()
      return client
    }
    let clients = idlers.get(build)
    if (clients === undefined) {
      idlers.set(build, (clients = []))
      while (clients.length < count) clients.push(...(await Promise.all(Array.from({ length: 50 }, open))))
    }
    const message = mailMessage(1, 4000)
    for (let append = 0; append < appends; append += 1) {
      const told = Promise.all(clients.map((client) => client.until('EXISTS')))
      await build.imap.client.ask(`APPEND Copied {${message.length}+}`, message)
      await told
    }
  }
}

const rows: readonly Row[] = [
  ...imapRows.map(({ title, unit, run, after }) => ({
    title: `IMAP: ${title}`,
    rounds: 5,
    times: unit === 'ms' ? 5 : 1,
    run: ({ imap }: Build) => run(imap),
    after: ({ imap }: Build) => after?.(imap) ?? Promise.resolve(),
  })),
  { title: 'accept: 4 KB, 1 session', rounds: 5, run: accept(1, 4000, 1500) },
  { title: 'accept: 4 KB, 100 sessions', rounds: 7, run: accept(100, 4000, 5000) },
  { title: 'accept: 4 KB, new connection each', rounds: 5, run: accept(100, 4000, 2500, false) },
  { title: 'accept: 64 KB, 20 sessions', rounds: 5, run: accept(20, 64_000, 1500) },
  { title: 'accept: 1 MB, 20 sessions', rounds: 5, run: accept(20, 1_000_000, 200) },
  { title: 'relay: 4 KB, 100 sessions', rounds: 7, run: relay(100, 4000, 4000) },
  { title: 'relay: 100 KB, 20 sessions', rounds: 5, run: relay(20, 100_000, 800) },
  { title: 'end to end: 4 KB, 100 sessions', rounds: 7, run: endToEnd },
  // Last: their connections stay open.
  { title: 'news to 1,000 idlers', rounds: 7, run: news(1000, 20) },
]

async function start(folder: string, at: number): Promise<Build> {
  const profiles = process.env.BENCH_PROFILE
  const sink = await smtpSink()
  const server = await startPennypost({
    program: join(folder, 'bin', 'pennypost.js'),
    services: ['smtp', 'imap'],
    profile: profiles && join(profiles, String(at)),
    top: 'trustedNetworks = ["127.0.0.0/8"]\n',
    tables: `[[route]]\ndomain = "plain.test"\nto = "127.0.0.1:${sink.port}"\ntls = "none"\n`,
  })
  const port = server.port.imap!
  const imap: Side = { name: folder, server, port, client: await ImapClient.login(port, server.user) }
  await imap.client.ask('CREATE Copied')
  await imap.client.ask('CREATE Appended')
  await fill(imap)
  await imap.client.ask('SELECT INBOX')
  if ((await messageCount(imap.client, 'INBOX')) !== messages) throw new Error(`${folder} was not filled`)
  return { server, sink, imap }
}

await bench(async () => {
  const folders = (process.env.BENCH_BUILDS ?? '').split(' ').filter((folder) => folder !== '')
  if (folders.length < 2) {
    console.log('builds: skipped, BENCH_BUILDS names none')
    return
  }
  const wanted = process.env.BENCH_ROW
  const builds: Build[] = []
  for (const [at, folder] of [folders[0]!, ...folders].entries()) builds.push(await start(folder, at))
  const titles = ['first', 'first again', ...folders.slice(1)]
  const table = new Table(
    'row',
    ...titles.map((title) => `${title}, CPU ms`),
    ...titles.slice(1).map((t) => `${t}: ratio`),
  )
  for (const row of rows.filter(({ title }) => wanted === undefined || new RegExp(wanted).test(title))) {
    const cpu: number[][] = builds.map(() => [])
    // The first round warms up and is not counted; who begins changes with the round.
    for (let round = 0; round <= roundsOf(row.rounds); round += 1)
      for (let turn = 0; turn < builds.length; turn += 1) {
        const at = (turn + round) % builds.length
        const build = builds[at]!
        let ms = 0
        for (let time = 0; time < (row.times ?? 1); time += 1) {
          const before = cpuSeconds(build.server.pid)
          await row.run(build)
          ms += (cpuSeconds(build.server.pid) - before) * 1000
          await row.after?.(build)
        }
        if (round > 0) cpu[at]!.push(ms)
      }
    const medians = cpu.map(median)
    table.add(row.title, ...medians, ...medians.slice(1).map((one) => (one / medians[0]!).toFixed(3)))
  }
  table.add('PSS at the end, MiB', ...builds.map(({ server }) => memory(server.pid).pssKiB / 1024), '', '')
  table.print('Builds against each other')
})
