/** What a sender asks of the way that his message takes: held until its time, TLS all the way, priority, a time to deliver by. RFC 4865, 8689, 6710, 2852, 1985. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import type { System } from '../../src/system/types.ts'
import { fairWeather } from '../../src/platform/simulated/network.ts'
import { Typist } from './typist.ts'
import { messagesIn, World } from './world.ts'

const minute = 60_000
/** Where the stories' clients sit is a network of our own: they need no password. */
const home = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['alice@a.example', 'anne@a.example'],
  config: { trustedNetworks: [parseIpNetwork('198.51.100.0/24')!] },
}
const away = {
  hostname: 'mx.b.example',
  address: '10.0.0.2',
  domains: ['b.example'],
  mailboxes: ['bob@b.example'],
  config: { trustedNetworks: [parseIpNetwork('10.0.0.1')!] },
}

async function submit(
  world: World,
  system: System,
  parameters: string,
  recipients: readonly string[],
  tls = false,
): Promise<void> {
  const typist = await Typist.connect(world, system.listening[0]!.address, 587)
  await typist.reply()
  await typist.talk(['EHLO desk.a.example', '250'])
  if (tls) {
    await typist.startTls()
    await typist.talk(['EHLO desk.a.example', '250'])
  }
  await typist.talk(
    [`MAIL FROM:<alice@a.example> ${parameters}`, '250 2.1.0'],
    ...recipients.map((recipient) => [`RCPT TO:<${recipient}>`, '250 2.1.5'] as const),
    ['DATA', '354'],
    ['From: alice@a.example\r\nSubject: wishes\r\n\r\nHello\r\n.', '250 2.0.0'],
    ['QUIT', '221'],
  )
}

/** The simulated host b cannot send on to c, so what it was told stands in its queue. */
async function chain(world: World): Promise<{ a: System; b: System }> {
  const a = await world.start(home)
  const b = await world.start(away)
  await b.store.commit([{ kind: 'aliasSet', address: 'next@b.example', targets: ['carol@c.example'] }])
  world.zone.names.set('c.example', { addresses: ['10.9.9.9'] })
  // Signed: it is certain where their mail goes, RFC 8689 §4.2.1.
  for (const name of ['b.example', 'mx.b.example', 'c.example'])
    world.zone.names.set(name, { ...world.zone.names.get(name)!, secure: true })
  return { a, b }
}

test('a message is held until its time: for a mailbox here, and for another host', async () => {
  const world = new World()
  const { a, b } = await chain(world)
  await submit(world, a, 'HOLDFOR=3600', ['anne@a.example', 'bob@b.example'])
  await world.clock.pass(59 * minute)
  assert.equal((await messagesIn(a, 'anne@a.example')).length, 0)
  assert.equal((await messagesIn(b, 'bob@b.example')).length, 0)
  await world.clock.pass(2 * minute)
  assert.equal((await messagesIn(a, 'anne@a.example')).length, 1)
  assert.equal((await messagesIn(b, 'bob@b.example')).length, 1)
  assert.equal((await a.store.read.queue(0, 10)).length, 0)
  await world.stop()
})

test('a message that is held until a moment keeps it over a failed day', async () => {
  const world = new World()
  const { a, b } = await chain(world)
  const untilMs = world.clock.now() + 26 * 60 * minute
  let down = true
  world.internet.weather = { ...fairWeather, connect: (_, to) => (down && to === '10.0.0.2' ? 'refused' : 'open') }
  await submit(world, a, `HOLDUNTIL=${new Date(untilMs).toISOString().slice(0, 19)}Z`, ['bob@b.example'])
  await world.clock.pass(25.9 * 60 * minute)
  const [row] = await a.store.read.queue(0, 10)
  assert.deepEqual({ attempts: row!.attempts, next: row!.nextAttemptMs }, { attempts: 0, next: untilMs })
  await world.clock.pass(10 * minute)
  assert.ok((await a.store.read.queue(0, 10))[0]!.attempts > 0)
  down = false
  await world.clock.pass(60 * minute)
  assert.equal((await messagesIn(b, 'bob@b.example')).length, 1)
  await world.stop()
})

test('REQUIRETLS, MT-PRIORITY and BY arrive at the next host, and are kept for the one behind it', async () => {
  const world = new World()
  const { a, b } = await chain(world)
  await submit(world, a, 'REQUIRETLS MT-PRIORITY=4 BY=7200;NT', ['next@b.example'], true)
  const deadlineMs = world.clock.now() + 7200_000
  await world.clock.pass(minute)
  assert.equal((await a.store.read.queue(0, 10)).length, 0)
  const [row] = await b.store.read.queue(0, 10)
  assert.equal(row?.address, 'carol@c.example')
  const { requireTls, priority, deliverBy } = row.parameters
  assert.deepEqual({ requireTls, priority }, { requireTls: true, priority: 4 })
  assert.deepEqual({ mode: deliverBy?.mode, trace: deliverBy?.trace }, { mode: 'notify', trace: true })
  // Whole seconds are passed on, and none is won on the way.
  assert.ok(deliverBy!.atMs <= deadlineMs + 1000 && deliverBy!.atMs > deadlineMs - 5000, String(deliverBy!.atMs))
  await world.stop()
})

test('ETRN tries at once what waits for a host that is there now', async () => {
  const world = new World()
  const { a, b } = await chain(world)
  let down = true
  world.internet.weather = { ...fairWeather, connect: (_, to) => (down && to === '10.0.0.2' ? 'refused' : 'open') }
  await submit(world, a, '', ['bob@b.example'])
  await world.clock.pass(50 * minute)
  down = false
  const typist = await Typist.connect(world, '10.0.0.1')
  await typist.reply()
  await typist.talk(
    ['EHLO mx.b.example', '250'],
    ['ETRN b.example', '253 2.0.0 OK, 1 pending messages for node b.example started'],
  )
  await world.clock.pass(5000)
  assert.equal((await messagesIn(b, 'bob@b.example')).length, 1)
  await typist.talk(['ETRN b.example', '251 2.0.0'], ['QUIT', '221'])
  await world.stop()
})
