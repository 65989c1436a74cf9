/**
 * From SMTP to the mailbox: 5,000 messages until IMAP counts them, the same over 1,000 accounts, and one message until an IDLE client is told.
 * The peer is what an administrator would put together: Postfix, LMTP, Dovecot.
 */
import { join } from 'node:path'
import { hashPassword } from '../src/directory/password.ts'
import { silentLog } from '../src/base/log.ts'
import { realClock } from '../src/platform/real/clock.ts'
import { firstMailboxes } from '../src/admin/provision.ts'
import { openStore } from '../src/store/sqlite/engine.ts'
import { startDovecot, type DovecotFormat } from './support/dovecot.ts'
import { ImapClient, messageCount } from './support/imap-client.ts'
import { startPennypost, type Pennypost } from './support/pennypost.ts'
import { startPostfix } from './support/postfix.ts'
import { cpuSeconds } from './support/processes.ts'
import { bench, rounds, until } from './support/scratch.ts'
import { smtpLoad } from './support/smtp-load.ts'
import { smtpSource } from './support/smtp-source.ts'
import { median, percentile } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

interface Mail {
  readonly smtp: number
  readonly imap: number
  readonly user: { readonly name: string; readonly password: string }
  readonly pids: readonly number[]
}

interface Measured {
  readonly perSecond: number
  readonly cpuPerThousand: number
}

const recipient = 'admin@bench.test'

async function visible(mail: Mail, messages: number): Promise<Measured> {
  const watcher = await ImapClient.login(mail.imap, mail.user)
  const first = await messageCount(watcher, 'INBOX')
  const cpu = (): number => mail.pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const before = cpu()
  const startedAt = performance.now()
  await smtpSource(mail.smtp, recipient, { messages, sessions: 100, bytes: 4000, reuse: true })
  await until('all are visible', async () => (await messageCount(watcher, 'INBOX')) >= first + messages, 120_000)
  const seconds = (performance.now() - startedAt) / 1000
  watcher.close()
  return { perSecond: messages / seconds, cpuPerThousand: ((cpu() - before) / messages) * 1000 }
}

const accounts = 1000
const accountName = (n: number): string => `user${n % accounts}@bench.test`

/** To 1,000 mailboxes in turn, until the last of them is filled; what was sent before is counted along. */
async function visibleToAll(mail: Mail, each: number, before: number): Promise<Measured> {
  const watchers = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      ImapClient.login(mail.imap, { name: accountName(n * (accounts / 20)), password: 'secret' }),
    ),
  )
  const cpu = (): number => mail.pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const cpuBefore = cpu()
  const startedAt = performance.now()
  const messages = accounts * each
  await smtpLoad(mail.smtp, accountName, { messages, sessions: 100, bytes: 4000, pipelined: true })
  for (const watcher of watchers)
    await until('all are visible', async () => (await messageCount(watcher, 'INBOX')) >= before + each, 120_000)
  const seconds = (performance.now() - startedAt) / 1000
  for (const watcher of watchers) watcher.close()
  return { perSecond: messages / seconds, cpuPerThousand: ((cpu() - cpuBefore) / messages) * 1000 }
}

/** A folder with 1,000 accounts; one password, hashed once, since it is not hashing that is measured. */
async function folderOfMany(): Promise<Pennypost> {
  const first = await startPennypost({ services: ['smtp', 'imap'] })
  await first.stop()
  // The benchmark's own flags are nothing that threads may have.
  process.execArgv.splice(0)
  const store = await openStore({ folder: join(first.folder, 'data'), clock: realClock, log: silentLog })
  const credentials = [{ type: 'argon2id', value: await hashPassword('secret') }]
  const nowMs = Date.now()
  for (let n = 0; n < accounts; n++)
    await store.commit([
      { kind: 'accountAdd', name: accountName(n), quotaBytes: 0, mailboxes: firstMailboxes, credentials, nowMs },
    ])
  await store.close()
  return first
}

/** From the sender's connect until `EXISTS` reaches a client in IDLE, ms each. */
async function told(mail: Mail, messages: number): Promise<number[]> {
  const idler = await ImapClient.login(mail.imap, mail.user, { select: 'INBOX' })
  await idler.idle()
  const times: number[] = []
  for (let at = 0; at < messages; at += 1) {
    const news = idler.until('EXISTS')
    const startedAt = performance.now()
    void smtpLoad(mail.smtp, recipient, { messages: 1, sessions: 1, bytes: 4000, pipelined: false })
    await news
    times.push(performance.now() - startedAt)
  }
  idler.close()
  return times
}

