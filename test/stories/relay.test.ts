/** Mail on its way to others: MX, retries, bounces, loops. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHeader } from '../../src/mail/header.ts'
import { parseStructure } from '../../src/mail/mime/structure.ts'
import type { System } from '../../src/system/types.ts'
import { fairWeather } from '../../src/platform/simulated/network.ts'
import { bytesOfText, messagesIn, World } from './world.ts'

const text = 'From: pat@far.example\nSubject: hello\nX-Eight: a\n\nHello\n'
const minute = 60_000
const hour = 60 * minute

const homeSite = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['alice@a.example'],
}
const awaySite = { hostname: 'mx.b.example', address: '10.0.0.2', domains: ['b.example'], mailboxes: ['bob@b.example'] }

/** An alias of ours that leads elsewhere: what arrives for it is relayed. */
async function forward(system: System, address: string, target: string): Promise<void> {
  await system.store.commit([{ kind: 'aliasSet', address, targets: [target] }])
}

async function ledgerOf(system: System, message: string): Promise<string[]> {
  const id = /\bid\s+(\w+)/.exec(message.slice(message.indexOf('by mx.a.example')))![1]!
  return (await system.store.read.ledger(id)).map(({ recipient, outcome }) => `${recipient} ${outcome}`)
}

/** The fields of a delivery status notification, as our own parser reads them. RFC 3464. */
function parseNotice(message: string): {
  type: string
  perMessage: string[]
  perRecipient: string[][]
  returned: string
} {
  const bytes = Buffer.from(message, 'latin1')
  const root = parseStructure(bytes)
  const parts = root.children.map((part) => message.slice(part.bodyStart, part.bodyEnd))
  const groups = parts[1]!
    .split('\r\n\r\n')
    .filter((group) => group.trim() !== '')
    .map((group) => {
      const header = parseHeader(Buffer.from(`${group}\r\n\r\n`, 'latin1'))
      return header.fields.map(({ name, valueStart, end }) => `${name}: ${group.slice(valueStart, end).trim()}`)
    })
  assert.deepEqual(
    root.children.map(({ contentType: { type, subtype } }) => `${type}/${subtype}`),
    ['text/plain', 'message/delivery-status', 'text/rfc822-headers'],
  )
  assert.deepEqual(
    root.children.flatMap(({ defects }) => defects),
    [],
  )
  const { type, subtype } = root.contentType
  return { type: `${type}/${subtype}`, perMessage: groups[0]!, perRecipient: groups.slice(1), returned: parts[2]! }
}

test('a message relayed by MX, over TLS, and its ledger', async () => {
  const world = new World()
  const [home, away] = [await world.start(homeSite), await world.start(awaySite)]
  await forward(home, 'fwd@a.example', 'bob@b.example')
  assert.deepEqual(await world.send(home, 'pat@far.example', ['fwd@a.example'], text), [250])
  await world.clock.pass(5000)
  const [message, ...more] = await messagesIn(away, 'bob@b.example')
  assert.equal(more.length, 0)
  assert.match(
    message!,
    /^Return-Path: <pat@far\.example>\r\nDelivered-To: bob@b\.example\r\nReceived: from mx\.a\.example/,
  )
  assert.match(message!, /by mx\.b\.example with ESMTPS/)
  assert.deepEqual(await ledgerOf(home, message!), ['bob@b.example relayed'])
  assert.equal((await home.store.read.queue(0, 10)).length, 0)
  await world.stop()
})

