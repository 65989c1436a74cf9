/** The queue among many: fair order, next hops that back off, connections that are kept, rates, deadlines, and a stop in the middle. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../../src/base/network.ts'
import { fairWeather } from '../../src/platform/simulated/network.ts'
import { admissionDefaults } from '../../src/listen/admission.ts'
import type { System } from '../../src/system/types.ts'
import { openStore } from '../../src/store/sqlite/engine.ts'
import type { Store } from '../../src/store/store.ts'
import { Process } from '../simulation/process.ts'
import { Peer } from './peer.ts'
import { bytesOfText, messagesIn, World, type NextHop } from './world.ts'

const text = 'From: pat@far.example\nSubject: hello\n\nHello\n'
const second = 1000
const minute = 60_000
const hour = 60 * minute

const homeSite: NextHop = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['alice@a.example', 'list@a.example'],
}

/** An alias of ours for many elsewhere: what arrives for it is relayed to each. */
async function list(system: System, address: string, members: readonly string[]): Promise<void> {
  await system.store.commit([{ kind: 'aliasSet', address, targets: members }])
}

const withGrace = (shutdownGraceMs: number): NonNullable<NextHop['config']> => ({
  limits: { ...admissionDefaults, shutdownGraceMs },
})

/** A store that a system does not close with itself. */
function outliving(store: Store): Store {
  return { ...new Process().store(store), close: async () => {} }
}

const members = (count: number, domain: (n: number) => string): string[] =>
  Array.from({ length: count }, (_, n) => `member${n}@${domain(n)}`)

/** Somebody writes to many at a slow host, then somebody else to one there: his letter goes before the rest, and all of them once. */
async function letterBehind(many: (world: World, home: System) => Promise<number>): Promise<void> {
  const world = new World()
  const home = await world.start(homeSite)
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example'],
    slowMs: 30 * second,
  })
  await list(home, 'bob@a.example', ['bob@b.example'])
  const recipients = 1 + (await many(world, home))
  await world.clock.pass(10 * second)
  await world.send(home, 'pat@far.example', ['bob@a.example'], text)
  await world.clock.pass(2 * minute)
  const letter = peer.taken.findIndex((one) => one.recipients.includes('bob@b.example'))
  assert.ok(letter >= 0, 'the letter has not gone')
  // Five went at once; the letter is in the second round, and thousands of recipients take fifty transactions.
  assert.ok(letter <= 12, `${letter} transactions went before the letter`)
  await world.clock.pass(hour)
  assert.equal(new Set(peer.recipients).size, recipients)
  assert.equal(peer.recipients.length, recipients)
  await world.stop()
}

test('a letter does not wait behind a list', () =>
  letterBehind(async (world, home) => {
    await list(
      home,
      'everybody@a.example',
      members(5000, () => 'b.example'),
    )
    await world.send(home, 'boss@a.example', ['everybody@a.example'], text)
    return 5000
  }))

test('a burst for one slow host is held in memory up to a limit: the last of it gives way to a letter, and nobody is left out', () =>
  letterBehind(async (world, home) => {
    for (let n = 0; n < 53; n++) {
      const hundred = Array.from({ length: 100 }, (_, i) => `member${n}.${i}@b.example`)
      await list(home, `hundred${n}@a.example`, hundred)
      await world.send(home, 'boss@a.example', [`hundred${n}@a.example`], text)
    }
    return 5300
  }))

test('one sender, many slow hosts: others still find a transfer free', async () => {
  const world = new World()
  const home = await world.start({ ...homeSite, transfer: { transfersMax: 8 } })
  for (let n = 0; n < 20; n++) {
    await Peer.start(world, {
      address: `10.0.1.${n}`,
      hostname: `mx.s${n}.example`,
      domains: [`s${n}.example`],
      slowMs: 4 * minute,
    })
  }
  const quick = await Peer.start(world, { address: '10.0.0.9', hostname: 'mx.b.example', domains: ['b.example'] })
  await list(
    home,
    'everybody@a.example',
    members(20, (n) => `s${n}.example`),
  )
  await list(home, 'bob@a.example', ['bob@b.example'])
  await world.send(home, 'boss@a.example', ['everybody@a.example'], text)
  await world.clock.pass(5 * second)
  await world.send(home, 'pat@far.example', ['bob@a.example'], text)
  await world.clock.pass(5 * second)
  assert.deepEqual(quick.recipients, ['bob@b.example'])
  await world.stop()
})

