/** What an operator does to the queue: give up with a notice, send another way, choose by what is in it. */
import { domainDestination } from '../../src/mail/destination.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runControl, type AnswerOf, type ArgumentsOf, type ControlName } from '../../src/admin/control.ts'
import type { System } from '../../src/system/types.ts'
import { fairWeather } from '../../src/platform/simulated/network.ts'
import { Peer } from './peer.ts'
import { messagesIn, World } from './world.ts'

const text = 'From: alice@a.example\nSubject: hello\nMessage-ID: <1@a.example>\n\nHello\n'
const hour = 3_600_000

const homeSite = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['alice@a.example', 'carol@a.example'],
}
const awaySite = { hostname: 'mx.b.example', address: '10.0.0.2', domains: ['b.example'], mailboxes: ['bob@b.example'] }

async function ask<Name extends ControlName>(
  world: World,
  { store }: System,
  name: Name,
  args: ArgumentsOf<Name>,
): Promise<AnswerOf<Name>> {
  const answer = await world.clock.until(runControl({ store, clock: world.clock }, name, args))
  assert.ok(!('error' in answer), JSON.stringify(answer))
  return answer.result as AnswerOf<Name>
}

/** Mail for fwd@ goes to a host that does not answer. */
async function waiting(world: World): Promise<{ home: System; away: System }> {
  const [home, away] = [await world.start(homeSite), await world.start(awaySite)]
  await home.store.commit([{ kind: 'aliasSet', address: 'fwd@a.example', targets: ['bob@b.example'] }])
  world.internet.weather = {
    ...fairWeather,
    connect: (from, to) => (from === '10.0.0.1' && to === '10.0.0.2' ? 'refused' : 'open'),
  }
  await world.send(home, 'alice@a.example', ['fwd@a.example'], text)
  await world.clock.pass(60_000)
  assert.equal((await home.store.read.queue(0, 10)).length, 1)
  return { home, away }
}

test("what is failed comes back to its sender at once, with the operator's words", async () => {
  const world = new World()
  const { home } = await waiting(world)
  const [row] = await home.store.read.queue(0, 10)
  await ask(world, home, 'queueAct', { recipients: [row!.id], act: 'fail', reason: 'The host was closed' })
  await world.clock.pass(5000)
  assert.equal((await home.store.read.queue(0, 10)).length, 0)
  const [notice] = await messagesIn(home, 'alice@a.example')
  assert.match(notice!, /^Return-Path: <>\r\n/)
  assert.match(notice!, /Action: failed\r\nStatus: 5\.0\.0\r\nDiagnostic-Code: smtp; The host was closed/)
  assert.deepEqual(
    (await home.store.read.ledger(row!.arrivalId)).map(({ outcome, detail }) => `${outcome}: ${detail}`),
    ['bounced: The host was closed'],
  )
  await world.stop()
})

test('what is held and failed comes back at once; what is held and rerouted stays held, and then goes by its new way', async () => {
  const world = new World()
  const { home, away } = await waiting(world)
  await world.send(home, 'alice@a.example', ['fwd@a.example'], text)
  await world.clock.pass(60_000)
  const [failed, moved] = await home.store.read.queue(0, 10)
  const act = (args: ArgumentsOf<'queueAct'>) => ask(world, home, 'queueAct', args)
  await act({ recipients: [failed!.id, moved!.id], act: 'hold' })
  await act({ recipients: [failed!.id], act: 'fail', reason: 'Wrong address' })
  world.internet.weather = fairWeather
  assert.deepEqual(await act({ recipients: [moved!.id], act: 'reroute', to: '10.0.0.2:25' }), {
    recipients: 1,
    held: 1,
  })
  await world.clock.pass(5000)
  assert.equal((await home.store.read.ledger(failed!.arrivalId))[0]!.outcome, 'bounced')
  const notices = await messagesIn(home, 'alice@a.example')
  assert.equal(notices.length, 1)
  // RFC 3463 §3.1: a failure of which no more is to be told.
  assert.match(notices[0]!, /\r\nAction: failed\r\nStatus: 5\.0\.0\r\n(?:.*\r\n)*?Diagnostic-Code: smtp; Wrong address/)
  assert.equal((await home.store.read.queueRecipient(moved!.id))!.state, 'held')
  await act({ recipients: [moved!.id], act: 'release' })
  await world.clock.pass(5000)
  assert.equal((await messagesIn(away, 'bob@b.example')).length, 1)
  await world.stop()
})