test('a host that is down for an hour: tried again, delivered once', async () => {
  const world = new World()
  const [home, away] = [await world.start(homeSite), await world.start(awaySite)]
  await forward(home, 'fwd@a.example', 'bob@b.example')
  const upAgainMs = world.clock.now() + hour
  const attempts: number[] = []
  world.internet.weather = {
    ...fairWeather,
    connect(from, to) {
      if (to !== '10.0.0.2' || from !== '10.0.0.1') return 'open'
      attempts.push(Math.round((world.clock.now() - (upAgainMs - hour)) / minute))
      return world.clock.now() >= upAgainMs ? 'open' : 'refused'
    },
  }
  await world.send(home, 'pat@far.example', ['fwd@a.example'], text)
  await world.clock.pass(10 * minute)
  const [waiting] = await home.store.read.queue(0, 10)
  assert.match(waiting!.lastReply!, /ECONNREFUSED/)
  await world.clock.pass(2 * hour)
  assert.equal((await messagesIn(away, 'bob@b.example')).length, 1)
  // After 5, 10, 20 and 40 minutes, each a tenth more or less.
  assert.equal(attempts.length, 5)
  for (const [i, expected] of [0, 5, 15, 35, 75].entries())
    assert.ok(Math.abs(attempts[i]! - expected) <= 1 + expected / 10, `attempt ${i} after ${attempts[i]} minutes`)
  await world.stop()
})

test('a host that never comes back: a notice after five days, parsed back', async () => {
  const world = new World()
  const home = await world.start(homeSite)
  await forward(home, 'fwd@a.example', 'bob@dead.example')
  world.zone.names.set('dead.example', { addresses: ['10.9.9.9'] })
  await world.send(home, 'alice@a.example', ['fwd@a.example'], text)
  await world.clock.pass(3 * hour)
  assert.equal((await messagesIn(home, 'alice@a.example')).length, 0)
  await world.clock.pass(4.4 * 24 * hour)
  // Told once that it is late, however often it is tried.
  const [late, ...early] = await messagesIn(home, 'alice@a.example')
  assert.equal(early.length, 0)
  const warning = parseNotice(late!).perRecipient[0]!
  assert.ok(warning.includes('action: delayed'))
  assert.ok(warning.includes('will-retry-until: Sat, 20 Jan 2024 12:00:00 +0000'))
  assert.match(late!, /\r\nSubject: Your message is delayed/)
  await world.clock.pass(24 * hour)
  const messages = (await messagesIn(home, 'alice@a.example')).slice(1)
  assert.equal(messages.length, 1)
  const notice = parseNotice(messages[0]!)
  assert.equal(notice.type, 'multipart/report')
  assert.deepEqual(notice.perMessage, [
    'reporting-mta: dns; mx.a.example',
    'arrival-date: Mon, 15 Jan 2024 12:00:00 +0000',
  ])
  assert.deepEqual(notice.perRecipient.length, 1)
  const fields = notice.perRecipient[0]!
  assert.ok(fields.includes('final-recipient: rfc822; bob@dead.example'))
  assert.ok(fields.includes('action: failed'))
  assert.ok(fields.includes('status: 5.4.7'))
  assert.ok(fields.some((field) => field.startsWith('diagnostic-code: smtp; ')))
  assert.match(notice.returned, /Subject: hello\r\nX-Eight: a/)
  assert.match(messages[0]!, /^Return-Path: <>\r\n/)
  assert.match(messages[0]!, /\r\nAuto-Submitted: auto-replied\r\n/)
  assert.equal((await home.store.read.queue(0, 10)).length, 0)
  await world.stop()
})

test('a notice is never answered by a notice', async () => {
  const world = new World()
  const home = await world.start(homeSite)
  await forward(home, 'fwd@a.example', 'bob@dead.example')
  // The sender's domain does not exist either.
  await world.send(home, 'ghost@nowhere.example', ['fwd@a.example'], text)
  await world.clock.pass(10 * minute)
  assert.equal((await home.store.read.queue(0, 10)).length, 0)
  await world.stop()
})