test('messages to one place share a connection, and another domain of the same host does too', async () => {
  const world = new World()
  const home = await world.start({ ...homeSite, transfer: { transfersPerDestinationMax: 1 } })
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example', 'c.example'],
  })
  await list(home, 'bob@a.example', ['bob@b.example'])
  await list(home, 'carol@a.example', ['carol@c.example'])
  for (let n = 0; n < 6; n++)
    await world.send(home, 'pat@far.example', [n % 2 ? 'bob@a.example' : 'carol@a.example'], text)
  await world.clock.pass(10 * second)
  assert.equal(peer.taken.length, 6)
  assert.equal(peer.connections, 1)
  // It is not kept for ever: after a while without work we say goodbye, and come again.
  await world.clock.pass(minute)
  await world.send(home, 'pat@far.example', ['bob@a.example'], text)
  await world.clock.pass(10 * second)
  assert.equal(peer.connections, 2)
  await world.stop()
})

test('a dead site rests: its mail waits without a connection for each message, and goes when it is back', async () => {
  const world = new World()
  const home = await world.start({ ...homeSite, transfer: { delayWarningMs: 0 } })
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example', 'c.example'],
  })
  await list(home, 'bob@a.example', ['bob@b.example'])
  await list(home, 'carol@a.example', ['carol@c.example'])
  const upAgainMs = world.clock.now() + 2 * hour
  let attempts = 0
  world.internet.weather = {
    ...fairWeather,
    connect(_, to) {
      if (to !== '10.0.0.9' || world.clock.now() >= upAgainMs) return 'open'
      attempts++
      return 'refused'
    },
  }
  for (let n = 0; n < 60; n++) {
    await world.send(home, 'pat@far.example', [n % 2 ? 'bob@a.example' : 'carol@a.example'], text)
    await world.clock.pass(minute)
  }
  assert.ok(attempts >= 4, `only ${attempts} attempts`)
  assert.ok(attempts <= 25, `${attempts} attempts for 60 messages to a site that is down`)
  const [waiting] = (await home.store.read.queueWhere({ state: 'deferred' }, 0, 100)).rows
  assert.match(waiting!.lastReply!, /ECONNREFUSED/)
  await world.clock.pass(5 * hour)
  assert.equal(peer.taken.length, 60)
  assert.equal((await home.store.read.queue(0, 10)).length, 0)
  await world.stop()
})

test('greylisting is no trouble of the site: others are not kept waiting by it', async () => {
  const world = new World()
  const home = await world.start(homeSite)
  const seen = new Set<string>()
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example'],
    refuse(stage, line) {
      if (stage !== 'rcpt' || line.includes('known') || seen.has(line)) return undefined
      seen.add(line)
      return '451 4.7.1 come again'
    },
  })
  for (let n = 0; n < 10; n++) await list(home, `new${n}@a.example`, [`new${n}@b.example`])
  await list(home, 'known@a.example', ['known@b.example'])
  for (let n = 0; n < 10; n++) await world.send(home, 'pat@far.example', [`new${n}@a.example`], text)
  await world.clock.pass(5 * second)
  await world.send(home, 'pat@far.example', ['known@a.example'], text)
  await world.clock.pass(5 * second)
  assert.deepEqual(peer.recipients, ['known@b.example'])
  await world.clock.pass(10 * minute)
  assert.equal(peer.recipients.length, 11)
  await world.stop()
})

test('a rule for a host holds for all the domains that it serves: connections, rate, waits', async () => {
  const world = new World()
  const home = await world.start({
    ...homeSite,
    config: { destinations: [{ match: '*.big.example', connectionsMax: 2, ratePerMinute: 10, retryAfterMs: [hour] }] },
  })
  let refusing = true
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx1.big.example',
    domains: Array.from({ length: 10 }, (_, n) => `d${n}.example`),
    slowMs: second,
    refuse: (stage, line) => (refusing && stage === 'rcpt' && line.includes('late') ? '450 4.2.0 not yet' : undefined),
  })
  await list(
    home,
    'everybody@a.example',
    members(30, (n) => `d${n % 10}.example`),
  )
  await list(home, 'late@a.example', ['late@d0.example'])
  await world.send(home, 'boss@a.example', ['everybody@a.example'], text)
  const beganMs = world.clock.now()
  await world.clock.pass(5 * minute)
  assert.equal(peer.recipients.length, 30)
  assert.ok(peer.busiest <= 2, `${peer.busiest} transfers at a time`)
  const lastMs = peer.taken.at(-1)!.atMs - beganMs
  assert.ok(lastMs >= 2 * minute, `30 recipients in ${lastMs} ms, at ten a minute`)
  await world.send(home, 'boss@a.example', ['late@a.example'], text)
  await world.clock.pass(minute)
  refusing = false
  await world.clock.pass(40 * minute)
  assert.ok(!peer.recipients.includes('late@d0.example'), 'tried again before its hour')
  await world.clock.pass(40 * minute)
  assert.ok(peer.recipients.includes('late@d0.example'))
  await world.stop()
})