/** A host that thinks for half a minute before it says what it says of each message; mail for it has been given to it. */
async function underWay(answer: string | undefined) {
  const world = new World()
  const home = await world.start(homeSite)
  await home.store.commit([
    { kind: 'aliasSet', address: 'fwd@a.example', targets: ['x@slow.example', 'y@slow.example'] },
  ])
  const peer = await Peer.start(world, {
    address: '10.0.0.9',
    hostname: 'mx.slow.example',
    domains: ['slow.example'],
    slowMs: 30_000,
    refuse: (stage) => (stage === 'data' ? answer : undefined),
  })
  await world.send(home, 'alice@a.example', ['fwd@a.example'], text)
  await world.clock.pass(5000)
  await ask(world, home, 'queueList', {})
  const rows = await home.store.read.queue(0, 10)
  assert.deepEqual(
    rows.map(({ state }) => state),
    ['leased', 'leased'],
  )
  const outcomes = async () => (await home.store.read.ledger(rows[0]!.arrivalId)).map(({ outcome }) => outcome)
  return { world, home, peer, rows, outcomes }
}

test('the sender is told of what was bounced, and not of what the operator held while it was tried', async () => {
  const { world, home, rows, outcomes } = await underWay('554 5.7.1 no')
  await ask(world, home, 'queueAct', { recipients: [rows[0]!.id], act: 'hold' })
  await world.clock.pass(60_000)
  assert.equal((await home.store.read.queueRecipient(rows[0]!.id))!.state, 'held')
  assert.deepEqual(await outcomes(), ['queued', 'bounced'])
  const notices = await messagesIn(home, 'alice@a.example')
  assert.equal(notices.length, 1)
  assert.deepEqual(
    ['x', 'y'].map((name) => notices[0]!.includes(`Final-Recipient: rfc822; ${name}@slow.example`)),
    [false, true],
  )
  await world.stop()
})

test('no notice at all where everything was held or dropped while it was tried', async () => {
  const { world, home, rows, outcomes } = await underWay('554 5.7.1 no')
  await ask(world, home, 'queueAct', { recipients: [rows[0]!.id], act: 'hold' })
  await ask(world, home, 'queueAct', { recipients: [rows[1]!.id], act: 'drop' })
  await world.clock.pass(60_000)
  assert.deepEqual(await outcomes(), ['queued', 'discarded'])
  assert.equal((await messagesIn(home, 'alice@a.example')).length, 0)
  await world.stop()
})

test('what is failed or rerouted while it is tried: a 250 counts, and what would have waited ends, or goes its new way, at once', async () => {
  for (const [answer, first, second, notices] of [
    [undefined, 'relayed', 'relayed', 0],
    ['451 4.3.0 later', 'bounced', 'relayed', 1],
  ] as const) {
    const { world, home, peer, rows, outcomes } = await underWay(answer)
    const relay = await Peer.start(world, { address: '10.0.0.8', hostname: 'relay.c.example', domains: [] })
    await ask(world, home, 'queueAct', { recipients: [rows[0]!.id], act: 'fail', reason: 'Wrong address' })
    await ask(world, home, 'queueAct', { recipients: [rows[1]!.id], act: 'reroute', to: '10.0.0.8:25' })
    await world.clock.pass(60_000)
    assert.deepEqual(await outcomes(), [first, second])
    const told = await messagesIn(home, 'alice@a.example')
    assert.equal(told.length, notices)
    for (const notice of told) assert.match(notice, /Diagnostic-Code: smtp; Wrong address/)
    assert.deepEqual(
      [peer.recipients, relay.recipients],
      answer === undefined ? [['x@slow.example', 'y@slow.example'], []] : [[], ['y@slow.example']],
    )
    await world.stop()
  }
})

test('what is rerouted goes by the host that was named, and keeps that way while it does not answer', async () => {
  const world = new World()
  const { home, away } = await waiting(world)
  const [row] = await home.store.read.queue(0, 10)
  const reroute = (to: string) => ask(world, home, 'queueAct', { recipients: [row!.id], act: 'reroute', to })
  await reroute('10.9.9.9:2525')
  await world.clock.pass(5000)
  const [moved] = await home.store.read.queue(0, 10)
  assert.deepEqual(moved!.destination, { kind: 'host', host: '10.9.9.9', port: 2525 })
  assert.match(moved!.lastReply!, /10\.9\.9\.9/)
  const shown = await ask(world, home, 'queueShow', { recipient: row!.id })
  assert.equal(shown.recipients[0]!.destination, '=10.9.9.9:2525')
  assert.ok(shown.recipients[0]!.tried.length >= 2)
  assert.ok(shown.header.includes('Subject: hello'))
  await reroute('mx')
  world.internet.weather = fairWeather
  await world.clock.pass(6 * hour)
  assert.equal((await messagesIn(away, 'bob@b.example')).length, 1)
  await world.stop()
})

test('a way by another port delivers', async () => {
  const world = new World()
  const { home, away } = await waiting(world)
  // The usual port stays closed; the one that is named is open.
  world.internet.weather = {
    ...fairWeather,
    connect: (_, to) => (to === '10.0.0.2' ? 'refused' : 'open'),
  }
  const third = await world.start({
    hostname: 'relay.c.example',
    address: '10.0.0.3',
    domains: ['b.example'],
    mailboxes: ['bob@b.example'],
  })
  const done = await ask(world, home, 'queueActWhere', {
    act: 'reroute',
    to: 'relay.c.example:25',
    recipient: '@b.example',
  })
  assert.deepEqual(done, { recipients: 1, next: undefined })
  await world.clock.pass(5000)
  assert.equal((await messagesIn(third, 'bob@b.example')).length, 1)
  assert.equal((await messagesIn(away, 'bob@b.example')).length, 0)
  await world.stop()
})