const never = [
  { why: 'null MX', domain: 'null.example', entry: { mx: [{ preference: 0, exchange: '' }] }, status: '5.1.10' },
  { why: 'no such domain', domain: 'nowhere.example', entry: undefined, status: '5.1.2' },
  {
    why: 'an MX that is ourselves',
    domain: 'loop.example',
    entry: { mx: [{ preference: 10, exchange: 'mx.a.example' }] },
    status: '5.4.6',
  },
  {
    why: 'only hosts behind us in the list',
    domain: 'behind.example',
    entry: {
      mx: [
        { preference: 10, exchange: 'mx.a.example' },
        { preference: 20, exchange: 'mx.b.example' },
      ],
    },
    status: '5.4.6',
  },
]

for (const { why, domain, entry, status } of never) {
  test(`${why}: returned at once with ${status}`, async () => {
    const world = new World()
    const [home, away] = [await world.start(homeSite), await world.start(awaySite)]
    if (entry) world.zone.names.set(domain, entry)
    await forward(home, 'fwd@a.example', `bob@${domain}`)
    await world.send(home, 'alice@a.example', ['fwd@a.example'], text)
    await world.clock.pass(5000)
    const messages = await messagesIn(home, 'alice@a.example')
    assert.equal(messages.length, 1)
    assert.ok(parseNotice(messages[0]!).perRecipient[0]!.includes(`status: ${status}`))
    assert.equal((await messagesIn(away, 'bob@b.example')).length, 0)
    await world.stop()
  })
}

test('DNS trouble waits; the second MX is taken when the first is down', async () => {
  const world = new World()
  const [home, away] = [await world.start(homeSite), await world.start(awaySite)]
  world.zone.names.set('b.example', {
    mx: [
      { preference: 10, exchange: 'down.b.example' },
      { preference: 20, exchange: 'mx.b.example' },
    ],
  })
  world.zone.names.set('down.b.example', { addresses: ['10.0.0.66'] })
  let trouble = true
  world.zone.fails = () => trouble
  await forward(home, 'fwd@a.example', 'bob@b.example')
  await world.send(home, 'alice@a.example', ['fwd@a.example'], text)
  await world.clock.pass(minute)
  assert.match((await home.store.read.queue(0, 10))[0]!.lastReply!, /4\.4\.3/)
  trouble = false
  await world.clock.pass(hour)
  assert.equal((await messagesIn(away, 'bob@b.example')).length, 1)
  await world.stop()
})

test('two systems that send to each other for ever: ended by the hops', async () => {
  const world = new World()
  const home = await world.start({ ...homeSite, transfer: { hopsMax: 10 } })
  const away = await world.start({ ...awaySite, transfer: { hopsMax: 10 } })
  await forward(home, 'fwd@a.example', 'back@b.example')
  await forward(away, 'back@b.example', 'fwd@a.example')
  await world.send(home, 'alice@a.example', ['fwd@a.example'], text)
  await world.clock.pass(10 * minute)
  const notices = await messagesIn(home, 'alice@a.example')
  assert.equal(notices.length, 1)
  assert.match(notices[0]!, /Status: 5\.4\.6/)
  for (const system of world.systems) assert.equal((await system.store.read.queue(0, 10)).length, 0)
  await world.stop()
})

test('a recipient that the other host does not know: only that one is returned', async () => {
  const world = new World()
  const [home, away] = [await world.start(homeSite), await world.start(awaySite)]
  await home.store.commit([
    { kind: 'aliasSet', address: 'fwd@a.example', targets: ['bob@b.example', 'nobody@b.example'] },
  ])
  await world.send(home, 'alice@a.example', ['fwd@a.example'], text)
  await world.clock.pass(5000)
  const message = (await messagesIn(away, 'bob@b.example'))[0]!
  const [notice, ...more] = await messagesIn(home, 'alice@a.example')
  assert.equal(more.length, 0)
  const fields = parseNotice(notice!).perRecipient
  assert.equal(fields.length, 1)
  assert.ok(fields[0]!.includes('remote-mta: dns; mx.b.example [10.0.0.2]'))
  assert.ok(fields[0]!.includes('status: 5.1.1'))
  assert.deepEqual((await ledgerOf(home, message)).sort(), ['bob@b.example relayed', 'nobody@b.example bounced'])
  await world.stop()
})

