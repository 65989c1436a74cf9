/**
 * The drill that every operator should do: back up under load, restore elsewhere, look at everything; then bring one account and one message
 * back into a running server. What was acknowledged before the backup began must be there, byte for byte; nothing may be half there.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runCli } from '../../src/cli/cli.ts'
import type { Terminal } from '../../src/platform/real/terminal.ts'
import { accounts, expectation, imapClient, imapLoad, smtpLoad, type AccountName, type World } from './clients.ts'
import { compare, MailboxExpectation, numberOf, type FoundMessage } from './expected.ts'

const program = join(process.env['PENNYPOST_OUT']!, 'test/crash/server.program.js')
const base = mkdtempSync(join(tmpdir(), 'pennypost-drill-'))
const data = join(base, 'data')
const backup = join(base, 'backup')

const children = new Set<ChildProcess>()
after(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(base, { recursive: true, force: true })
})

interface Running {
  readonly ports: World['ports']
  stop(): Promise<void>
}

function start(folder: string): Promise<Running> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', program, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    children.add(child)
    const ended = new Promise<void>((done) => void child.once('exit', () => done()))
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
    child.stdout.once('data', (line: Buffer) => {
      const [smtp, imap] = line.toString().split(' ').map(Number) as [number, number]
      resolve({
        ports: { smtp, imap },
        async stop() {
          child.kill('SIGTERM')
          await ended
          children.delete(child)
        },
      })
    })
  })
}

async function cli<Answer>(...args: string[]): Promise<Answer> {
  const said = { out: '', err: '' }
  const terminal: Terminal = {
    isPerson: false,
    out: (text) => void (said.out += text),
    note: (text) => void (said.err += text),
    readSecret: async () => undefined,
    readLine: async () => '',
    environment: {},
    onSignal: () => () => {},
    exit: () => {},
  }
  assert.equal(await runCli([...args, '--json'], terminal), 0, said.err)
  return JSON.parse(said.out) as Answer
}

function chance(end: number): number {
  return Math.floor(Math.random() * end)
}

/** What must be found: the promises of before, less what was removed since; copies and UIDs of later may be there as well. */
function promised(before: MailboxExpectation, now: MailboxExpectation): MailboxExpectation {
  const merged = new MailboxExpectation()
  for (const n of before.filed) if (now.filed.has(n)) merged.filed.add(n)
  for (const uid of before.flagged) merged.flagged.add(uid)
  for (const uid of before.removed) merged.removed.add(uid)
  for (const [n, count] of before.copies) merged.copies.set(n, count)
  for (const [n, count] of now.copiesBegun) merged.copiesBegun.set(n, count)
  for (const [uid, n] of now.byUid) merged.byUid.set(uid, n)
  merged.uidMax = now.uidMax
  return merged
}

async function found(
  ports: World['ports'],
  account: AccountName,
  mailbox: string,
): Promise<{ messages: FoundMessage[]; uidNext: number }> {
  const client = await imapClient(ports.imap, account)
  const { uidNext } = await client.select(mailbox, { readOnly: true })
  const messages: FoundMessage[] = []
  for (const { items } of await client.fetch('1:*', '(UID FLAGS BODY.PEEK[])', { uid: true })) {
    const flags = (items.get('FLAGS') ?? []) as readonly string[]
    const n = numberOf(items.get('BODY[]') as Uint8Array)
    messages.push({ uid: Number(items.get('UID')), n, flagged: flags.includes('\\Flagged') })
  }
  await client.logout()
  return { messages, uidNext }
}

const mailboxNames = ['INBOX', 'Sent', 'Archive'] as const

test('a backup under load, restored elsewhere, has everything that was acknowledged before it', async (t) => {
  const server = await start(data)
  const mailboxes = new Map<string, MailboxExpectation>()
  const acknowledged = { smtp: 0, append: 0, store: 0, copy: 0, expunge: 0 }
  let stopped = false
  const world: World = { next: 1, mailboxes, chance, ports: server.ports, acknowledged, stopped: () => stopped }
  const load = [smtpLoad(world), smtpLoad(world), ...accounts.map((account) => imapLoad(world, account))]
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))
  await pause(800)
  // The first one makes the second small, which is the one that counts.
  await cli('backup', backup, '--data', data)
  await pause(400)
  const before = structuredClone([...mailboxes].map(([name, one]) => [name, fields(one)] as const))
  const done = await cli<{ generation: number; messages: number }>('backup', backup, '--data', data)
  await pause(200)
  stopped = true
  await Promise.all(load)
  await server.stop()
  assert.equal(done.generation, 2)
  assert.ok(
    Object.values(acknowledged).every((count) => count > 0),
    JSON.stringify(acknowledged),
  )

  assert.equal((await cli<{ faultsInAll: number }>('verify', '--deep', '--backup', backup)).faultsInAll, 0)
  const elsewhere = join(base, 'elsewhere')
  const restored = await cli<{ messages: number }>('restore', backup, '--data', elsewhere)
  assert.equal(restored.messages, done.messages)
  const again = await start(elsewhere)
  const faults: string[] = []
  const snapshots = new Map(before)
  for (const account of accounts) {
    for (const mailbox of mailboxNames) {
      const name = `${account}/${mailbox}`
      const snapshot = Object.assign(new MailboxExpectation(), snapshots.get(name))
      const { messages, uidNext } = await found(again.ports, account, mailbox)
      faults.push(...compare(name, promised(snapshot, expectation(world, account, mailbox)), messages, uidNext))
    }
  }
  assert.deepEqual(faults.slice(0, 5), [])
  await again.stop()
  assert.equal((await cli<{ faultsInAll: number }>('verify', '--deep', '--data', elsewhere)).faultsInAll, 0)
  t.diagnostic(`acknowledged ${JSON.stringify(acknowledged)}, restored ${restored.messages} messages`)
})

