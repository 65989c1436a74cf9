/**
 * kill -9 under load, again and again: SMTP, APPEND, STORE, COPY and EXPUNGE run until the process dies at a random instant.
 * After each start the store is sound, everything acknowledged is there byte for byte and once, and no UID is given twice.
 * kill -9 proves no fsync (the page cache survives it): that is the powercut test's.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { verifyFolder } from '../../src/store/sqlite/verify.ts'
import { accounts, expectation, imapClient, imapLoad, smtpLoad, type World } from './clients.ts'
import { compare, numberOf, type FoundMessage } from './expected.ts'

const rounds = Number(process.env['CRASH_ROUNDS'] ?? 8)
const seed = Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000)
const program = join(process.env['PENNYPOST_OUT']!, 'test/crash/server.program.js')
const folder = mkdtempSync(join(tmpdir(), 'pennypost-crash-'))

let running: ChildProcess | undefined
after(() => {
  running?.kill('SIGKILL')
  if (process.env['CRASH_KEEP'] === undefined) rmSync(folder, { recursive: true, force: true })
})

function start(): Promise<{ child: ChildProcess; smtp: number; imap: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', program, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    running = child
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)))
    child.stdout.once('data', (line: Buffer) => {
      const [smtp, imap] = line.toString().split(' ').map(Number) as [number, number]
      resolve({ child, smtp, imap })
    })
  })
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) =>
    child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('exit', () => resolve()),
  )
}

function chanceFrom(start: number): (end: number) => number {
  let state = start >>> 0
  return (end) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * end)
  }
}

async function check(world: World): Promise<string[]> {
  const faults: string[] = []
  for (const account of accounts) {
    const client = await imapClient(world.ports.imap, account)
    for (const mailbox of ['INBOX', 'Sent', 'Archive']) {
      const { uidNext } = await client.select(mailbox, { readOnly: true })
      const found: FoundMessage[] = []
      for (const { items } of await client.fetch('1:*', '(UID FLAGS BODY.PEEK[])', { uid: true })) {
        const flags = (items.get('FLAGS') ?? []) as readonly string[]
        found.push({
          uid: Number(items.get('UID')),
          n: numberOf(items.get('BODY[]') as Uint8Array),
          flagged: flags.includes('\\Flagged'),
        })
      }
      faults.push(...compare(`${account}/${mailbox}`, expectation(world, account, mailbox), found, uidNext))
    }
    await client.logout()
  }
  return faults
}

test(`${rounds} rounds of kill -9 under load lose nothing`, async (t) => {
  if (process.env['CRASH_KEEP'] !== undefined) t.diagnostic(`kept in ${folder}`)
  const chance = chanceFrom(seed)
  const mailboxes = new Map()
  const acknowledged = { smtp: 0, append: 0, store: 0, copy: 0, expunge: 0 }
  let next = 1
  for (let round = 0; round < rounds; round++) {
    const { child, smtp, imap } = await start()
    let stopped = false
    const world: World = { next, mailboxes, chance, ports: { smtp, imap }, acknowledged, stopped: () => stopped }
    if (round > 0) assert.deepEqual((await check(world)).slice(0, 5), [], `seed ${seed}, round ${round}`)
    const clients = [
      smtpLoad(world),
      smtpLoad(world),
      smtpLoad(world),
      ...accounts.map((account) => imapLoad(world, account)),
    ]
    // What breaks is the connection; anything else that a client throws is a fault.
    const outcomes = Promise.allSettled(clients)
    await new Promise((resolve) => setTimeout(resolve, 300 + chance(1500)))
    child.removeAllListeners('exit')
    child.kill('SIGKILL')
    stopped = true
    await ended(child)
    for (const outcome of await outcomes) {
      if (outcome.status === 'rejected')
        assert.match(String(outcome.reason), /connection|closed|reset|gone|ended|EPIPE|BYE/i)
    }
    next = world.next
  }
  const { child, smtp, imap } = await start()
  const world: World = { next, mailboxes, chance, ports: { smtp, imap }, acknowledged, stopped: () => true }
  assert.deepEqual((await check(world)).slice(0, 5), [], `seed ${seed}, at the end`)
  child.removeAllListeners('exit')
  child.kill('SIGTERM')
  await ended(child)
  const report = verifyFolder(folder)
  assert.deepEqual(report.faults.slice(0, 5), [])
  t.diagnostic(
    `seed ${seed}: ${rounds} crashes, acknowledged ${JSON.stringify(acknowledged)}, verified ${JSON.stringify(report.checked)}`,
  )
  assert.ok(Object.values(acknowledged).every((count) => count > 0))
})
