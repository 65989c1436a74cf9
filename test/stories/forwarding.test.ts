/** Aliases that lead elsewhere, and to nothing: loops end at the second pass, and a member that does not exist is told of once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { System } from '../../src/system/types.ts'
import { Peer } from './peer.ts'
import { bytesOfText, messagesIn, World, type NextHop } from './world.ts'

const site = (name: string, n: number, mailboxes: string[] = []): NextHop => ({
  hostname: `mx.${name}.example`,
  address: `10.0.0.${n}`,
  domains: [`${name}.example`],
  mailboxes: [`postmaster@${name}.example`, ...mailboxes],
})

async function alias(system: System, address: string, ...targets: string[]): Promise<void> {
  await system.store.commit([{ kind: 'aliasSet', address, targets }])
}

test('two hosts whose aliases lead to each other: each alias once, then one notice', async () => {
  const world = new World()
  const a = await world.start(site('a', 1))
  const b = await world.start(site('b', 2))
  await world.start(site('c', 3, ['sender@c.example']))
  await alias(a, 'f1@a.example', 'fan@b.example')
  await alias(a, 'f2@a.example', 'fan@b.example')
  await alias(b, 'fan@b.example', 'f1@a.example', 'f2@a.example')
  const c = world.systems[2]!
  assert.deepEqual(await world.send(a, 'sender@c.example', ['f1@a.example'], 'From: sender@c.example\n\nx\n'), [250])
  await world.clock.pass(3_600_000)
  const notices = await messagesIn(c, 'sender@c.example')
  assert.ok(notices.length >= 1 && notices.length <= 3, `${notices.length} notices`)
  for (const notice of notices) assert.match(notice, /5\.4\.6/)
  for (const system of [a, b]) {
    const rows = await system.store.read.ledgerWhere('', 'zz', '', 1000)
    assert.ok(rows.rows.length < 12, `${rows.rows.length} arrivals`)
  }
  await world.stop()
})

test('an alias that names its own account keeps a copy and sends on; two that lead to each other end, and no sender hears of it', async () => {
  const world = new World()
  const a = await world.start(site('a', 1, ['alice@a.example']))
  const b = await world.start(site('b', 2, ['bob@b.example']))
  const c = await world.start(site('c', 3, ['sender@c.example']))
  await alias(a, 'alice@a.example', 'alice@a.example', 'bob@b.example')
  const text = 'From: sender@c.example\n\nx\n'
  assert.deepEqual(await world.send(a, 'sender@c.example', ['alice@a.example'], text), [250])
  await world.clock.pass(60_000)
  assert.equal((await messagesIn(a, 'alice@a.example')).length, 1)
  assert.equal((await messagesIn(b, 'bob@b.example')).length, 1)
  await alias(b, 'bob@b.example', 'bob@b.example', 'alice@a.example')
  assert.deepEqual(await world.send(a, 'sender@c.example', ['alice@a.example'], text), [250])
  await world.clock.pass(3_600_000)
  // One came back, was kept, and went no further.
  assert.equal((await messagesIn(b, 'bob@b.example')).length, 2)
  assert.equal((await messagesIn(a, 'alice@a.example')).length, 3)
  assert.deepEqual(await messagesIn(c, 'sender@c.example'), [])
  const { rows } = await a.store.read.ledgerWhere('', 'zz', 'alice@a.example', 1000)
  assert.deepEqual(
    rows.filter(({ outcome }) => outcome === 'discarded').map(({ detail }) => detail),
    ['sent on before'],
  )
  await world.stop()
})

test('what an alias sends on says so, and a blind copy of another alias is not named', async () => {
  const world = new World()
  const a = await world.start(site('a', 1))
  const b = await world.start(site('b', 2, ['bob@b.example', 'ann@b.example']))
  await alias(a, 'one@a.example', 'bob@b.example')
  await alias(a, 'two@a.example', 'ann@b.example')
  const text = 'From: x@c.example\n\nx\n'
  assert.deepEqual(await world.send(a, 'x@c.example', ['one@a.example'], text), [250])
  await world.clock.pass(60_000)
  assert.match((await messagesIn(b, 'bob@b.example'))[0]!, /^Delivered-To: one@a\.example\r$/m)
  assert.deepEqual(await world.send(a, 'x@c.example', ['one@a.example', 'two@a.example'], text), [250, 250])
  await world.clock.pass(60_000)
  const both = (await messagesIn(b, 'bob@b.example'))[1]!
  assert.doesNotMatch(both, /two@a/)
  assert.equal([...both.matchAll(/^Delivered-To: \w{32}@alias\.invalid\r$/gm)].length, 2)
  // What has the mark is not sent on again, under either form of it.
  for (const message of [both, (await messagesIn(b, 'bob@b.example'))[0]!])
    assert.deepEqual(await world.send(a, 'x@c.example', ['one@a.example'], message.replaceAll('\r\n', '\n')), [554])
  await world.stop()
})

test('a member that does not exist: the rest is delivered, and the owner is told once', async () => {
  const world = new World()
  const a = await world.start(site('a', 1, ['bob@a.example']))
  await alias(a, 'team@a.example', 'bob@a.example', 'gone@a.example')
  for (let n = 0; n < 2; n++)
    assert.deepEqual(await world.send(a, 'x@c.example', ['team@a.example'], 'From: x@c.example\n\nx\n'), [250])
  assert.equal((await messagesIn(a, 'bob@a.example')).length, 2)
  const told = await messagesIn(a, 'postmaster@a.example')
  assert.equal(told.length, 1)
  assert.match(told[0]!.replace(/\r\n\s/g, ' '), /alias team@a\.example names this address/)
  assert.match(told[0]!, /\r\nFinal-Recipient: rfc822; gone@a\.example\r\nAction: failed\r\nStatus: 5\.1\.1\r\n/)
  assert.equal(world.events.filter((event) => event.includes('does not exist')).length, 2)
  await world.stop()
})

test('what the first MX does not take now, the next one does: a recipient or the message', async () => {
  for (const stage of ['rcpt', 'data'] as const) {
    const world = new World()
    const a = await world.start({ ...site('a', 1), domains: ['a.example'] })
    await alias(a, 'out@a.example', 'one@d.example')
    await alias(a, 'also@a.example', 'two@d.example')
    const first = await Peer.start(world, {
      address: '10.0.1.1',
      hostname: 'mx1.d.example',
      domains: [],
      refuse: (at, line) =>
        at === stage && (stage === 'data' || line.includes('two@')) ? '452 4.3.1 disk full' : undefined,
    })
    const second = await Peer.start(world, { address: '10.0.1.2', hostname: 'mx2.d.example', domains: [] })
    world.zone.names.set('d.example', {
      mx: [
        { preference: 10, exchange: 'mx1.d.example' },
        { preference: 20, exchange: 'mx2.d.example' },
      ],
    })
    await world.send(a, 'x@c.example', ['out@a.example', 'also@a.example'], 'From: x@c.example\n\nx\n')
    await world.clock.pass(10_000)
    assert.deepEqual(first.recipients, stage === 'rcpt' ? ['one@d.example'] : [])
    assert.deepEqual(
      [...second.recipients].sort(),
      stage === 'rcpt' ? ['two@d.example'] : ['one@d.example', 'two@d.example'],
    )
    await world.stop()
  }
})

test('BDAT offered and refused: the message goes by DATA at once, and the host is remembered', async () => {
  const world = new World()
  const a = await world.start(site('a', 1))
  await alias(a, 'out@a.example', 'one@d.example')
  let chunks = 0
  const peer = await Peer.start(world, {
    address: '10.0.1.1',
    hostname: 'mx.d.example',
    domains: ['d.example'],
    keywords: ['CHUNKING'],
    refuse: (at) => (at === 'bdat' ? `502 5.5.1 ${++chunks}` : undefined),
  })
  for (let n = 1; n <= 2; n++) {
    await world.send(a, 'x@c.example', ['out@a.example'], 'From: x@c.example\n\nx\n')
    await world.clock.pass(10_000)
    assert.equal(peer.taken.length, n)
  }
  assert.equal(chunks, 1)
  await world.stop()
})

test('all of it ASCII: SMTPUTF8 that a client asked for is no need', async () => {
  const world = new World()
  const a = await world.start(site('a', 1))
  await alias(a, 'out@a.example', 'one@d.example')
  const peer = await Peer.start(world, { address: '10.0.1.1', hostname: 'mx.d.example', domains: ['d.example'] })
  const client = await world.connect(a)
  for (const [text, taken] of [
    ['From: x@c.example\n\nx\n', 1],
    ['From: é <x@c.example>\n\nx\n', 1],
  ] as const) {
    const envelope = {
      reversePath: 'x@c.example',
      recipients: ['out@a.example'],
      body: '8bitmime' as const,
      smtpUtf8: true,
    }
    await world.clock.until(
      client.send({ ...envelope, body: text.includes('é') ? '8bitmime' : '7bit' }, bytesOfText(text)),
    )
    await world.clock.pass(10_000)
    assert.equal(peer.taken.length, taken)
  }
  await world.stop()
})

test('an alias that stands for more than is followed is refused at RCPT, and no member gets a part', async () => {
  const world = new World()
  const a = await world.start(site('a', 1, ['bob@a.example', 'ann@a.example']))
  // Twelve deep; the first of them leads to a mailbox as well.
  for (let n = 0; n < 12; n++) await alias(a, `deep${n}@a.example`, 'bob@a.example', `deep${n + 1}@a.example`)
  await alias(a, 'deep12@a.example', 'ann@a.example')
  // Six lists of a thousand.
  const lists = Array.from({ length: 6 }, (_, n) => `wide${n}@a.example`)
  for (const one of lists)
    await alias(a, one, ...Array.from({ length: 1000 }, (_, n) => `${n}@${one[4]}.far.example`), 'bob@a.example')
  await alias(a, 'wide@a.example', ...lists)
  const text = 'From: x@c.example\n\nx\n'
  for (const address of ['deep0@a.example', 'wide@a.example'])
    assert.deepEqual(await world.send(a, 'x@c.example', [address], text), [451], address)
  assert.deepEqual(await messagesIn(a, 'bob@a.example'), [])
  assert.equal((await a.store.read.queue(0, 10)).length, 0)
  // One step less deep it is followed, to the end.
  assert.deepEqual(await world.send(a, 'x@c.example', ['deep3@a.example'], text), [250])
  assert.equal((await messagesIn(a, 'ann@a.example')).length, 1)
  await world.stop()
})