/** The sets and maps of an expectation as they are now. */
function fields({ filed, flagged, removed, copies }: MailboxExpectation): Partial<MailboxExpectation> {
  return { filed, flagged, removed, copies }
}

test('one message and one account come back into a running server, once', async () => {
  const server = await start(data)
  const { ports } = server
  const before = await found(ports, 'a', 'INBOX')
  const archive = await found(ports, 'a', 'Archive')
  assert.ok(before.messages.length > 5)
  const taken = await cli<{ messages: number }>('backup', backup, '--data', data)
  assert.ok(taken.messages > 0)
  const lost = before.messages[2]!
  const client = await imapClient(ports.imap, 'a')
  await client.select('INBOX')
  await client.command(`UID STORE ${lost.uid} +FLAGS.SILENT (\\Deleted)`)
  await client.command(`UID EXPUNGE ${lost.uid}`)
  const only = ['restore', backup, '--data', data, '--account', 'a@example.test', '--message']
  const id = `<n${lost.n}@elsewhere.test>`
  const one = await cli<{ restored: number }>(...only, id)
  assert.equal(one.restored, 1)
  assert.equal((await cli<{ restored: number }>(...only, id)).restored, 0, 'a second time it is there')
  const after = await found(ports, 'a', 'INBOX')
  const back = after.messages.at(-1)!
  assert.deepEqual([back.n, back.flagged], [lost.n, lost.flagged])
  assert.ok(back.uid > before.messages.at(-1)!.uid, 'under a new UID')

  // Everything gone, and another mailbox deleted.
  await client.command('NOOP')
  await client.command('UID STORE 1:* +FLAGS.SILENT (\\Deleted)')
  await client.command('EXPUNGE')
  await client.command('DELETE Archive')
  await client.logout()
  const all = ['restore', backup, '--data', data, '--account', 'a@example.test']
  const account = await cli<{ restored: number; mailboxesMade: number }>(...all)
  assert.equal(account.restored, before.messages.length + archive.messages.length)
  assert.equal(account.mailboxesMade, 1)
  const sorted = (list: readonly FoundMessage[]): string[] => list.map(({ n, flagged }) => `${n} ${flagged}`).sort()
  assert.deepEqual(sorted((await found(ports, 'a', 'INBOX')).messages), sorted(before.messages))
  assert.deepEqual(sorted((await found(ports, 'a', 'Archive')).messages), sorted(archive.messages))
  assert.equal((await cli<{ restored: number }>(...all)).restored, 0)

  // Beside what is there; and an account that was removed by mistake, with its password.
  const beside = await cli<{ mailboxes: { name: string; restored: number }[] }>(...all, '--into', 'Restored/today')
  assert.equal(beside.mailboxes.find(({ name }) => name === 'Restored/today/INBOX')!.restored, before.messages.length)
  const bInbox = await found(ports, 'b', 'INBOX')
  const ran = { isPerson: false, readSecret: async () => undefined, readLine: async () => '', environment: {} }
  const quiet: Terminal = { ...ran, out: () => {}, note: () => {}, onSignal: () => () => {}, exit: () => {} }
  assert.equal(await runCli(['account', 'remove', 'b@example.test', '--yes', '--data', data], quiet), 0)
  const b = await cli<{ accountMade: boolean }>('restore', backup, '--data', data, '--account', 'b@example.test')
  assert.equal(b.accountMade, true)
  assert.deepEqual(sorted((await found(ports, 'b', 'INBOX')).messages), sorted(bInbox.messages))
  await server.stop()
  assert.equal((await cli<{ faultsInAll: number }>('verify', '--deep', '--data', data)).faultsInAll, 0)
})
