/**
 * A store that an early version made, and that lost its process by kill -9: with records whose rows were not written, late rows, and
 * recipients that wait, are held and are leased. The present version starts on it and loses nothing. The old program is built from this
 * repository's history and is used by its sockets and commands alone.
 */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { sections } from '../../src/config/options.ts'
import { realClock } from '../../src/platform/real/clock.ts'
import { openDatabase } from '../../src/store/sqlite/driver.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import { programFile, removeFolder, run, serve, type Ran, type Server } from '../stories/program.ts'
import { freePort } from '../support/free-port.ts'
import { smtpServer } from '../support/smtp-server.ts'
import { imapClient, lettersIn, sendAll, type Letter } from './old-load.ts'
import { buildOld, lacksHistory } from './old-program.ts'

const firstRelease = '7c0db256d62b001e1c7c233e61e08f22e61206af'
/** Any commit that made stores of its own; by default that of version 0.1.0. */
const oldCommit = process.env['OLD_STORE_COMMIT'] ?? firstRelease
const skip = lacksHistory(oldCommit)
const messages = Math.max(500, Number(process.env['OLD_STORE_MESSAGES'] ?? 10_000))
const connections = 16
/** Many commits share a sync, and their rows take longer than the first answer of them. */
const burstConnections = 150
const accounts = ['a@old.test', 'b@old.test', 'c@old.test']
/** An alias of many: the rows of such a message take long enough that a kill comes amid them. */
const crowd = 'crowd@old.test'
const crowdAccounts = Array.from({ length: 8 }, (_, i) => `crowd${i}@old.test`)
const password = 'correct horse'
const roundsMax = 20

const folder = mkdtempSync(join(tmpdir(), 'pennypost-old-store-'))
const configuration = join(folder, 'pennypost.toml')
let running: Server | undefined
const open: (() => Promise<void>)[] = []
after(async () => {
  running?.signal('SIGKILL')
  for (const close of open) await close()
  removeFolder(folder)
})

const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** \Recent is of a session. */
const lasting = (flags: readonly string[]): string[] => flags.filter((flag) => flag !== '\\Recent').sort()

/** Polls; the runner's time limit ends what never comes. */
async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(100)
}

async function command(program: string, line: string, data?: string, input?: string): Promise<Ran> {
  const place = ['--config', configuration, ...(data === undefined ? [] : ['--data', data])]
  const ran = await run(program, [...line.split(' '), ...place], input === undefined ? {} : { input })
  assert.equal(ran.status, 0, `${line}\n${ran.out}\n${ran.err}`)
  return ran
}

interface Queued {
  readonly address: string
  readonly state: string
}

async function queueOf(program: string): Promise<Queued[]> {
  return JSON.parse((await command(program, 'queue list --json')).out) as Queued[]
}

function countOf(queue: readonly Queued[], domain: string, state: string): number {
  return queue.filter((row) => row.address.endsWith(`@${domain}`) && row.state === state).length
}

/** Takes connections, and never says a word. */
async function blackHole(port: number): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((done) => server.close(done))
  }
}

/** What was promised, by mailbox or address. */
class Promises {
  readonly filed = new Map([...accounts, ...crowdAccounts].map((account) => [account, new Set<number>()]))
  readonly unsure = new Set<number>()
  readonly queued = new Set<string>()
  count = 0
  onCount: () => void = () => {}

  readonly acknowledge = ({ n, recipients }: Letter): void => {
    for (const recipient of recipients) {
      const filed = (recipient === crowd ? crowdAccounts : [recipient]).map((account) => this.filed.get(account))
      if (filed[0]) for (const account of filed) account!.add(n)
      else this.queued.add(recipient)
    }
    this.count++
    this.onCount()
  }
}

let next = 0
const local = function* (count: number): Generator<Letter> {
  for (let i = 0; i < count; i++) {
    const n = next++
    yield { n, recipients: n % 10 === 0 ? accounts : [accounts[n % 3]!] }
  }
}
const toCrowd = function* (count: number): Generator<Letter> {
  for (let i = 0; i < count; i++) yield { n: next++, recipients: [crowd] }
}
const remote = function* (count: number, domain: string): Generator<Letter> {
  for (let i = 0; i < count; i++) {
    const n = next++
    yield { n, recipients: [`${n}@${domain}`] }
  }
}
/** Takes turns between two. */
const mixed = function* (one: Iterator<Letter>, other: Iterator<Letter>): Generator<Letter> {
  for (let ended = 0; ended < 2; [one, other] = [other, one]) {
    const { done, value } = one.next() as IteratorResult<Letter, undefined>
    if (done) ended++
    else {
      ended = 0
      yield value
    }
  }
}

