/** What strangers may do, and how much of it: pauses, tarpits, rates by network, guessing; in simulated time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import type { Config } from '../../src/config/config.ts'
import { defaultConfig } from '../../src/config/load.ts'
import type { System } from '../../src/system/types.ts'
import { Typist } from './typist.ts'
import { World } from './world.ts'

const address = '10.0.0.1'
const user = 'alice@a.example'

async function homeWith(
  world: World,
  smtp: Partial<Config['smtp']>,
  rest: Partial<Config> = {},
  limits: Partial<Config['limits']> = {},
): Promise<System> {
  const defaults = defaultConfig()
  return world.start({
    hostname: 'mx.a.example',
    address,
    domains: ['a.example'],
    mailboxes: [user],
    config: { smtp: { ...defaults.smtp, ...smtp }, limits: { ...defaults.limits, ...limits }, ...rest },
  })
}

/** Greeted, and past EHLO and MAIL. */
async function ready(world: World, from: string): Promise<Typist> {
  const typist = await Typist.connect(world, address, 25, from)
  assert.match(await typist.reply(), /^220 /)
  await typist.talk(['EHLO far.example', '250'], ['MAIL FROM:<x@far.example>', '250'])
  return typist
}

test('strangers wait for the greeting, and who does not is no mail server', async () => {
  const world = new World()
  const own = [parseIpNetwork('198.51.100.0/24')!]
  await homeWith(world, { greetPauseMs: 5000 }, { trustedNetworks: own })
  const took = async (from: string): Promise<number> => {
    const beforeMs = world.clock.now()
    const typist = await Typist.connect(world, address, 25, from)
    assert.match(await typist.reply(), /^220 /)
    assert.match(await typist.say('QUIT'), /^221 /)
    return world.clock.now() - beforeMs
  }
  assert.ok((await took('203.0.113.1')) >= 5000)
  assert.ok((await took('198.51.100.1')) < 1000)
  const early = await Typist.connect(world, address, 25, '203.0.113.2')
  early.type('EHLO spam.example\r\nMAIL FROM:<x@far.example>\r\n')
  assert.equal(await early.reply(), '554 5.5.1 Client spoke before the greeting')
  await world.clock.pass(1000)
  assert.deepEqual([early.closed, early.heard.match(/^\d/gm)?.length], [true, 1])
  // Submission is for people's programs: nobody waits there.
  const beforeMs = world.clock.now()
  assert.match(await (await Typist.connect(world, address, 587, '203.0.113.3')).reply(), /^220 /)
  assert.ok(world.clock.now() - beforeMs < 1000)
  await world.stop()
})

test('who makes mistake after mistake waits ever longer, nobody else does, and then it ends', async () => {
  const world = new World()
  await homeWith(world, { tarpitAfterErrors: 3, tarpitDelayMs: 1000, errorsMax: 20 })
  const slow = await ready(world, '203.0.113.1')
  const waits: number[] = []
  for (let i = 0; i < 20; i++) {
    const beforeMs = world.clock.now()
    assert.match(await slow.say('XYZZY'), /^500 /)
    waits.push(Math.round((world.clock.now() - beforeMs) / 1000))
    if (i !== 10) continue
    const other = await ready(world, '203.0.113.2')
    const startMs = world.clock.now()
    slow.type('XYZZY\r\n')
    await other.talk([`RCPT TO:<${user}>`, '250'], ['QUIT', '221'])
    assert.ok(world.clock.now() - startMs < 1000)
    assert.match(await slow.reply(), /^500 /)
    i++
  }
  assert.deepEqual(waits, [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 10, 10, 10, 10, 10, 10, 10])
  assert.equal(await slow.reply(), '421 4.7.0 Too many errors, closing connection')
  await world.stop()
})

test('messages and recipients of a network come at a pace; of hosts of our own as they like', async () => {
  const world = new World()
  const own = [parseIpNetwork('198.51.100.0/24')!]
  const rates = { messageRatePerMinute: 2, recipientRatePerMinute: 3 }
  await homeWith(world, rates, { trustedNetworks: own })
  const stranger = await ready(world, '203.0.113.1')
  const name = [`RCPT TO:<${user}>`, '250 2.1.5'] as const
  await stranger.talk(name, name, name, [`RCPT TO:<${user}>`, '450 4.7.1'])
  // The next address, the same network or not.
  const neighbour = await ready(world, '203.0.113.2')
  await neighbour.talk(name)
  const again = await ready(world, '203.0.113.1')
  await again.talk([`RCPT TO:<${user}>`, '450 4.7.1'], ['RSET', '250'], ['MAIL FROM:<x@far.example>', '450 4.7.1'])
  await world.clock.pass(61_000)
  await again.talk(['MAIL FROM:<x@far.example>', '250'], name)
  const printer = await ready(world, '198.51.100.9')
  for (let i = 0; i < 10; i++) await printer.talk(name, ['RSET', '250'], ['MAIL FROM:<x@far.example>', '250'])
  await world.stop()
})

