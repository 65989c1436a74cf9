/**
 * Signing in: how many a second by password (first time, remembered) and by SCRAM; and the storm after a restart: 2,000 clients at once,
 * while others work. What counts there is how long the others wait.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hashPassword } from '../src/directory/password.ts'
import { parseScramKeys, scramKeys } from '../src/directory/scram-keys.ts'
import { silentLog } from '../src/base/log.ts'
import { realClock } from '../src/platform/real/clock.ts'
import { firstMailboxes } from '../src/admin/provision.ts'
import { openStore } from '../src/store/sqlite/engine.ts'
import { ImapClient } from './support/imap-client.ts'
import { startPennypost } from './support/pennypost.ts'
import { bench, quick, rounds, runProgram, scratchFolder } from './support/scratch.ts'
import { median, percentile } from './support/statistics.ts'
import { Table, verdict } from './support/table.ts'

const stormLogins = quick ? 200 : 2000
const accounts = stormLogins + 100
const password = 'correct horse battery'
const userName = (at: number): string => `user${at}@bench.test`

/** This file again, in a process of its own. @returns what it prints. */
function another(task: Record<string, string>): Promise<string> {
  return runProgram(process.execPath, [process.argv[1]!], { env: { ...process.env, ...task } })
}

/** Fills a data folder with accounts that share one password, so that making them costs one hash. Prints the SCRAM keys. */
async function populate(folder: string): Promise<void> {
  const [hash, keys] = await Promise.all([hashPassword(password), scramKeys(password)])
  const credentials = [
    { type: 'argon2id', value: hash },
    { type: 'scram-sha-256', value: keys },
  ]
  const store = await openStore({ folder: join(folder, 'data'), clock: realClock, log: silentLog })
  await store.commit([{ kind: 'domainAdd', name: 'bench.test' }])
  for (let at = 0; at < accounts; at += 100)
    await store.commit(
      Array.from({ length: 100 }, (_, i) => ({
        kind: 'accountAdd' as const,
        name: userName(at + i),
        quotaBytes: 0,
        mailboxes: firstMailboxes,
        credentials,
        nowMs: Date.now(),
      })),
    )
  await store.close()
  process.stdout.write(keys)
}

type Login = (client: ImapClient, at: number) => Promise<unknown>

const byPassword: Login = (client, at) => client.ask(`LOGIN ${userName(at)} "${password}"`)

/** A client that keeps what it derived from the password, as phones do: the server's work is what is measured. */
function byScram(keys: string): Login {
  const { salt, iterations } = parseScramKeys(keys, 'sha-256')!
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const clientKey = hmac(salted, 'Client Key')
  const storedKey = createHash('sha256').update(clientKey).digest()
  const challenge = async (client: ImapClient, line: string): Promise<string> => {
    const waiting = client.until('+ ')
    client.socket.write(`${line}\r\n`)
    const { tail } = await waiting
    return Buffer.from(tail.slice(tail.lastIndexOf('+ ') + 2).trim(), 'base64').toString()
  }
  return async (client, at) => {
    const bare = `n=${userName(at)},r=${randomBytes(18).toString('base64')}`
    const first = await challenge(
      client,
      `S1 AUTHENTICATE SCRAM-SHA-256 ${Buffer.from(`n,,${bare}`).toString('base64')}`,
    )
    const final = `c=biws,${/^r=[^,]+/.exec(first)![0]}`
    const signature = hmac(storedKey, `${bare},${first},${final}`)
    const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!)).toString('base64')
    await challenge(client, Buffer.from(`${final},p=${proof}`).toString('base64'))
    const done = client.until('S1 ')
    client.socket.write('\r\n')
    const { tail } = await done
    if (!tail.includes('S1 OK')) throw new Error(tail)
  }
}

/** @returns logins a second, each on a connection of its own, so many at a time. */
async function rate(port: number, logins: number, connections: number, login: Login, from = 0): Promise<number> {
  let next = 0
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let at = next++; at < logins; at = next++) {
        const client = await ImapClient.connect(port)
        await login(client, from + at)
        client.close()
      }
    }),
  )
  return (logins / (performance.now() - startedAt)) * 1000
}