test('a connection that is lost in the middle of the data: tried again, and the queue does not hang', async () => {
  const world = new World()
  const [home, away] = [await world.start(homeSite), await world.start(awaySite)]
  await forward(home, 'fwd@a.example', 'bob@b.example')
  let losses = 0
  world.internet.weather = {
    ...fairWeather,
    lostAfterBytes: (from) => (from === '10.0.0.1' && losses++ < 3 ? 20_000 : Infinity),
  }
  await world.send(home, 'alice@a.example', ['fwd@a.example'], `${text}${'a line of text\n'.repeat(20_000)}`)
  await world.clock.pass(2 * hour)
  assert.ok(losses > 3)
  assert.equal((await messagesIn(away, 'bob@b.example')).length, 1)
  assert.equal((await home.store.read.queue(0, 10)).length, 0)
  await world.stop()
})

test('hundreds of messages to a dead host do not hold up the others', async () => {
  const world = new World()
  const [home, away] = [await world.start(homeSite), await world.start(awaySite)]
  world.zone.names.set('dead.example', { addresses: ['10.9.9.9'] })
  world.internet.weather = { ...fairWeather, connect: (_, to) => (to === '10.9.9.9' ? 'silent' : 'open') }
  await forward(home, 'dead@a.example', 'bob@dead.example')
  await forward(home, 'fwd@a.example', 'bob@b.example')
  const client = await world.connect(home)
  for (let i = 0; i < 300; i++) {
    const envelope = { reversePath: '', recipients: ['dead@a.example'], body: '7bit' as const, smtpUtf8: false }
    await world.clock.until(client.send(envelope, bytesOfText(text)))
  }
  await world.clock.until(client.quit())
  await world.send(home, 'alice@a.example', ['fwd@a.example'], text)
  await world.clock.pass(10_000)
  assert.equal((await messagesIn(away, 'bob@b.example')).length, 1)
  // Their leases outlive the wait: each is tried once, not again and again.
  await world.clock.pass(2 * hour)
  const waiting = await home.store.read.queue(0, 1000)
  assert.equal(waiting.length, 300)
  assert.ok(waiting.every(({ attempts, lastReply }) => attempts <= 5 && /no connection to/.test(lastReply!)))
  await world.stop()
})

test('thousands of recipients of a dead host do not hold up the one of another', async () => {
  const world = new World()
  const home = await world.start({ ...homeSite, transfer: { queueLifetimeMs: hour } })
  const away = await world.start(awaySite)
  world.zone.names.set('dead.example', { addresses: ['10.0.0.66'] })
  world.internet.weather = { ...fairWeather, connect: (_, to) => (to === '10.0.0.66' ? 'silent' : 'open') }
  const lists = ['x', 'y', 'z'].map((list) => `${list}@a.example`)
  for (const [i, address] of lists.entries()) {
    const targets = Array.from({ length: 900 }, (_, n) => `u${n}-${i}@dead.example`)
    await home.store.commit([{ kind: 'aliasSet', address, targets }])
  }
  await forward(home, 'bob@a.example', 'bob@b.example')
  assert.deepEqual(await world.send(home, '', lists, text), [250, 250, 250])
  await world.clock.pass(1000)
  assert.deepEqual(await world.send(home, '', ['bob@a.example'], text), [250])
  await world.clock.pass(5000)
  assert.equal((await messagesIn(away, 'bob@b.example')).length, 1)
  assert.equal((await home.store.read.counts()).queued, 2700)
  // Given up in its time, by the same queue: nothing is forgotten.
  await world.clock.pass(2 * hour)
  assert.equal((await home.store.read.counts()).queued, 0)
  await world.stop()
})