test('recipients are chosen by sender, domain, age and state; a large queue comes in bounded pieces', async () => {
  const world = new World()
  const { home } = await waiting(world)
  const parameters = { body: '7bit', smtpUtf8: false } as const
  const { store } = home
  const bytes = Buffer.from('Subject: x\r\n\r\nx\r\n')
  const add = async (reversePath: string, domain: string, count: number, atMs: number): Promise<void> => {
    const sink = store.sink()
    sink.write(bytes)
    const recipients = Array.from({ length: count }, (_, i) => ({
      address: `r${i}@${domain}`,
      destination: domainDestination(domain),
      parameters,
    }))
    const facts = { envelope: '', body: '', bodyStructure: '', sentDay: null, threadKeys: [] }
    const queue = { reversePath, recipients, prefix: '', firstAttemptMs: 9e12, expiresAtMs: 9e12 }
    const at = { epochMs: atMs, offsetMinutes: 0 }
    await store.commit([
      {
        kind: 'arrive',
        arrivalId: `0${reversePath}${domain}`,
        content: await sink.finish(),
        facts,
        at,
        filings: [],
        queue,
      },
    ])
  }
  const now = world.clock.now()
  await add('x@s.example', 'one.example', 6000, now - 3 * hour)
  await add('y@S.example', 'two.example', 50, now)
  await add('', 'two.example', 5, now)
  const count = async (args: ArgumentsOf<'queueList'>): Promise<number> => {
    let sum = 0
    for (let after: number | undefined = 0; after !== undefined;) {
      const page: AnswerOf<'queueList'> = await ask(world, home, 'queueList', { ...args, after })
      assert.ok(page.rows.length <= 200)
      sum += page.rows.length
      after = page.next
    }
    return sum
  }
  assert.equal(await count({}), 6056)
  assert.equal(await count({ sender: '@s.example' }), 6050)
  assert.equal(await count({ sender: 'X@s.example' }), 6000)
  assert.equal(await count({ sender: '' }), 5)
  assert.equal(await count({ recipient: '@two.example' }), 55)
  assert.equal(await count({ recipient: 'r3@two.example' }), 2)
  assert.equal(await count({ recipient: '@o.example' }), 0)
  assert.equal(await count({ olderThanMs: 2 * hour }), 6000)
  assert.equal(await count({ destination: 'two.example', sender: '' }), 5)
  let held = 0
  for (let after: number | undefined = 0; after !== undefined;) {
    const done: AnswerOf<'queueActWhere'> = await ask(world, home, 'queueActWhere', {
      act: 'hold',
      sender: '@s.example',
      recipient: '@two.example',
      after,
    })
    held += done.recipients
    after = done.next
  }
  assert.equal(held, 50)
  assert.equal(await count({ state: 'held' }), 50)
  const shape = new Map<string, number[]>()
  for (let after: number | undefined = 0; after !== undefined;) {
    const piece: AnswerOf<'queueShape'> = await ask(world, home, 'queueShape', { after })
    for (const { destination, recipients, held, ages } of piece.rows) {
      const sum = shape.get(destination) ?? Array.from({ length: 12 }, () => 0)
      shape.set(
        destination,
        sum.map((n, i) => n + [recipients, held, ...ages][i]!),
      )
    }
    after = piece.next
  }
  assert.deepEqual(shape.get('one.example'), [6000, 0, 0, 0, 0, 0, 0, 0, 6000, 0, 0, 0])
  assert.deepEqual(shape.get('two.example'), [55, 50, 55, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  await world.stop()
})

test('what cannot be is declined with the next step', async () => {
  const world = new World()
  const { home } = await waiting(world)
  const [row] = await home.store.read.queue(0, 10)
  const refuse = async (args: ArgumentsOf<'queueAct'>): Promise<string> => {
    const answer = await runControl({ store: home.store, clock: world.clock }, 'queueAct', args)
    return 'error' in answer ? answer.error.text : 'done'
  }
  assert.match(
    await refuse({ recipients: [row!.id], act: 'reroute', to: 'no host' }),
    /write it as relay\.example\.net:25/,
  )
  assert.match(await refuse({ recipients: [row!.id], act: 'reroute' }), /--to host:port/)
  assert.match(await refuse({ recipients: [row!.id], act: 'hold', to: 'x' }), /Only reroute takes --to/)
  assert.match(await refuse({ recipients: [99], act: 'fail' }), /"pennypost queue list" shows those that are/)
  assert.deepEqual((await home.store.read.queue(0, 10))[0]!.destination, domainDestination('b.example'))
  await world.stop()
})
