/**
 * What is decided for a recipient holds wherever it is carried out: at the end of data, later by the queue, after a hold, or at a release
 * time. Each story compares what the sender was told, what the ledger says and what the mailbox has.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runControl, type ArgumentsOf } from '../../src/admin/control.ts'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import { checkOf } from '../../src/config/check.ts'
import type { ContentRule } from '../../src/checks/content.ts'
import type { Operation } from '../../src/store/operations.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import { StoreFault, type Store } from '../../src/store/store.ts'
import type { System } from '../../src/system/types.ts'
import { Peer } from './peer.ts'
import { Typist } from './typist.ts'
import { messagesIn, World } from './world.ts'

const [alice, bob, carol] = ['alice@a.example', 'bob@a.example', 'carol@a.example']
const hour = 3_600_000
const spam = 'Subject: spam\r\n\r\nBuy\r\n.'
const hello = 'From: alice@a.example\r\nSubject: hello\r\n\r\nHello\r\n.'

interface Home {
  readonly fileNowMax?: number
  readonly checks?: readonly ContentRule[]
  readonly store?: Store
}

/** A host with three mailboxes, whose clients need no password. */
function homeIn(world: World, { fileNowMax = 1, checks = [], store }: Home = {}): Promise<System> {
  const site = {
    hostname: 'mx.a.example',
    address: '10.0.0.1',
    domains: ['a.example'],
    mailboxes: [alice, bob, carol],
    transfer: { fileNowMax },
    config: { trustedNetworks: [parseIpNetwork('198.51.100.0/24')!], checks },
  }
  return world.start(site, undefined, store)
}

function rule(pattern: string, action: string): ContentRule {
  const said = { name: undefined, where: 'header', of: 'all', pattern, action, text: undefined }
  const read = checkOf(said as Parameters<typeof checkOf>[0], 0)
  assert.ok('rule' in read, JSON.stringify(read))
  return read.rule
}

interface Sent {
  readonly from?: string
  readonly to: readonly string[]
  readonly text: string
  /** Parameters of MAIL. */
  readonly mail?: string
  /** Between the last RCPT and DATA. */
  readonly beforeData?: () => Promise<unknown>
  readonly port?: number
}

/** @returns the reply to the message. */
async function send(world: World, { from = alice, to, text, mail = '', beforeData, port = 25 }: Sent): Promise<string> {
  const typist = await Typist.connect(world, '10.0.0.1', port)
  await typist.reply()
  await typist.talk(
    ['EHLO desk.a.example', '250'],
    [`MAIL FROM:<${from}>${mail}`, '250'],
    ...to.map((one) => [`RCPT TO:${one.startsWith('<') ? one : `<${one}>`}`, '250'] as const),
  )
  await beforeData?.()
  await typist.talk(['DATA', '354'])
  const said = await typist.say(text)
  await typist.talk(['QUIT', '221'])
  return said
}

/** How many messages are where: `alice INBOX 0 Junk 1`. */
async function whereIs(system: System, ...users: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const user of users) {
    const [inbox, junk] = [await messagesIn(system, user), await messagesIn(system, user, 'Junk')]
    found.push(`${user.slice(0, user.indexOf('@'))} INBOX ${inbox.length} Junk ${junk.length}`)
  }
  return found
}

/** Every row of the ledger, by recipient. */
async function ledgerOf(system: System): Promise<string[]> {
  const { rows } = await system.store.read.ledgerWhere('', '~', undefined, 100)
  return rows.map(({ recipient, outcome }) => `${recipient} ${outcome}`).sort()
}

async function act(world: World, { store }: System, wish: Partial<ArgumentsOf<'queueAct'>>): Promise<void> {
  const recipients = (await store.read.queue(0, 10)).map(({ id }) => id)
  const args = { recipients, ...wish } as ArgumentsOf<'queueAct'>
  const answer = await world.clock.until(runControl({ store, clock: world.clock }, 'queueAct', args))
  assert.ok(!('error' in answer), JSON.stringify(answer))
}

type Commit = Store['commit']