test('who asks for users that do not exist is told nothing any more, of any', async () => {
  const world = new World()
  await homeWith(world, { unknownRecipientsPerHour: 5, errorsMax: 100, tarpitDelayMs: 0 })
  const ask = (name: string, hear: string): readonly [string, string] => [`RCPT TO:<${name}@a.example>`, hear]
  const one = await ready(world, '203.0.113.1')
  await one.talk(ask('a', '550 5.1.1'), ask('b', '550 5.1.1'), ask('alice', '250'), ask('c', '550 5.1.1'))
  // Another connection of the same network goes on where the first one was.
  const two = await ready(world, '203.0.113.1')
  await two.talk(ask('d', '550 5.1.1'), ask('e', '550 5.1.1'), ask('f', '450 4.7.1'), ask('alice', '450 4.7.1'))
  assert.ok(world.events.some((event) => event.startsWith('info address harvesting suspected {"peer":"203.0.113.1"')))
  const other = await ready(world, '203.0.113.9')
  await other.talk(ask('alice', '250'))
  await world.clock.pass(61 * 60_000)
  const later = await ready(world, '203.0.113.1')
  await later.talk(ask('alice', '250'), ask('g', '550 5.1.1'))
  await world.stop()
})

test('so many messages a connection, told in LIMITS; so many connections a network', async () => {
  const world = new World()
  await homeWith(world, { messagesMax: 2 }, {}, { connectionsPerAddressMax: 2, prefixBitsV4: 24 })
  const typist = await Typist.connect(world, address, 25, '203.0.113.1')
  await typist.reply()
  assert.match(await typist.say('EHLO far.example'), /250-LIMITS MAILMAX=2 RCPTMAX=1000\n/)
  const begin = ['MAIL FROM:<x@far.example>', '250'] as const
  await typist.talk(begin, ['RSET', '250'], begin, ['RSET', '250'], ['MAIL FROM:<x@far.example>', '421 4.7.0'])
  await world.clock.pass(1000)
  assert.ok(typist.closed)
  await ready(world, '203.0.113.1')
  await ready(world, '203.0.113.2')
  const third = await Typist.connect(world, address, 25, '203.0.113.3')
  assert.match(await third.reply(), /^421 4\.7\.0 Too many connections/)
  await ready(world, '203.0.112.1')
  await world.stop()
})

test('who only talks is parted from', async () => {
  const world = new World()
  await homeWith(world, {})
  const typist = await ready(world, '203.0.113.1')
  for (let i = 0; i < 100; i++) assert.match(await typist.say('NOOP'), /^250 /)
  assert.equal(await typist.say('NOOP'), '421 4.7.0 Too many commands without a message')
  await world.stop()
})

test('a message that comes byte by byte is not awaited for ever', async () => {
  const world = new World()
  const system = await homeWith(world, {})
  const typist = await ready(world, '203.0.113.1')
  await typist.talk([`RCPT TO:<${user}>`, '250'], ['DATA', '354'])
  for (let i = 0; i < 60 && !typist.closed; i++) {
    typist.type('x')
    await world.clock.pass(4.5 * 60_000)
  }
  assert.match(await typist.reply(), /^421 4\.4\.2 /)
  assert.equal((await system.store.read.counts()).contents, 0)
  await world.stop()
})

test('behind a proxy it is the client who is trusted, and whose share it is', async () => {
  const world = new World()
  const proxy = '10.0.0.5'
  await homeWith(
    world,
    { xclientFrom: [parseIpNetwork(proxy)!], unknownRecipientsPerHour: 1 },
    { trustedNetworks: [parseIpNetwork('192.168.7.0/24')!] },
  )
  const typist = await Typist.connect(world, address, 25, proxy)
  await typist.reply()
  const begin = async (client: string): Promise<void> =>
    typist.talk([`XCLIENT ADDR=${client}`, '220'], ['EHLO far.example', '250'], ['MAIL FROM:<x@far.example>', '250'])
  const end = ['RSET', '250'] as const
  await begin('203.0.113.1')
  await typist.talk(['RCPT TO:<pat@elsewhere.example>', '550 5.7.1'], ['RCPT TO:<nobody@a.example>', '550 5.1.1'])
  await typist.talk([`RCPT TO:<${user}>`, '450 4.7.1'], end)
  await begin('203.0.113.2')
  await typist.talk([`RCPT TO:<${user}>`, '250'], end)
  await begin('192.168.7.20')
  await typist.talk(['RCPT TO:<pat@elsewhere.example>', '250'], end)
  await world.stop()
})
