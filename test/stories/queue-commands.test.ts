/** What an operator does to the queue: give up with a notice, send another way, choose by what is in it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runControl, type AnswerOf, type ArgumentsOf, type ControlName } from '../../src/server/control.ts'
import type { System } from '../../src/system/types.ts'
import { fairWeather } from '../../src/platform/simulated/network.ts'
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
  assert.equal(home.store.read.queue(0, 10).length, 1)
  return { home, away }
}

test("what is failed comes back to its sender at once, with the operator's words", async () => {
  const world = new World()
  const { home } = await waiting(world)
  const [row] = home.store.read.queue(0, 10)
  await ask(world, home, 'queueAct', { recipients: [row!.id], act: 'fail', reason: 'The host was closed' })
  await world.clock.pass(5000)
  assert.equal(home.store.read.queue(0, 10).length, 0)
  const [notice] = await messagesIn(home, 'alice@a.example')
  assert.match(notice!, /^Return-Path: <>\r\n/)
  assert.match(notice!, /Action: failed\r\nStatus: 5\.0\.0\r\nDiagnostic-Code: smtp; The host was closed/)
  assert.deepEqual(
    home.store.read.ledger(row!.arrivalId).map(({ outcome, detail }) => `${outcome}: ${detail}`),
    ['bounced: The host was closed'],
  )
  await world.stop()
})

test('what is rerouted goes by the host that was named, and keeps that way while it does not answer', async () => {
  const world = new World()
  const { home, away } = await waiting(world)
  const [row] = home.store.read.queue(0, 10)
  const reroute = (to: string) => ask(world, home, 'queueAct', { recipients: [row!.id], act: 'reroute', to })
  await reroute('10.9.9.9:2525')
  await world.clock.pass(5000)
  const [moved] = home.store.read.queue(0, 10)
  assert.equal(moved!.destination, '=10.9.9.9:2525')
  assert.match(moved!.lastReply!, /10\.9\.9\.9/)
  const shown = await ask(world, home, 'queueShow', { recipient: row!.id })
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
      destination: domain,
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
  const [row] = home.store.read.queue(0, 10)
  const refuse = async (args: ArgumentsOf<'queueAct'>): Promise<string> => {
    const answer = await runControl({ store: home.store, clock: world.clock }, 'queueAct', args)
    return 'error' in answer ? answer.error.text : 'done'
  }
  assert.match(
    await refuse({ recipients: [row!.id], act: 'reroute', to: 'no host' }),
    /write it as relay\.example\.net:25/,
  )
  assert.match(await refuse({ recipients: [row!.id], act: 'reroute' }), /--to host:port/)
  assert.match(await refuse({ recipients: [row!.id], act: 'hold', to: 'x' }), /Only reroute takes a host/)
  assert.match(await refuse({ recipients: [99], act: 'fail' }), /"pennypost queue list" shows those that do/)
  assert.equal(home.store.read.queue(0, 10)[0]!.destination, 'b.example')
  await world.stop()
})