/** The state that the disk has: of a copy, so that the old store stays as the crash left it. */
async function stateOf(data: string): Promise<{ replayed: number; lateBytes: number }> {
  const copy = join(folder, 'copy')
  removeFolder(copy)
  cpSync(data, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') })
  const db = openDatabase(join(copy, 'pennypost.db'))
  const { late } = db.prepare('SELECT length(late) AS late FROM log').get()!
  db.close()
  const store = await openStore({ folder: copy, clock: realClock, log: silentLog })
  const { replayed } = store
  await store.close()
  removeFolder(copy)
  return { replayed, lateBytes: Number(late) }
}

function write(ports: { hole: number; down: number }): void {
  writeFileSync(
    configuration,
    `hostname = "mx.old.test"
data = ${JSON.stringify(join(folder, 'data'))}
domains = []
trustedNetworks = ["127.0.0.0/8"]
[[listener]]
service = "smtp"
address = "127.0.0.1:0"
[[listener]]
service = "imap"
address = "127.0.0.1:0"
plaintextAuth = true
[[route]]
domain = "hole.test"
to = "127.0.0.1:${ports.hole}"
[[route]]
domain = "*"
to = "127.0.0.1:${ports.down}"
[[check]]
name = "an old value"
pattern = "/^X-Nobody: writes this/"
action = "junk"
of = "strangers"
[smtp]
addressQueries = "nobody"
[dns]
lookups = false
`,
  )
}

test(
  `a store of version 0.1.0 with ${messages} messages, killed amid its work: nothing is lost`,
  { skip },
  async (t) => {
    const old = buildOld(oldCommit)
    const promises = new Promises()
    const present = await programFile()
    const data = join(folder, 'data')
    const ports = { hole: await freePort(), down: await freePort() }
    write(ports)
    open.push(await blackHole(ports.hole))
    await command(old, 'domain add old.test')
    for (const account of promises.filed.keys())
      await command(old, `account add ${account} --password-stdin`, data, `${password}\n`)
    await command(old, `alias add ${crowd} ${crowdAccounts.join(' ')}`)

    // The old version at work: mail for mailboxes, for a host that is down, for one that never answers, and some that is held.
    running = await serve(['--config', configuration], 2, {}, old)
    await sendAll(running.port('smtp'), connections, local(messages), promises.acknowledge)
    assert.equal(promises.count, messages)
    const queued = mixed(mixed(remote(200, 'down.test'), remote(40, 'held.test')), remote(30, 'hole.test'))
    await sendAll(running.port('smtp'), 4, queued, promises.acknowledge)
    assert.equal(promises.queued.size, 270)
    await command(old, 'queue hold --recipient-domain held.test')
    await until(async () => {
      const queue = await queueOf(old)
      return countOf(queue, 'down.test', 'deferred') === 200 && countOf(queue, 'hole.test', 'leased') > 0
    })
    const client = await imapClient(running.port('imap'), accounts[0]!, password)
    await client.command('CREATE "Old papers"')
    await client.command('CREATE "Entw&APw-rfe &- mehr"')
    await client.select('INBOX')
    await client.command('UID COPY 1:50 "Old papers"')
    await client.command('STORE 1:100 +FLAGS.SILENT (\\Seen $Label1)')
    const kept = await lettersIn(client, 'INBOX')
    assert.equal([...kept.values()].filter(({ flags }) => flags.includes('\\Seen')).length, 100)
    const expunged = new Set([...kept].filter(([, { uid }]) => uid > 100 && uid <= 110).map(([n]) => n))
    await client.select('INBOX')
    await client.command('UID STORE 101:110 +FLAGS.SILENT (\\Deleted)')
    await client.command('EXPUNGE')
    await client.logout()
    for (const n of expunged) promises.filed.get(accounts[0]!)!.delete(n)
    await command(old, `backup ${join(folder, 'old-backup')}`)
    const before = new Map([...promises.filed].map(([account, filed]) => [account, new Set(filed)]))

    // Killed amid a burst, again where the last record had its rows and none was late.
    let state = { replayed: 0, lateBytes: 0 }
    let rounds = 0
    for (; state.replayed === 0 || state.lateBytes === 0; rounds++) {
      assert.ok(rounds < roundsMax, `after ${rounds} kills: ${JSON.stringify(state)}`)
      if (rounds > 0) running = await serve(['--config', configuration], 2, {}, old)
      const server = running
      const end = promises.count + 400 + 37 * rounds
      // At the first answer of a group of commits, whose rows are being written then.
      let lastMs = 0
      promises.onCount = () => {
        const nowMs = performance.now()
        if (promises.count >= end && nowMs - lastMs > 3) server.signal('SIGKILL')
        lastMs = nowMs
      }
      const burst = mixed(toCrowd(3000), mixed(toCrowd(3000), remote(3000, 'hole.test')))
      const { unanswered } = await sendAll(server.port('smtp'), burstConnections, burst, promises.acknowledge)
      for (const { n } of unanswered) promises.unsure.add(n)
      await server.ended
      state = await stateOf(data)
    }
    promises.onCount = () => {}

    // The present version on what is left.
    running = await serve(['--config', configuration], 2)
    const oldNames = running.events().filter(({ event }) => event === 'configuration has an old name')
    assert.deepEqual(oldNames.map(({ text }) => text).sort(), [
      'check[0].of: "strangers" is the old name of "unauthenticated"',
      'smtp.addressQueries: "nobody" is the old name of "none"',
    ])
    assert.equal(running.events().find(({ event }) => event === 'recovered')?.['records'], state.replayed)
    const renamed = running.events().filter(({ event }) => event === 'trace folder renamed').length
    if (oldCommit === firstRelease) assert.equal(renamed, 1)
    let looked = 0
    for (const [account, filed] of promises.filed) {
      const reader = await imapClient(running.port('imap'), account, password)
      const found = await lettersIn(reader, 'INBOX')
      looked += found.size
      const odd = (n: number): boolean => !filed.has(n) && !promises.unsure.has(n)
      assert.deepEqual(
        [...filed].filter((n) => !found.has(n)),
        [],
        `${account}: acknowledged and lost`,
      )
      assert.deepEqual([...found.keys()].filter(odd), [], `${account}: nobody sent these, or they had been expunged`)
      if (account === accounts[0]) {
        for (const [n, { uid, flags }] of kept) {
          if (expunged.has(n)) continue
          assert.equal(found.get(n)!.uid, uid, `letter ${n} has another UID`)
          assert.deepEqual(lasting(found.get(n)!.flags), lasting(flags), `letter ${n} has other flags`)
        }
        assert.equal((await lettersIn(reader, 'Old papers')).size, 50)
        assert.equal((await lettersIn(reader, 'Entwürfe & mehr')).size, 0)
      }
      await reader.logout()
    }
    const queue = await queueOf(present)
    const waiting = new Set(queue.map(({ address }) => address))
    assert.deepEqual(
      [...promises.queued].filter((address) => !waiting.has(address)),
      [],
      'acknowledged, and not in the queue',
    )
    assert.equal(waiting.size, queue.length, 'queued twice')
    assert.equal(countOf(queue, 'held.test', 'held'), 40)
    await command(present, 'verify')
    const traced = JSON.parse((await command(present, 'trace 3@load.test --json')).out) as { id: string }[]
    assert.equal(traced.length, 1, 'the trace of a message from before')

    // What others have in their scripts.
    for (const line of [
      'account list',
      'account show a@old.test',
      'alias list',
      'app-password list a@old.test',
      'domain list',
      'mailbox list a@old.test',
      'queue list --by-destination',
      'route down.test',
      'verify --json',
    ])
      await command(present, line)

    const checked = await run(present, ['config', 'check', configuration])
    assert.equal(checked.status, 0)
    assert.equal(`${checked.out}${checked.err}`.match(/is the old name of/g)?.length, 2)

    // Backups: the present version's of the old store, and the old version's own.
    await command(present, `backup ${join(folder, 'backup')}`)
    const restored: Record<string, number> = {}
    for (const [name, least] of [
      ['backup', promises.filed],
      ['old-backup', before],
    ] as const) {
      const into = join(folder, `from-${name}`)
      await command(present, `restore ${join(folder, name)} --hold-queue`, into)
      await command(present, 'verify', into)
      restored[name] = 0
      for (const [account, filed] of least) {
        const list = JSON.parse((await command(present, `mailbox list ${account} --json`, into)).out) as {
          name: string
          messages: number
        }[]
        const count = list.find((mailbox) => mailbox.name === 'INBOX')!.messages
        restored[name] += count
        assert.ok(count >= filed.size, `${name}: ${account} has ${count} of ${filed.size}`)
      }
    }

    // The hosts come back, and a start anew has forgotten that they failed several times in a row: everything goes out, once.
    running.signal('SIGTERM')
    assert.equal(await running.ended, 0)
    await open.pop()!()
    const hosts = [await smtpServer({ port: ports.hole }), await smtpServer({ port: ports.down })]
    open.push(...hosts.map((host) => host.close))
    running = await serve(['--config', configuration], 2)
    assert.equal(running.events().filter(({ event }) => event === 'trace folder renamed').length, 0)
    await command(present, 'queue release --all')
    await command(present, 'queue retry --all')
    await until(async () => (await queueOf(present)).length === 0)
    const heard = hosts.flatMap((host) => host.heard).flatMap((line) => /^RCPT TO:<(.*?)>/i.exec(line)?.[1] ?? [])
    assert.deepEqual(
      [...promises.queued].filter((address) => heard.filter((one) => one === address).length !== 1),
      [],
      'not relayed exactly once',
    )
    const left = running
    running = undefined
    left.signal('SIGTERM')
    assert.equal(await left.ended, 0)
    await command(present, 'verify')
    const lost = join(data, 'lost')
    assert.ok(!existsSync(lost), 'files without a row')
    t.diagnostic(
      `${promises.count} messages acknowledged, ${rounds} kills; ${state.replayed} records without rows, ${state.lateBytes} bytes of late rows; ` +
        `${looked} found by their digests, ${promises.queued.size} recipients relayed once, ${restored['backup']} and ${restored['old-backup']} restored`,
    )
  },
)

/** Every `command --option` of a program, from its own help. */
async function optionsOf(program: string, path: readonly string[] = []): Promise<string[]> {
  const { out } = await run(program, [...path, '--help'])
  const own = [...out.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map((found) => [...path, found[1]!].join(' '))
  const below = /^Commands:\n((?: .*\n)+)/m.exec(out)?.[1] ?? ''
  const names = [...below.matchAll(/^ {2}([a-z-]+)/gm)].map((found) => found[1]!).filter((name) => name !== 'help')
  const found = await Promise.all(names.map((name) => optionsOf(program, [...path, name])))
  return [...own, path.join(' '), ...found.flat()]
}

test('every command and option of version 0.1.0 is still there', { skip }, async (t) => {
  const [before, now] = [await optionsOf(buildOld(oldCommit)), new Set(await optionsOf(await programFile()))]
  assert.deepEqual(
    before.filter((one) => !now.has(one)),
    [],
  )
  assert.ok(before.length > 150, String(before.length))
  t.diagnostic(`${before.length} commands and options`)
})

test('every key of version 0.1.0 is known, by its name or as an old one', { skip }, async (t) => {
  const { out } = await run(buildOld(oldCommit), ['config', 'reference'])
  const known = new Set(
    sections.flatMap(({ name, formerly: tables = [], options }) =>
      [name, ...tables].flatMap((table) =>
        Object.entries(options).flatMap(([key, { formerly = [] }]) =>
          [key, ...formerly].map((one) => (table === '' ? one : `${table}.${one}`)),
        ),
      ),
    ),
  )
  let table = ''
  const keys: string[] = []
  for (const line of out.split('\n')) {
    const heading = /^## (?:`\[+([\w.]+)\]+`)?/.exec(line)
    if (heading) table = heading[1] === undefined ? '' : `${heading[1]}.`
    const key = /^\| `(\w+)` \| .* \| .* \| .* \|$/.exec(line)?.[1]
    // The table of services has more columns.
    if (key !== undefined && line.split(/ (?<!\\)\| /).length === 4) keys.push(table + key)
  }
  assert.deepEqual(
    keys.filter((key) => !known.has(key)),
    [],
  )
  assert.ok(keys.length > 140, String(keys.length))
  t.diagnostic(`${keys.length} keys`)
})
