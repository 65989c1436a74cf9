/** Ways to others that the configuration gives: a backup MX, a fallback, relays by sender, addresses that we come from. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import { fairWeather } from '../../src/platform/simulated/network.ts'
import { messagesIn, World } from './world.ts'

const text = 'From: pat@far.example\nSubject: hello\n\nHello\n'
const hour = 60 * 60_000
const home = { hostname: 'mx.a.example', address: '10.0.0.1', domains: ['a.example'], mailboxes: ['alice@a.example'] }
const away = { hostname: 'mx.b.example', address: '10.0.0.2', domains: ['b.example'], mailboxes: ['bob@b.example'] }
const between = { hostname: 'mx.c.example', address: '10.0.0.3', domains: ['c.example'] }
const trusted = { trustedNetworks: [parseIpNetwork('198.51.100.0/24')!] }

test('a backup MX takes what the mail host cannot, and brings it as soon as that is back', async () => {
  const world = new World()
  const a = await world.start({ ...home, config: trusted })
  const backup = await world.start({ ...between, config: { relay: { domains: ['b.example'] } } })
  const b = await world.start(away)
  world.zone.names.set('b.example', {
    mx: [
      { preference: 10, exchange: 'mx.b.example' },
      { preference: 20, exchange: 'mx.c.example' },
    ],
  })
  let down = true
  world.internet.weather = { ...fairWeather, connect: (_, to) => (down && to === '10.0.0.2' ? 'refused' : 'open') }
  assert.deepEqual(await world.send(a, 'alice@a.example', ['bob@b.example'], text), [250])
  await world.clock.pass(10_000)
  // Only to the better one: it would come back from itself.
  assert.equal((await backup.store.read.queue(0, 10)).length, 1)
  assert.match((await backup.store.read.queue(0, 10))[0]!.lastReply!, /mx\.b\.example \[10\.0\.0\.2\].*ECONNREFUSED/)
  down = false
  await world.clock.pass(hour)
  const [message] = await messagesIn(b, 'bob@b.example')
  assert.match(message!, /by mx\.c\.example with ESMTPS/)
  assert.equal((await backup.store.read.queue(0, 10)).length, 0)
  // For others it is no relay.
  assert.deepEqual(await world.send(backup, 'alice@a.example', ['bob@d.example'], text), [550])
  await world.stop()
})

test('a fallback takes what no MX host could be reached for, and nothing that they refuse', async () => {
  const world = new World()
  const hosts = [{ host: 'mx.c.example', port: 25 }]
  const a = await world.start({
    ...home,
    config: trusted,
    routes: [{ domain: '*', hosts, tls: 'opportunistic', fallback: true }],
  })
  const relay = await world.start({ ...between, config: { relay: { domains: ['*'] } } })
  const b = await world.start(away)
  world.zone.names.set('dead.example', { addresses: ['10.9.9.9'] })
  await world.send(a, 'alice@a.example', ['bob@dead.example', 'nobody@b.example', 'bob@b.example'], text)
  await world.clock.pass(10_000)
  assert.equal((await messagesIn(b, 'bob@b.example')).length, 1)
  assert.deepEqual(
    (await relay.store.read.queue(0, 10)).map(({ address }) => address),
    ['bob@dead.example'],
  )
  assert.equal((await a.store.read.queue(0, 10)).length, 0)
  const notices = await messagesIn(a, 'alice@a.example')
  assert.equal(notices.length, 1)
  assert.match(notices[0]!, /nobody@b\.example/)
  await world.stop()
})

test('relays by sender, each from an address of its own', async () => {
  const world = new World()
  const relayAt = (port: number, sender: string, own: string) => ({
    domain: '*',
    sender,
    hosts: [{ host: 'mx.b.example', port }],
    tls: 'opportunistic' as const,
    sourceAddresses: [own],
  })
  const routes = [relayAt(25, '@a.example', '10.0.0.11'), relayAt(25, 'boss@a.example', '10.0.0.12')]
  const a = await world.start({ ...home, config: trusted, routes })
  const b = await world.start({ ...away, config: { relay: { domains: ['*'] } } })
  const from: string[] = []
  world.internet.weather = {
    ...fairWeather,
    connect(source, to) {
      if (to === '10.0.0.2') from.push(source)
      return 'open'
    },
  }
  world.zone.names.set('far.example', { addresses: ['10.0.0.2'] })
  for (const sender of ['alice@a.example', 'Boss@a.example', 'pat@far.example']) {
    await world.send(a, sender, ['bob@b.example'], text)
    await world.clock.pass(5000)
  }
  assert.deepEqual(from, ['10.0.0.11', '10.0.0.12', '10.0.0.1'])
  assert.equal((await messagesIn(b, 'bob@b.example')).length, 3)
  await world.stop()
})

test('an MX of another name at our own address: a loop that is seen before the first connection', async () => {
  const world = new World()
  const a = await world.start({ ...home, config: trusted })
  world.zone.names.set('loop.example', { mx: [{ preference: 10, exchange: 'alias.example' }] })
  world.zone.names.set('alias.example', { addresses: ['10.0.0.1'] })
  await world.send(a, 'alice@a.example', ['bob@loop.example'], text)
  await world.clock.pass(5000)
  const [notice] = await messagesIn(a, 'alice@a.example')
  assert.match(notice!, /Status: 5\.4\.6/)
  assert.doesNotMatch(notice!, /Too many hops/)
  await world.stop()
})

test('a reload changes routes, and whose mail passes through, for what waits too', async () => {
  const world = new World()
  const a = await world.start({ ...home, config: trusted })
  const b = await world.start(away)
  world.zone.names.set('d.example', { addresses: ['10.9.9.9'] })
  assert.deepEqual(await world.send(b, 'alice@a.example', ['bob@d.example'], text), [550])
  await world.send(a, 'alice@a.example', ['bob@d.example'], text)
  await world.clock.pass(5000)
  assert.equal((await a.store.read.queue(0, 10)).length, 1)
  await world.clock.outside(b.reload({ ...b.config, relay: { domains: ['d.example'] } }))
  const hosts = [{ host: 'mx.b.example', port: 25 }]
  await world.clock.outside(a.reload({ ...a.config, routes: [{ domain: 'd.example', hosts, tls: 'opportunistic' }] }))
  await world.clock.pass(hour)
  assert.equal((await a.store.read.queue(0, 10)).length, 0)
  assert.equal((await b.store.read.queue(0, 10)).length, 1)
  await world.stop()
})