test('a sender beyond his rate waits; others do not', async () => {
  const world = new World()
  const home = await world.start({ ...homeSite, transfer: { senderRatePerHour: 10 } })
  const peer = await Peer.start(world, { address: '10.0.0.9', hostname: 'mx.b.example', domains: ['b.example'] })
  for (let n = 0; n < 15; n++) await list(home, `m${n}@a.example`, [`m${n}@b.example`])
  for (let n = 0; n < 15; n++) await world.send(home, 'boss@a.example', [`m${n}@a.example`], text)
  await world.send(home, 'pat@far.example', ['m1@a.example'], text)
  await world.clock.pass(minute)
  const of = (sender: string): number => peer.taken.filter(({ mail }) => mail.startsWith(`<${sender}>`)).length
  assert.equal(of('pat@far.example'), 1)
  assert.ok(of('boss@a.example') >= 10 && of('boss@a.example') <= 11, `${of('boss@a.example')} went at once`)
  await world.clock.pass(hour)
  assert.equal(of('boss@a.example'), 15)
  await world.stop()
})

test('a stop gives back what has not begun, and ends what has: nothing waits for a lease to run out', async () => {
  const world = new World()
  const { clock, log } = world
  const store = await openStore({ folder: ':memory:', clock, log })
  const site = { ...homeSite, transfer: { transfersPerDestinationMax: 1 }, config: withGrace(minute) }
  const home = await world.start(site, undefined, outliving(store))
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example'],
    slowMs: 20 * second,
  })
  for (let n = 0; n < 5; n++) {
    await list(home, `m${n}@a.example`, [`m${n}@b.example`])
    await world.send(home, 'boss@a.example', [`m${n}@a.example`], text)
  }
  await clock.pass(10 * second)
  assert.equal((await store.read.queueWhere({ state: 'leased' }, 0, 10)).rows.length, 5)
  await clock.until(home.stop())
  assert.equal(peer.taken.length, 1, 'the one under way is ended, and no other begun')
  assert.deepEqual(
    (await store.read.queueWhere({}, 0, 10)).rows.map(({ state }) => state),
    ['ready', 'ready', 'ready', 'ready'],
  )
  world.systems.splice(0)
  world.systems.push(await world.boot(site, undefined, store))
  await clock.pass(2 * minute)
  assert.deepEqual(peer.recipients.sort(), [
    'm0@b.example',
    'm1@b.example',
    'm2@b.example',
    'm3@b.example',
    'm4@b.example',
  ])
  await world.stop()
})

test('a stop gives back what waits for its rate too, though nothing is under way', async () => {
  const world = new World()
  const { clock, log } = world
  const inner = await openStore({ folder: ':memory:', clock, log })
  let isClosed = false
  const store: Store = {
    ...outliving(inner),
    // As a store that is closed does it.
    commit: (...given) => (isClosed ? Promise.reject(new Error('the store is closed')) : inner.commit(...given)),
    async close() {
      isClosed = true
    },
  }
  const site = { ...homeSite, config: { ...withGrace(minute), destinations: [{ match: '*', ratePerMinute: 1 }] } }
  const home = await world.start(site, undefined, store)
  const peer = await Peer.start(world, { address: '10.0.0.9', hostname: 'mx.b.example', domains: ['b.example'] })
  for (let n = 0; n < 3; n++) {
    await list(home, `m${n}@a.example`, [`m${n}@b.example`])
    await world.send(home, 'boss@a.example', [`m${n}@a.example`], text)
  }
  await clock.pass(10 * second)
  assert.equal(peer.taken.length, 1)
  assert.equal((await inner.read.queueWhere({ state: 'leased' }, 0, 10)).rows.length, 2)
  await clock.until(home.stop())
  assert.deepEqual(
    (await inner.read.queueWhere({}, 0, 10)).rows.map(({ state }) => state),
    ['ready', 'ready'],
  )
  world.systems.splice(0)
})