/** A store of its own whose commits pass through `commit`. */
async function storeWith(world: World, commit: (inner: Store) => Commit): Promise<{ store: Store; inner: Store }> {
  const inner = await openStore({ folder: ':memory:', clock: world.clock, log: world.log })
  const own = commit(inner)
  const store = new Proxy(inner, {
    get(target, key) {
      if (key === 'commit') return own
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  return { store, inner }
}

const files = (operations: readonly Operation[]): boolean =>
  operations.some((one) => one.kind === 'arrive' && one.filings.length > 0)

test('junk is Junk for every recipient, for those beyond fileNowMax too', async () => {
  const world = new World()
  const system = await homeIn(world, { checks: [rule('/^Subject: spam/', 'junk')] })
  await send(world, { from: 'eve@there.example', to: [alice, bob, carol], text: spam })
  await world.clock.pass(60_000)
  assert.deepEqual(await whereIs(system, alice, bob, carol), [
    'alice INBOX 0 Junk 1',
    'bob INBOX 0 Junk 1',
    'carol INBOX 0 Junk 1',
  ])
  await world.stop()
})

test('junk that a rule holds is Junk after its release', async () => {
  const world = new World()
  const checks = [rule('/^Subject: spam/', 'junk'), rule('/^X-Virus: maybe/', 'hold')]
  const system = await homeIn(world, { checks, fileNowMax: 100 })
  await send(world, { from: 'eve@there.example', to: [alice], text: `X-Virus: maybe\r\n${spam}` })
  await world.clock.pass(60_000)
  assert.deepEqual(await whereIs(system, alice), ['alice INBOX 0 Junk 0'], 'held')
  await act(world, system, { act: 'release' })
  await world.clock.pass(60_000)
  assert.deepEqual(await whereIs(system, alice), ['alice INBOX 0 Junk 1'])
  await world.stop()
})

test('junk with a release time (FUTURERELEASE) is Junk at that time', async () => {
  const world = new World()
  const system = await homeIn(world, { checks: [rule('/^Subject: hello/', 'junk')], fileNowMax: 100 })
  await send(world, { to: [bob], text: hello, mail: ' HOLDFOR=3600', port: 587 })
  await world.clock.pass(hour - 60_000)
  assert.deepEqual(await whereIs(system, bob), ['bob INBOX 0 Junk 0'], 'before its time')
  await world.clock.pass(120_000)
  assert.deepEqual(await whereIs(system, bob), ['bob INBOX 0 Junk 1'])
  await world.stop()
})

test('a recipient that an operator holds while the attempt runs is held: its sender is told of no failure', async () => {
  const world = new World()
  const system = await homeIn(world)
  const refuse = (stage: string): string | undefined => (stage === 'data' ? '554 5.7.1 no' : undefined)
  const peer = { address: '10.0.0.2', hostname: 'mx.b.example', domains: ['b.example'], slowMs: 30_000, refuse }
  const host = await Peer.start(world, peer)
  await send(world, { to: ['dave@b.example'], text: hello })
  await world.clock.pass(5000)
  assert.equal(host.busy, 1, 'the attempt is under way')
  await act(world, system, { act: 'hold' })
  await world.clock.pass(10 * 60_000)
  const [row] = await system.store.read.queue(0, 10)
  assert.equal(row?.state, 'held')
  assert.deepEqual(await ledgerOf(system), ['dave@b.example queued'])
  assert.deepEqual(await whereIs(system, alice), ['alice INBOX 0 Junk 0'])
  // The sender hears of it once the operator has let it go on.
  await act(world, system, { act: 'release' })
  await world.clock.pass(10 * 60_000)
  assert.deepEqual(await whereIs(system, alice), ['alice INBOX 1 Junk 0'])
  await world.stop()
})

test('two addresses of one account, beyond fileNowMax: each accepted recipient has its row, the account one message', async () => {
  const world = new World()
  const system = await homeIn(world)
  for (const address of ['b1@a.example', 'b2@a.example'])
    await system.store.commit([{ kind: 'aliasSet', address, targets: [bob] }])
  await send(world, { to: [alice, 'b1@a.example', 'b2@a.example'], text: hello })
  await world.clock.pass(60_000)
  assert.deepEqual(await whereIs(system, alice, bob), ['alice INBOX 1 Junk 0', 'bob INBOX 1 Junk 0'])
  assert.deepEqual(await ledgerOf(system), ['alice@a.example filed', 'b1@a.example filed', 'b2@a.example filed'])
  await world.stop()
})

test('Delivered-To is the address that was written to, also where the queue files', async () => {
  const world = new World()
  const system = await homeIn(world)
  await system.store.commit([{ kind: 'aliasSet', address: 'b1@a.example', targets: [bob] }])
  await send(world, { to: [alice, 'b1@a.example', 'carol+list@a.example'], text: hello })
  await world.clock.pass(60_000)
  const told = async (user: string): Promise<string[]> =>
    (await messagesIn(system, user)).map((message) => /^Delivered-To: ([^\r]*)/m.exec(message)![1]!)
  assert.deepEqual(await told(alice), ['alice@a.example'])
  assert.deepEqual(await told(bob), ['b1@a.example'])
  assert.deepEqual(await told(carol), ['carol+list@a.example'])
  await world.stop()
})

test('NOTIFY=SUCCESS where the queue files: the sender is told by the very commit that files', async () => {
  const world = new World()
  let dead = false
  // As if the power went away right after the filing was on the disk.
  const { store, inner } = await storeWith(world, (under) => async (operations, options) => {
    if (dead) throw new StoreFault('no power', false)
    const done = await under.commit(operations, options)
    dead ||= operations.some((one) => one.kind === 'queueFinish' && one.outcome === 'filed')
    return done
  })
  const system = await homeIn(world, { store })
  await send(world, { to: [`<${bob}> NOTIFY=SUCCESS`], text: hello, mail: ' HOLDFOR=3600', port: 587 })
  await world.clock.pass(2 * hour)
  assert.ok(dead, 'the queue filed')
  dead = false
  const seen = { ...system, store: inner }
  assert.deepEqual(await whereIs(seen, bob), ['bob INBOX 1 Junk 0'])
  const notices = await messagesIn(seen, alice)
  assert.equal(notices.length, 1, 'notices')
  assert.match(notices[0]!, /Action: delivered/)
  await world.stop()
})

test('NOTIFY=SUCCESS beyond fileNowMax: one notice, and none before the message is in its mailbox', async () => {
  const world = new World()
  // Of each commit: whether bob's message is filed by it, and whether the sender is told.
  const commits: { filed: boolean; told: boolean }[] = []
  const { store } = await storeWith(world, (under) => (operations, options) => {
    commits.push({
      filed: operations.some((one) => one.kind === 'queueFinish' && one.outcome === 'filed'),
      told: operations.some(
        (one) => one.kind === 'arrive' && one.filings.some(({ recipients }) => recipients.includes(alice)),
      ),
    })
    return under.commit(operations, options)
  })
  const system = await homeIn(world, { store })
  await send(world, { to: [carol, `<${bob}> NOTIFY=SUCCESS`], text: hello })
  await world.clock.pass(60_000)
  assert.deepEqual(await whereIs(system, bob), ['bob INBOX 1 Junk 0'])
  const notices = await messagesIn(system, alice)
  assert.equal(notices.length, 1, 'notices')
  assert.match(notices[0]!, /Final-Recipient: rfc822; bob@a\.example\r\nAction: delivered/)
  const filed = commits.findIndex((one) => one.filed)
  assert.ok(filed >= 0)
  assert.equal(
    commits.findIndex((one) => one.told),
    filed,
  )
  await world.stop()
})

test('an account that is disabled between RCPT and the end of data gets no mail, and the sender is told', async () => {
  const world = new World()
  const system = await homeIn(world, { fileNowMax: 100 })
  const disable = () => system.store.commit([{ kind: 'accountSet', name: bob, disabled: true }])
  assert.match(await send(world, { to: [bob], text: hello, beforeData: disable }), /^550 5\.2\.1 /)
  await system.store.commit([{ kind: 'accountSet', name: bob, disabled: false }])
  assert.match(await send(world, { to: [carol, bob], text: hello, beforeData: disable }), /^250 /)
  await world.clock.pass(60_000)
  assert.deepEqual(await whereIs(system, bob, carol), ['bob INBOX 0 Junk 0', 'carol INBOX 1 Junk 0'])
  const [notice] = await messagesIn(system, alice)
  assert.match(notice!, /Final-Recipient: rfc822; bob@a\.example\r\nAction: failed\r\nStatus: 5\.2\.1/)
  assert.deepEqual(
    (await ledgerOf(system)).filter((row) => row.startsWith('bob@') || row.startsWith('carol@')),
    ['bob@a.example bounced', 'carol@a.example filed'],
  )
  await world.stop()
})

test('an account that is disabled between the decision and its commit gets no mail; the others have theirs', async () => {
  const world = new World()
  let done = false
  const { store, inner } = await storeWith(world, (under) => async (operations, options) => {
    if (!done && files(operations)) {
      done = true
      await under.commit([{ kind: 'accountSet', name: bob, disabled: true }])
    }
    return under.commit(operations, options)
  })
  const system = await homeIn(world, { store, fileNowMax: 100 })
  assert.match(await send(world, { to: [carol, bob], text: hello }), /^250 /)
  await world.clock.pass(60_000)
  assert.deepEqual(await whereIs({ ...system, store: inner }, bob, carol), [
    'bob INBOX 0 Junk 0',
    'carol INBOX 1 Junk 0',
  ])
  const [notice] = await messagesIn({ ...system, store: inner }, alice)
  assert.match(notice!, /Final-Recipient: rfc822; bob@a\.example\r\nAction: failed\r\nStatus: 5\.2\.1/)
  await world.stop()
})

test('an account that is disabled while its mail waits for the queue gets none, and the sender is told', async () => {
  const world = new World()
  const system = await homeIn(world)
  await send(world, { to: [bob], text: hello, mail: ' HOLDFOR=3600', port: 587 })
  await system.store.commit([{ kind: 'accountSet', name: bob, disabled: true }])
  await world.clock.pass(2 * hour)
  assert.deepEqual(await whereIs(system, bob, alice), ['bob INBOX 0 Junk 0', 'alice INBOX 1 Junk 0'])
  const [notice] = await messagesIn(system, alice)
  assert.match(notice!, /Final-Recipient: rfc822; bob@a\.example\r\nAction: failed\r\nStatus: 5\.2\.1/)
  await world.stop()
})

test('a Junk mailbox that goes away between the decision and its commit: the message is in INBOX', async () => {
  const world = new World()
  let done = false
  const { store, inner } = await storeWith(world, (under) => async (operations, options) => {
    if (!done && files(operations)) {
      done = true
      const { id } = (await under.read.user(alice))!
      await under.commit([{ kind: 'mailboxDelete', account: id, name: 'Junk', nowMs: world.clock.now() }])
    }
    return under.commit(operations, options)
  })
  const system = await homeIn(world, { store, checks: [rule('/^Subject: spam/', 'junk')] })
  const said = await send(world, { from: 'eve@there.example', to: [alice], text: spam })
  await world.clock.pass(60_000)
  assert.ok(done)
  assert.match(said, /^250 /)
  assert.equal((await messagesIn({ ...system, store: inner }, alice)).length, 1)
  await world.stop()
})

test('a Junk mailbox that goes away while junk waits for its release: the message is in INBOX', async () => {
  const world = new World()
  const system = await homeIn(world, { checks: [rule('/^Subject: hello/', 'junk')] })
  await send(world, { to: [bob], text: hello, mail: ' HOLDFOR=3600', port: 587 })
  const { id } = (await system.store.read.user(bob))!
  await system.store.commit([{ kind: 'mailboxDelete', account: id, name: 'Junk', nowMs: world.clock.now() }])
  await world.clock.pass(2 * hour)
  assert.equal((await messagesIn(system, bob)).length, 1)
  assert.deepEqual(await ledgerOf(system), ['bob@a.example filed'])
  await world.stop()
})
