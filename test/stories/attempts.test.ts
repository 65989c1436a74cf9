/** First and later attempts: greetings that refuse, kept connections that break behind the message, commits that are refused. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore } from '../../src/store/sqlite/engine.ts'
import type { Operation } from '../../src/store/operations.ts'
import { StoreRefusal, type Store } from '../../src/store/store.ts'
import type { System } from '../../src/system/types.ts'
import { Process } from '../simulation/process.ts'
import { Peer } from './peer.ts'
import { bytesOfText, World, type NextHop } from './world.ts'

const text = 'From: pat@far.example\nSubject: hello\n\nHello\n'
const minute = 60_000
const home: NextHop = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['x@a.example'],
}

/** What arrives for it goes on to another host. */
const forward = (system: System): Promise<unknown> =>
  system.store.commit([{ kind: 'aliasSet', address: 'bob@a.example', targets: ['bob@b.example'] }])

const send = (world: World, system: System): Promise<number[]> =>
  world.send(system, 'pat@far.example', ['bob@a.example'], text)

test('a host that says 554 in its greeting is tried again later: nothing is returned', async () => {
  const world = new World()
  const a = await world.start(home)
  await forward(a)
  let refuses = true
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example'],
    refuse: (stage) => (stage === 'greeting' && refuses ? '554 5.3.2 not today' : undefined),
  })
  assert.deepEqual(await send(world, a), [250])
  await world.clock.pass(minute)
  const [waiting, ...more] = await a.store.read.queue(0, 10)
  assert.deepEqual([waiting?.address, waiting?.attempts, more.length], ['bob@b.example', 1, 0])
  assert.match(waiting!.lastReply!, /554 5\.3\.2 not today/)
  refuses = false
  await world.clock.pass(30 * minute)
  assert.deepEqual(peer.recipients, ['bob@b.example'])
  await world.stop()
})

test('behind a host that says 554 in its greeting the next MX is asked now', async () => {
  const world = new World()
  const a = await world.start(home)
  await forward(a)
  const refuse = (stage: string): string | undefined => (stage === 'greeting' ? '554 5.3.2 not today' : undefined)
  const first = await Peer.start(world, { address: '10.0.0.8', hostname: 'mx1.b.example', domains: [], refuse })
  const second = await Peer.start(world, { address: '10.0.0.9', hostname: 'mx2.b.example', domains: [] })
  const mx = ['mx1.b.example', 'mx2.b.example'].map((exchange, i) => ({ preference: 10 * i, exchange }))
  world.zone.names.set('b.example', { mx })
  assert.deepEqual(await send(world, a), [250])
  await world.clock.pass(minute)
  assert.equal(first.connections, 1)
  assert.deepEqual(second.recipients, ['bob@b.example'])
  await world.stop()
})

test('a kept connection that ends behind the final dot and before its reply: again later, not now', async () => {
  const world = new World()
  const a = await world.start(home)
  await forward(a)
  let breaks = false
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example'],
    refuse: (stage) => (stage === 'taken' && breaks ? '' : undefined),
  })
  await send(world, a)
  await world.clock.pass(1000)
  breaks = true
  await send(world, a)
  await world.clock.pass(1000)
  // It has it perhaps: at once it would have it twice for certain.
  assert.deepEqual([peer.taken.length, peer.connections], [2, 1])
  const [waiting] = await a.store.read.queue(0, 10)
  assert.equal(waiting?.attempts, 1)
  breaks = false
  await world.clock.pass(30 * minute)
  assert.equal(peer.taken.length, 3)
  assert.equal((await a.store.read.queue(0, 10)).length, 0)
  await world.stop()
})

test('a kept connection that has ended before the message: another one, now', async () => {
  const world = new World()
  const a = await world.start(home)
  await forward(a)
  let breaks = false
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.b.example',
    domains: ['b.example'],
    refuse: (stage) => {
      const now = breaks && stage === 'mail'
      if (now) breaks = false
      return now ? '' : undefined
    },
  })
  await send(world, a)
  await world.clock.pass(1000)
  breaks = true
  await send(world, a)
  await world.clock.pass(1000)
  assert.deepEqual([peer.taken.length, peer.connections], [2, 2])
  await world.stop()
})

test('five hundred refused commits leave room for first attempts', async () => {
  const world = new World()
  const { clock, log } = world
  const inner = await openStore({ folder: ':memory:', clock, log })
  let refuses = false
  let last: Extract<Operation, { kind: 'arrive' }> | undefined
  const store: Store = {
    ...new Process().store(inner),
    commit(operations, options) {
      const [first] = operations
      if (first?.kind === 'arrive') last = first
      if (first?.kind === 'arrive' && refuses) return Promise.reject(new StoreRefusal('overQuota', 'full'))
      return inner.commit(operations, options)
    },
  }
  const a = await world.start(home, undefined, store)
  await forward(a)
  const peer = await Peer.start(world, { address: '10.0.0.9', hostname: 'mx.b.example', domains: ['b.example'] })
  assert.deepEqual(await send(world, a), [250])
  await clock.pass(1000)
  assert.equal(peer.taken.length, 1)
  refuses = true
  const client = await world.connect(a)
  const envelope = {
    reversePath: 'x@far.example',
    recipients: ['bob@a.example'],
    body: '7bit',
    smtpUtf8: false,
  } as const
  for (let n = 0; n < 500; n++) {
    const { recipients } = await clock.until(client.send(envelope, bytesOfText(text)))
    assert.equal(recipients[0]!.code, 452)
    assert.notEqual(last!.queue!.leasedUntilMs, undefined, `message ${n} was not to be tried at once`)
  }
  refuses = false
  assert.deepEqual(await send(world, a), [250])
  assert.notEqual(last!.queue!.leasedUntilMs, undefined, 'it was not to be tried at once')
  await clock.pass(1000)
  assert.equal(peer.taken.length, 2)
  await world.stop()
})