/** Hosts that take a connection and leave it at some point: where each is silent for ever. */
const silent = ['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'end', 'drips'] as const

test('a stop is over in its time, however many hosts hang and wherever; what they had goes back', async () => {
  const world = new World()
  const { clock, log } = world
  const store = await openStore({ folder: ':memory:', clock, log })
  const graceMs = 8 * second
  const home = await world.start({ ...homeSite, config: withGrace(graceMs) }, undefined, outliving(store))
  for (const [n, where] of silent.entries()) {
    const domain = `${where.toLowerCase()}.example`
    const [address, hostname] = [`10.0.1.${n}`, `mx.${domain}`]
    await world.internet.at(address).listen({ address, port: 25 }, (connection) => hang(world, connection, where))
    world.zone.names.set(hostname, { addresses: [address] })
    world.zone.names.set(domain, { mx: [{ preference: 10, exchange: hostname }] })
    await list(home, `${n}@a.example`, [`one@${domain}`])
    await world.send(home, 'boss@a.example', [`${n}@a.example`], text)
  }
  await clock.pass(20 * second)
  assert.equal((await store.read.queueWhere({ state: 'leased' }, 0, 10)).rows.length, silent.length)
  const sinceMs = clock.monotonic()
  assert.deepEqual(await clock.until(home.stop()), [])
  assert.ok(clock.monotonic() - sinceMs <= graceMs, `it took ${clock.monotonic() - sinceMs} ms`)
  assert.equal((await store.read.queueWhere({ state: 'leased' }, 0, 10)).rows.length, 0)
  assert.equal((await store.read.queueWhere({}, 0, 10)).rows.length, silent.length)
})

/** A host that answers as it should, up to one point. */
function hang({ clock }: World, connection: Connection, where: (typeof silent)[number]): void {
  const say = (words: string): void => void connection.write(Buffer.from(words))
  const drip = (): void => {
    say('2')
    clock.after(2 * second, drip)
  }
  let inData = false
  connection.receive({
    data(bytes) {
      const said = Buffer.from(bytes).toString()
      for (const line of said.split('\r\n').slice(0, -1)) {
        const verb = inData ? (line === '.' ? 'end' : '') : line.slice(0, 4)
        if (verb === where || verb === '') return
        if (verb === 'MAIL' && where === 'drips') return drip()
        inData = verb === 'DATA'
        say(inData ? '354 go\r\n' : '250 fine\r\n')
      }
    },
    drain() {},
    end() {},
    close() {},
  })
  if (where !== 'greeting') say('220 here\r\n')
}

test('after a crash the leases of the dead are taken over at once, and what it worked on is tried again a little later', async () => {
  const world = new World()
  const { clock, log } = world
  const store = await openStore({ folder: ':memory:', clock, log })
  const running = new Process()
  const site = { ...homeSite, transfer: { transfersPerDestinationMax: 1 } }
  const home = await world.start(site, (platform) => running.within(platform), running.store(store))
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example'],
    slowMs: 20 * second,
  })
  for (let n = 0; n < 3; n++) {
    await list(home, `m${n}@a.example`, [`m${n}@b.example`])
    await world.send(home, 'boss@a.example', [`m${n}@a.example`], text)
  }
  await clock.pass(5 * second)
  running.crash()
  world.systems.splice(0)
  world.systems.push(await world.boot(site, undefined, store))
  await clock.pass(10 * second)
  assert.equal((await store.read.queueWhere({ state: 'leased' }, 0, 10)).rows.length, 0)
  assert.equal((await store.read.queueWhere({ state: 'deferred' }, 0, 10)).rows.length, 3)
  await clock.pass(2 * minute)
  // The one whose 250 was under way came twice: nobody could know.
  assert.deepEqual([...new Set(peer.recipients)].sort(), ['m0@b.example', 'm1@b.example', 'm2@b.example'])
  assert.ok(peer.recipients.length <= 4)
  await world.stop()
})

test('where nothing waits the commit leases its own recipients; behind a backlog they take their turns', async () => {
  const world = new World()
  const { clock, log } = world
  const store = await openStore({ folder: ':memory:', clock, log })
  const leases: number[] = []
  const born: boolean[] = []
  const watched: Store = {
    ...new Process().store(store),
    commit(operations, options) {
      for (const operation of operations) {
        if (operation.kind === 'queueLease') leases.push(clock.now())
        if (operation.kind === 'arrive' && operation.queue) born.push(operation.queue.leasedUntilMs !== undefined)
      }
      return store.commit(operations, options)
    },
  }
  const home = await world.start(homeSite, undefined, watched)
  const peer = await Peer.start(world, { address: '10.0.0.9', hostname: 'mx.b.example', domains: ['b.example'] })
  await list(home, 'bob@a.example', ['bob@b.example'])
  await list(
    home,
    'everybody@a.example',
    members(2000, () => 'b.example'),
  )
  const before = leases.length
  await world.send(home, 'pat@far.example', ['bob@a.example'], text)
  await clock.pass(10 * second)
  assert.deepEqual(peer.recipients, ['bob@b.example'])
  assert.deepEqual([born, leases.length - before], [[true], 0])
  await world.send(home, 'boss@a.example', ['everybody@a.example'], text)
  assert.equal(born.at(-1), false, 'more than may be in hand')
  await clock.pass(minute)
  assert.equal(new Set(peer.recipients).size, 2001)
  assert.equal(peer.recipients.length, 2001)
  await world.stop()
})