/** All at once, from a process of their own: what they cost must not slow down the clock of those who measure. */
async function storm(port: number): Promise<void> {
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: stormLogins }, async (_, at) => {
      const client = await ImapClient.connect(port)
      await byPassword(client, at)
      client.close()
    }),
  )
  process.stdout.write(String(performance.now() - startedAt))
}

/** NOOPs of sessions that were there before, one after the other on each, until `done`. */
async function noops(clients: readonly ImapClient[], done: () => boolean): Promise<number[]> {
  const times: number[] = []
  await Promise.all(
    clients.map(async (client) => {
      while (!done()) {
        times.push((await client.ask('NOOP')).ms)
        await sleep(20)
      }
    }),
  )
  return times
}

async function stormed(
  again: Parameters<typeof startPennypost>[0],
): Promise<{ times: number[]; calm: number[]; ms: number }> {
  const server = await startPennypost(again)
  const clients: ImapClient[] = []
  for (let at = 0; at < 20; at++) {
    const client = await ImapClient.connect(server.port.imap!)
    await byPassword(client, stormLogins + at)
    await client.ask('SELECT INBOX')
    clients.push(client)
  }
  const until = performance.now() + 2000
  const calm = await noops(clients, () => performance.now() > until)
  let ended = false
  const child = another({ BENCH_STORM: String(server.port.imap!) }).finally(() => (ended = true))
  const times = await noops(clients, () => ended)
  const ms = Number(await child)
  for (const client of clients) client.close()
  await server.stop()
  return { times, calm, ms }
}

await bench(async () => {
  if (process.env.BENCH_STORM !== undefined) return storm(Number(process.env.BENCH_STORM))
  if (process.env.BENCH_POPULATE !== undefined) return populate(process.env.BENCH_POPULATE)
  const folder = scratchFolder('logins')
  const keys = await another({ BENCH_POPULATE: folder })
  const again = { services: ['imap'] as const, again: { folder, user: { name: userName(0), password } } }
  const rates = new Table('logins, each on a new connection', 'connections', 'logins/s')
  const scram = byScram(keys)
  const some = quick ? 50 : 200
  const runs: Record<'first' | 'again' | 'scram', number[]> = { first: [], again: [], scram: [] }
  for (let round = 0; round < rounds; round++) {
    const server = await startPennypost(again)
    const port = server.port.imap!
    runs.first.push(await rate(port, some, 20, byPassword))
    runs.again.push(await rate(port, some * 5, 20, (client, at) => byPassword(client, at % some)))
    runs.scram.push(await rate(port, some * 5, 20, (client, at) => scram(client, at % some)))
    await server.stop()
  }
  rates.add('password, first time (Argon2id)', 20, median(runs.first))
  rates.add('password, remembered', 20, median(runs.again))
  rates.add('SCRAM-SHA-256', 20, median(runs.scram))
  rates.print('Signing in')

  const table = new Table(`${stormLogins} logins at once after a restart`, 'p50', 'p99', 'worst', 'aim')
  const storms: Awaited<ReturnType<typeof stormed>>[] = []
  for (let round = 0; round < rounds; round++) {
    storms.push(await stormed({ ...again, profile: round === rounds - 1 ? process.env.BENCH_PROFILE : undefined }))
  }
  const row = (title: string, of: (one: (typeof storms)[number]) => number[], aim: string): void =>
    table.add(
      title,
      median(storms.map((one) => percentile(of(one), 0.5))),
      median(storms.map((one) => percentile(of(one), 0.99))),
      Math.max(...storms.map((one) => Math.max(...of(one)))),
      aim,
    )
  const p99 = median(storms.map(({ times }) => percentile(times, 0.99)))
  row('NOOP of running sessions before, ms', ({ calm }) => calm, '')
  row('NOOP of running sessions during it, ms', ({ times }) => times, `p99 ${verdict(p99, { atMost: 50 })}`)
  table.add('until all were in, s', median(storms.map(({ ms }) => ms / 1000)), undefined, undefined, '')
  table.print('Login storm')
})
