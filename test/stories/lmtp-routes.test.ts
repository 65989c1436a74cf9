/** Mail that is handed to another host by LMTP, which answers for each recipient. RFC 2033. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIpNetwork } from '../../src/base/ip-network.ts'
import type { System } from '../../src/system/types.ts'
import { Peer } from './peer.ts'
import { runControl } from '../../src/admin/control.ts'
import { messagesIn, World } from './world.ts'

const text = 'From: alice@a.example\nSubject: hello\n\nHello\n'
const trusted = { trustedNetworks: [parseIpNetwork('198.51.100.0/24')!] }
const home = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['alice@a.example'],
  config: trusted,
}
const route = {
  domain: 'b.example',
  hosts: [{ host: '10.0.0.2', port: 24 }],
  protocol: 'lmtp',
  tls: 'opportunistic',
} as const
const all = ['bob@b.example', 'carol@b.example', 'dave@b.example']
const yes = '250 2.0.0 filed'

async function start(
  answer: (recipient: string) => string,
  more: Partial<Parameters<typeof Peer.start>[1]> = {},
): Promise<{ world: World; system: System; peer: Peer; outcomes: () => Promise<string[]> }> {
  const world = new World()
  const system = await world.start({ ...home, routes: [route] })
  const lmtp = { port: 24, answer }
  const peer = await Peer.start(world, { address: '10.0.0.2', hostname: 'box.b.example', domains: [], lmtp, ...more })
  assert.deepEqual(await world.send(system, 'alice@a.example', all, text), [250, 250, 250])
  await world.clock.pass(10_000)
  const outcomes = async (): Promise<string[]> => {
    const ids = [...new Set(world.events.flatMap((event) => /"id":"(\w+)"/.exec(event)?.[1] ?? []))]
    const rows = await Promise.all(ids.map((id) => system.store.read.ledger(id)))
    return rows
      .flat()
      .filter(({ recipient }) => recipient.endsWith('@b.example'))
      .map(({ recipient, outcome, detail }) => `${recipient} ${outcome}${detail === null ? '' : `: ${detail}`}`)
  }
  return { world, system, peer, outcomes }
}

for (const keywords of [[], ['PIPELINING'], ['PIPELINING', 'ENHANCEDSTATUSCODES', '8BITMIME']])
  test(`one message, three answers: filed, full and unknown (${keywords.join(' ') || 'no extensions'})`, async () => {
    const said = new Map([
      ['bob@b.example', yes],
      ['carol@b.example', '452 4.2.2 mailbox is full'],
      ['dave@b.example', '550 5.1.1 no such mailbox'],
    ])
    const { world, system, peer, outcomes } = await start((recipient) => said.get(recipient)!, { keywords })
    assert.deepEqual(
      peer.taken.map(({ recipients }) => recipients),
      [all],
    )
    assert.deepEqual(await outcomes(), [
      'bob@b.example relayed: 10.0.0.2 [10.0.0.2]: 250 2.0.0 filed',
      'carol@b.example queued',
      'dave@b.example bounced: 10.0.0.2 [10.0.0.2]: 550 5.1.1 no such mailbox',
    ])
    const [row] = await system.store.read.queue(0, 10)
    assert.equal(row!.lastReply, '10.0.0.2 [10.0.0.2]: 452 4.2.2 mailbox is full')
    const [dsn, ...others] = await messagesIn(system, 'alice@a.example')
    assert.match(dsn!, /Final-Recipient: rfc822; dave@b\.example\r\nAction: failed\r\nStatus: 5\.1\.1/)
    assert.equal(others.length, 0)
    said.set('carol@b.example', yes)
    await world.clock.pass(3_600_000)
    assert.deepEqual(peer.taken.at(-1)!.recipients, ['carol@b.example'])
    assert.equal((await system.store.read.queue(0, 10)).length, 0)
    await world.stop()
  })

test('a connection that breaks between the answers: those that were said stand, the others are tried again', async () => {
  let broken = true
  const { world, system, peer, outcomes } = await start((recipient) =>
    broken && recipient !== 'bob@b.example' ? '' : yes,
  )
  assert.deepEqual((await outcomes()).slice(0, 1), ['bob@b.example relayed: 10.0.0.2 [10.0.0.2]: 250 2.0.0 filed'])
  assert.deepEqual(
    (await system.store.read.queue(0, 10)).map(({ address, state }) => `${address} ${state}`),
    ['carol@b.example deferred', 'dave@b.example deferred'],
  )
  broken = false
  await world.clock.pass(3_600_000)
  assert.deepEqual(peer.taken[0]!.recipients, all)
  assert.deepEqual(peer.recipients.slice(3).sort(), ['carol@b.example', 'dave@b.example'])
  assert.equal((await system.store.read.queue(0, 10)).length, 0)
  await world.stop()
})

test('answers are for the recipients that were taken at RCPT, in their order', async () => {
  const { world, system, outcomes } = await start(
    (recipient) => (recipient === 'carol@b.example' ? '552 5.2.2 over quota' : yes),
    { refuse: (stage, line) => (stage === 'rcpt' && line.includes('bob@') ? '550 5.1.1 unknown' : undefined) },
  )
  assert.deepEqual(await outcomes(), [
    'bob@b.example bounced: 10.0.0.2 [10.0.0.2]: 550 5.1.1 unknown',
    'carol@b.example bounced: 10.0.0.2 [10.0.0.2]: 552 5.2.2 over quota',
    'dave@b.example relayed: 10.0.0.2 [10.0.0.2]: 250 2.0.0 filed',
  ])
  const [dsn] = await messagesIn(system, 'alice@a.example')
  assert.match(dsn!, /bob@b\.example[^]*carol@b\.example/)
  await world.stop()
})

test('a host that speaks SMTP at the port of a route by LMTP gets nothing, and the mail waits', async () => {
  const world = new World()
  const system = await world.start({ ...home, routes: [{ ...route, hosts: [{ host: '10.0.0.2', port: 2525 }] }] })
  const lmtp = { port: 2525, answer: () => yes }
  const peer = await Peer.start(world, {
    ...{ address: '10.0.0.2', hostname: 'x.b.example', domains: [], lmtp },
    refuse: (stage) => (stage === 'greeting' ? '554 5.3.2 SMTP only' : undefined),
  })
  await world.send(system, 'alice@a.example', ['bob@b.example'], text)
  await world.clock.pass(10_000)
  assert.equal(peer.taken.length, 0)
  assert.equal((await system.store.read.queue(0, 10))[0]!.state, 'deferred')
  await world.stop()
})

test('an operator has what waits delivered to another Pennypost by LMTP, with the TLS that it offers', async () => {
  const world = new World()
  const system = await world.start(home)
  const away = await world.start({
    ...{ hostname: 'box.b.example', address: '10.0.0.2', domains: ['b.example'], mailboxes: ['bob@b.example'] },
  })
  world.zone.names.set('b.example', { addresses: ['10.9.9.9'] })
  await world.send(system, 'alice@a.example', ['bob@b.example'], text)
  await world.clock.pass(60_000)
  const [row] = await system.store.read.queue(0, 10)
  const act = (to: string) =>
    world.clock.until(
      runControl({ store: system.store, clock: world.clock }, 'queueAct', {
        ...{ recipients: [row!.id], act: 'reroute', to },
      }),
    )
  const refused = await act('lmtp:10.0.0.2:25')
  assert.ok('error' in refused && /is not a host/.test(refused.error.text))
  await act('lmtp:10.0.0.2')
  await world.clock.pass(10_000)
  const [message] = await messagesIn(away, 'bob@b.example')
  assert.match(message!, /^Return-Path: <alice@a\.example>\r\nDelivered-To: bob@b\.example\r\n/)
  assert.match(message!, /by box\.b\.example with LMTPS?/)
  assert.equal((await system.store.read.queue(0, 10)).length, 0)
  await world.stop()
})