test('what arrives before the leases of the last process are taken over is not among them: it is sent once', async () => {
  const world = new World()
  const { clock, log } = world
  const store = await openStore({ folder: ':memory:', clock, log })
  let takeOver = (): void => {}
  const gate = new Promise<void>((resolve) => (takeOver = resolve))
  const slow: Store = {
    ...new Process().store(store),
    async commit(operations, options) {
      if (operations.some(({ kind }) => kind === 'queueReclaim')) await gate
      return store.commit(operations, options)
    },
  }
  const home = await world.start(homeSite, undefined, slow)
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example'],
    slowMs: 10 * second,
  })
  await list(home, 'bob@a.example', ['bob@b.example'])
  await world.send(home, 'pat@far.example', ['bob@a.example'], text)
  await clock.pass(second)
  takeOver()
  await clock.pass(5 * minute)
  assert.deepEqual(peer.recipients, ['bob@b.example'])
  await world.stop()
})

test('a clock that is set forward ends no attempt: nothing is sent twice', async () => {
  const world = new World()
  const { clock } = world
  const home = await world.start(homeSite)
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example', 'c.example'],
    slowMs: 40 * second,
  })
  await list(home, 'bob@a.example', ['bob@b.example'])
  await list(home, 'carol@a.example', ['carol@c.example'])
  await world.send(home, 'pat@far.example', ['bob@a.example'], text)
  await clock.pass(5 * second)
  clock.jump(2 * hour)
  // Too large to be leased at once: the queue looks for what is due, and the first one's lease is over by this clock.
  await world.send(home, 'pat@far.example', ['carol@a.example'], `${text}${`${'x'.repeat(70)}\n`.repeat(1000)}`)
  await clock.pass(10 * minute)
  assert.deepEqual(peer.recipients.sort(), ['bob@b.example', 'carol@c.example'])
  assert.equal((await home.store.read.counts()).queued, 0)
  await world.stop()
})

test('DELIVERBY: what is late and wanted back comes back; what is late and only watched is told of', async () => {
  const world = new World()
  const home = await world.start({ ...homeSite, users: ['carl@a.example'] })
  const refusals = { refusing: true }
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example'],
    keywords: ['DELIVERBY', 'DSN'],
    refuse: (stage) => (refusals.refusing && stage === 'rcpt' ? '450 4.2.0 not yet' : undefined),
  })
  await list(home, 'bob@a.example', ['bob@b.example'])
  const send = async (by: string): Promise<void> => {
    const client = await world.connect(home)
    const atMs = world.clock.now() + Number(by.split(';')[0]) * second
    const mode = by.endsWith('R') ? 'return' : 'notify'
    await world.clock.until(
      client.send(
        {
          reversePath: 'alice@a.example',
          recipients: ['bob@a.example'],
          body: '7bit',
          smtpUtf8: false,
          deliverBy: { atMs, mode, trace: false },
        },
        bytesOfText(text),
      ),
    )
    await world.clock.until(client.quit())
  }
  await send('3600;R')
  await world.clock.pass(2 * hour)
  const [returned, ...none] = await messagesIn(home, 'alice@a.example')
  assert.equal(none.length, 0)
  assert.match(returned!, /^Action: failed\r\nStatus: 5\.4\.7/m)
  assert.match(returned!, /^Deliver-By-Date: /m)
  await send('1800;N')
  await world.clock.pass(31 * minute)
  const told = (await messagesIn(home, 'alice@a.example'))[1]
  assert.match(told!, /^Action: delayed\r\nStatus: 4\.4\.7/m)
  refusals.refusing = false
  await world.clock.pass(3 * hour)
  assert.deepEqual(peer.recipients, ['bob@b.example'])
  // It knows from us by when it should have been there.
  assert.match(peer.taken[0]!.mail, /BY=-\d+;N/)
  await world.stop()
})