await bench(async () => {
  const format = (process.env.BENCH_FORMAT ?? 'sdbox') as DovecotFormat
  const dovecot = await startDovecot({ format })
  const postfix = await startPostfix({
    transport: `lmtp:inet:127.0.0.1:${dovecot.port.lmtp}`,
    smtpdMax: 110,
    deliveriesMax: 20,
  })
  const pennypost = await startPennypost({ services: ['smtp', 'imap'], profile: process.env.BENCH_PROFILE })
  console.log(`Pennypost: ${pennypost.durability}\nPostfix:   ${postfix.durability}\nDovecot:   ${dovecot.durability}`)
  const ours: Mail = {
    smtp: pennypost.port.smtp!,
    imap: pennypost.port.imap!,
    user: pennypost.user,
    pids: [pennypost.pid],
  }
  const theirs: Mail = {
    smtp: postfix.port.smtp!,
    imap: dovecot.port.imap!,
    user: dovecot.user,
    pids: [postfix.pid, dovecot.pid],
  }
  await visible(ours, 5000)
  await visible(theirs, 300)

  const runs: { ours: Measured; theirs: Measured }[] = []
  for (let round = 0; round < rounds; round += 1) {
    runs.push({ ours: await visible(ours, 5000), theirs: await visible(theirs, 2500) })
  }
  const of = (side: 'ours' | 'theirs', key: keyof Measured): number => median(runs.map((run) => run[side][key]))
  const rate = of('ours', 'perSecond') / of('theirs', 'perSecond')
  const cpu = of('ours', 'cpuPerThousand') / of('theirs', 'cpuPerThousand')
  const table = new Table('SMTP to mailbox, 4 KB', 'ours', 'Postfix + LMTP + Dovecot', 'ratio', 'aim')
  table.add('visible /s', of('ours', 'perSecond'), of('theirs', 'perSecond'), rate, verdict(rate, { atLeast: 10 }))
  table.add(
    'CPU s per 1,000',
    of('ours', 'cpuPerThousand'),
    of('theirs', 'cpuPerThousand'),
    cpu,
    verdict(cpu, { atMost: 0.1 }),
  )

  const ourTimes: number[] = []
  const theirTimes: number[] = []
  await told(ours, 20)
  for (let round = 0; round < rounds; round += 1) {
    ourTimes.push(...(await told(ours, 100)))
    theirTimes.push(...(await told(theirs, 34)))
  }
  for (const [name, part, atMost] of [
    ['IDLE client told, p50 ms', 0.5, 5],
    ['IDLE client told, p99 ms', 0.99, 15],
  ] as const) {
    const [mine, others] = [percentile(ourTimes, part), percentile(theirTimes, part)]
    table.add(name, mine, others, mine / others, `ours ${verdict(mine, { atMost })} (ms)`)
  }
  await pennypost.stop()
  const many = await startPennypost({ services: ['smtp', 'imap'], again: await folderOfMany() })
  const manyOurs: Mail = { ...ours, smtp: many.port.smtp!, imap: many.port.imap!, pids: [many.pid] }
  // Each account's first message makes its folder, at the peer; both sides have had one before they are measured.
  await visibleToAll(manyOurs, 1, 0)
  await visibleToAll(theirs, 1, 0)
  const spread: { ours: Measured; theirs: Measured }[] = []
  for (let round = 0; round < rounds; round += 1)
    spread.push({
      ours: await visibleToAll(manyOurs, 4, 1 + 4 * round),
      theirs: await visibleToAll(theirs, 1, 1 + round),
    })
  for (const [name, key, aim] of [
    ['over 1,000 accounts, visible /s', 'perSecond', { atLeast: 10 }],
    ['over 1,000 accounts, CPU s per 1,000', 'cpuPerThousand', { atMost: 0.1 }],
  ] as const) {
    const [mine, others] = [median(spread.map((run) => run.ours[key])), median(spread.map((run) => run.theirs[key]))]
    table.add(name, mine, others, mine / others, verdict(mine / others, aim))
  }
  table.print('End to end')
  const faults = dovecot
    .log()
    .split('\n')
    .filter((line) => /(?:Error|Panic|Fatal):/.test(line) && !line.includes('RLIMIT_NPROC'))
  if (faults.length > 0) console.error(faults.slice(0, 5).join('\n'))
})
