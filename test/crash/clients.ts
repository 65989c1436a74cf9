/** Clients that load a server and write down what they were promised, until it is killed under them. */
import { silentLog } from '../../src/base/log.ts'
import { Wheel } from '../../src/base/wheel.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { realNetwork } from '../../src/platform/real/network.ts'
import { drive } from '../../src/protocol/drive.ts'
import { ImapClient } from '../../src/protocol/imap/client.ts'
import { SmtpClient } from '../../src/protocol/smtp/client.ts'
import { MailboxExpectation, messageOf } from './expected.ts'

const wheel = new Wheel(realClock)
const tools = { clock: realClock, wheel, log: silentLog }

export const accounts = ['a', 'b', 'c'] as const
export type AccountName = (typeof accounts)[number]

export interface World {
  next: number
  readonly mailboxes: Map<string, MailboxExpectation>
  readonly stopped: () => boolean
  readonly chance: (end: number) => number
  readonly ports: { readonly smtp: number; readonly imap: number }
  readonly acknowledged: Record<'smtp' | 'append' | 'store' | 'copy' | 'expunge', number>
}

export function expectation(
  world: Pick<World, 'mailboxes'>,
  account: AccountName,
  mailbox: string,
): MailboxExpectation {
  const key = `${account}/${mailbox}`
  let found = world.mailboxes.get(key)
  if (!found) world.mailboxes.set(key, (found = new MailboxExpectation()))
  return found
}

export async function imapClient(port: number, account: AccountName): Promise<ImapClient> {
  const connection = await realNetwork.connect({ address: '127.0.0.1', port, timeoutMs: 5000 })
  const client = new ImapClient({ timeoutMs: 20_000 })
  drive(connection, client, tools)
  await client.greeting
  await client.login(`${account}@example.test`, 'password')
  return client
}

/** Delivers without end; each message to one or all accounts. */
export async function smtpLoad(world: World): Promise<void> {
  const client = await SmtpClient.connect({
    ...tools,
    network: realNetwork,
    address: '127.0.0.1',
    port: world.ports.smtp,
    connectTimeoutMs: 5000,
    hostname: 'client.test',
  })
  while (!world.stopped()) {
    const n = world.next++
    const to = world.chance(5) === 0 ? accounts : [accounts[world.chance(3)]!]
    for (const account of to) expectation(world, account, 'INBOX').unsure.add(n)
    const bytes = messageOf(n)
    const recipients = to.map((account) => `${account}@example.test`)
    const result = await client.send(
      { reversePath: 'x@elsewhere.test', recipients, body: '7bit', smtpUtf8: false },
      { sizeBytes: bytes.length, read: (start, end) => bytes.subarray(start, end) },
    )
    result.recipients.forEach((reply, i) => {
      if (reply.code === 250) expectation(world, to[i]!, 'INBOX').acknowledge(n)
    })
    world.acknowledged.smtp++
  }
}

/** Appends, flags, copies and expunges in one account without end. Each account has one of these, so what it does is known. */
export async function imapLoad(world: World, account: AccountName): Promise<void> {
  const client = await imapClient(world.ports.imap, account)
  const inbox = expectation(world, account, 'INBOX')
  const sent = expectation(world, account, 'Sent')
  const archive = expectation(world, account, 'Archive')
  await client.select('INBOX')
  while (!world.stopped()) {
    switch (world.chance(5)) {
      case 0: {
        const n = world.next++
        sent.unsure.add(n)
        const uid = await client.append('Sent', messageOf(n), { flags: ['\\Seen'] })
        sent.acknowledge(n)
        sent.saw(uid!, n)
        world.acknowledged.append++
        break
      }
      case 1: {
        const uid = await someUid(client, world)
        if (uid === undefined) break
        await client.command(`UID STORE ${uid} +FLAGS.SILENT (\\Flagged)`)
        inbox.flagged.add(uid)
        world.acknowledged.store++
        break
      }
      case 2: {
        const uid = await someUid(client, world)
        const n = uid === undefined ? undefined : inbox.byUid.get(uid)
        if (uid === undefined || n === undefined) break
        archive.copiesBegun.set(n, (archive.copiesBegun.get(n) ?? 0) + 1)
        await client.command(`UID COPY ${uid} Archive`)
        archive.copies.set(n, (archive.copies.get(n) ?? 0) + 1)
        world.acknowledged.copy++
        break
      }
      case 3: {
        const uid = world.chance(3) === 0 ? await someUid(client, world) : undefined
        const n = uid === undefined ? undefined : inbox.byUid.get(uid)
        if (uid === undefined || n === undefined) break
        inbox.removing(n)
        await client.command(`UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`)
        await client.command(`UID EXPUNGE ${uid}`)
        inbox.removed.add(uid)
        world.acknowledged.expunge++
        break
      }
      default: {
        // Learns which messages have which UIDs: they must stay so.
        const known = inbox.uidMax
        for (const { items } of await client.fetch(`${known + 1}:*`, '(UID BODY.PEEK[HEADER])', {
          uid: true,
        })) {
          // News of flags come as FETCH too.
          const header = items.get('BODY[HEADER]') as Uint8Array | undefined
          const text = header ? Buffer.from(header).toString('latin1') : ''
          const n = /Subject: n(\d+)/.exec(text)?.[1]
          const uid = Number(items.get('UID'))
          if (n !== undefined && uid > known) {
            const moved = inbox.saw(uid, Number(n))
            if (moved) throw new Error(moved)
          }
        }
      }
    }
  }
}

async function someUid(client: ImapClient, world: World): Promise<number | undefined> {
  const { data } = await client.command('UID SEARCH ALL')
  const uids = data.filter(({ name }) => name === 'SEARCH').flatMap(({ values }) => values.map(Number))
  return uids.length === 0 ? undefined : uids[world.chance(uids.length)]
}
