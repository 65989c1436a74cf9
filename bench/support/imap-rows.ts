/** The commands that the IMAP benchmarks measure, and the mailbox that they measure them on. BENCH_MESSAGES sets its size. */
import { ImapClient } from './imap-client.ts'
import { mailMessage } from './messages.ts'
import type { Server } from './server.ts'

export const messages = Number(process.env.BENCH_MESSAGES ?? 10_000)
export const messageBytes = 6300

export interface Side {
  readonly name: string
  readonly server: Server & { readonly user: { readonly name: string; readonly password: string } }
  readonly port: number
  client: ImapClient
}

/** Messages of one MULTIAPPEND (RFC 3502): a sync for each would take Dovecot minutes. */
const batch = 50

export async function fill(side: Side): Promise<void> {
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

export interface Row {
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

export const rows: readonly Row[] = [
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
