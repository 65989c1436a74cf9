/** Who really sent it: what strangers' messages are found to be, and what follows; what ours are signed with. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authenticityDefaults } from '../../src/checks/authenticity.ts'
import { makeDkimKeys, dkimRecords } from '../../src/delivery/signing.ts'
import type { System } from '../../src/system/types.ts'
import { bytesOfText, messagesIn, password, World, type NextHop } from './world.ts'

const strangers = '198.51.100.7'
const checked = { authenticity: authenticityDefaults }
const home: NextHop = {
  hostname: 'mx.a.example',
  address: '10.0.0.1',
  domains: ['a.example'],
  mailboxes: ['alice@a.example'],
  config: checked,
}
const text = (from: string, more = ''): string => `${more}From: ${from}\nTo: alice@a.example\nSubject: hello\n\nHello\n`

/** Signatures are made and checked on threads of their own, which virtual time does not wait for. */
async function nothingQueued(world: World, system: System, recipient: string): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    const { rows } = await system.store.read.ledgerWhere('', 'zz', recipient, 10)
    if (rows.length > 0 && rows.every(({ outcome }) => outcome !== 'queued')) return
    await new Promise((resolve) => setTimeout(resolve, 5))
    await world.clock.pass(50)
  }
}

async function resultsOf(world: World, system: System, mailbox?: string): Promise<string> {
  const [message] = await messagesIn(system, 'alice@a.example', mailbox)
  return /^Authentication-Results: ((?:.|\r\n )*)\r$/m.exec(message ?? '')?.[1]?.replace(/\r\n /g, ' ') ?? 'none'
}

test('SPF, DMARC and the name of the address, written into the message', async () => {
  const world = new World()
  const a = await world.start(home)
  world.zone.names.set('b.example', { txt: [`v=spf1 ip4:${strangers} -all`] })
  world.zone.names.set('_dmarc.b.example', { txt: ['v=DMARC1; p=reject'] })
  world.zone.names.set('client.example', { addresses: [strangers] })
  assert.deepEqual(await world.send(a, 'bob@b.example', ['alice@a.example'], text('bob@b.example')), [250])
  assert.equal(
    await resultsOf(world, a),
    `mx.a.example; spf=pass (ip4:${strangers}) smtp.mailfrom=b.example; dkim=none; dmarc=pass (p=reject) header.from=b.example; arc=none; iprev=pass (client.example) policy.iprev=${strangers}`,
  )
  const [message] = await messagesIn(a, 'alice@a.example')
  assert.match(message!, /\r\nReceived: from client\.example \(client\.example \[198\.51\.100\.7\]\)/)
  await world.stop()
})

test('a field that claims to be our own finding is taken out; those of others stay', async () => {
  const world = new World()
  const a = await world.start(home)
  const forged =
    'Authentication-Results: MX.a.example; dmarc=pass\nAuthentication-Results: other.example; spf=pass\nX-Kept: yes\n'
  assert.deepEqual(await world.send(a, 'bob@b.example', ['alice@a.example'], text('bob@b.example', forged)), [250])
  const [message] = await messagesIn(a, 'alice@a.example')
  assert.equal([...message!.matchAll(/^Authentication-Results: mx\.a\.example;/gim)].length, 1)
  assert.match(
    message!,
    /\r\nAuthentication-Results: other\.example; spf=pass\r\nX-Kept: yes\r\nFrom: bob@b\.example\r\n/,
  )
  assert.match(message!, /dmarc=none/)
  await world.stop()
})

test('what a domain asks for is done: refused, put into Junk, or only noted', async () => {
  for (const [policy, dmarc, code, place] of [
    ['reject', 'obey', 550, undefined],
    ['quarantine', 'obey', 250, 'Junk'],
    ['none', 'obey', 250, 'INBOX'],
    ['reject', 'note', 250, 'INBOX'],
  ] as const) {
    const world = new World()
    const a = await world.start({ ...home, config: { authenticity: { ...authenticityDefaults, dmarc } } })
    world.zone.names.set('b.example', { txt: ['v=spf1 -all'] })
    world.zone.names.set('_dmarc.b.example', { txt: [`v=DMARC1; p=${policy}`] })
    assert.deepEqual(await world.send(a, 'evil@c.example', ['alice@a.example'], text('bob@b.example')), [code], policy)
    if (place) assert.match(await resultsOf(world, a, place), /dmarc=fail/)
    await world.stop()
  }
})

test('what our users send is signed, and passes at the other end; a byte changed on the way fails', async () => {
  const world = new World()
  const site: NextHop = {
    hostname: 'mx.b.example',
    address: '10.0.0.2',
    domains: ['b.example'],
    users: ['bob@b.example'],
  }
  const [a, b] = [await world.start(home), await world.start(site)]
  await world.clock.outside(makeDkimKeys(b.store, 'b.example', world.clock.now()))
  for (const { name, value } of await dkimRecords(b.store.read, 'b.example'))
    world.zone.names.set(name, { txt: [value] })
  world.zone.names.set('_dmarc.b.example', { txt: ['v=DMARC1; p=reject'] })
  const client = await world.connect(b, 587)
  await world.clock.until(client.startTls({ serverName: 'mx.b.example', verify: 'none' }))
  await world.clock.outside(client.authenticate('bob@b.example', password))
  const envelope = {
    reversePath: 'bob@b.example',
    recipients: ['alice@a.example'],
    body: '7bit' as const,
    smtpUtf8: false,
  }
  await world.clock.outside(client.send(envelope, bytesOfText(text('bob@b.example'))))
  // Signatures are worked on by threads, in real time.
  for (let i = 0; i < 500 && (await resultsOf(world, a)) === 'none'; i++) {
    await world.clock.pass(50)
    await new Promise((resolve) => void setTimeout(resolve, 5))
  }
  const results = await resultsOf(world, a)
  assert.match(results, /dkim=pass \(2048-bit key\) header\.d=b\.example header\.s=r\w+ header\.a=rsa-sha256/)
  assert.match(results, /dkim=pass \(256-bit key\) header\.d=b\.example header\.s=e\w+ header\.a=ed25519-sha256/)
  assert.match(results, /dmarc=pass \(p=reject\)/)
  const [message] = await messagesIn(a, 'alice@a.example')
  const signed = message!.slice(message!.indexOf('DKIM-Signature')).replace('Hello', 'hello')
  const sent = world.send(a, 'bob@b.example', ['alice@a.example'], signed.replaceAll('\r\n', '\n'))
  assert.deepEqual(await world.clock.outside(sent), [550])
  await world.stop()
})

test('keys are made once, and replaced with an overlap', async () => {
  const world = new World()
  const a = await world.start(home)
  const make = (rotate: boolean): Promise<boolean> =>
    world.clock.outside(makeDkimKeys(a.store, 'a.example', world.clock.now(), rotate))
  assert.equal(await make(false), true)
  assert.equal(await make(false), false)
  await world.clock.pass(1000)
  assert.equal(await make(true), true)
  const keys = await dkimRecords(a.store.read, 'a.example')
  assert.deepEqual(
    keys.map(({ algorithm, state }) => `${algorithm} ${state}`),
    ['rsa active', 'ed25519 active', 'rsa old', 'ed25519 old'],
  )
  assert.equal(new Set(keys.map(({ selector }) => selector)).size, 4)
  await world.stop()
})

test('what an address of ours leads elsewhere is sealed: the next host sees who was right when we had it', async () => {
  const world = new World()
  const [a, c] = [
    await world.start(home),
    await world.start({
      hostname: 'mx.c.example',
      address: '10.0.0.3',
      domains: ['c.example'],
      mailboxes: ['carol@c.example'],
      config: { authenticity: { ...authenticityDefaults, trustedSealers: ['a.example'] } },
    }),
  ]
  await world.clock.outside(makeDkimKeys(a.store, 'a.example', world.clock.now()))
  for (const { name, value } of await dkimRecords(a.store.read, 'a.example'))
    world.zone.names.set(name, { txt: [value] })
  await a.store.commit([{ kind: 'aliasSet', address: 'carol@a.example', targets: ['carol@c.example'] }])
  world.zone.names.set('b.example', { txt: [`v=spf1 ip4:${strangers} -all`] })
  world.zone.names.set('_dmarc.b.example', { txt: ['v=DMARC1; p=reject'] })
  assert.deepEqual(
    await world.send(a, 'bob@b.example', ['carol@a.example', 'alice@a.example'], text('bob@b.example')),
    [250, 250],
  )
  await nothingQueued(world, a, 'carol@c.example')
  const [message] = await messagesIn(c, 'carol@c.example')
  // SPF names our host, and there is no DKIM: without the seal it would have been refused.
  assert.match(message!, /dmarc=fail \(p=reject\) header\.from=b\.example;\s+arc=pass/)
  assert.match(message!, /\r\nARC-Seal: a=rsa-sha256;/)
  assert.match(message!, /\r\nARC-Authentication-Results: i=1; mx\.a\.example; spf=pass/)
  const [own] = await messagesIn(a, 'alice@a.example')
  assert.doesNotMatch(own!, /ARC-/)
  await world.stop()
})

test('a seal helps only where its owner is trusted, and only for what he has seen himself', async () => {
  for (const [trustedSealers, code] of [
    [[], 550],
    [['other.example'], 550],
    [['a.example'], 250],
  ] as const) {
    const world = new World()
    const a = await world.start(home)
    await world.start({
      hostname: 'mx.c.example',
      address: '10.0.0.3',
      domains: ['c.example'],
      mailboxes: ['carol@c.example'],
      config: { authenticity: { ...authenticityDefaults, trustedSealers } },
    })
    await world.clock.outside(makeDkimKeys(a.store, 'a.example', world.clock.now()))
    for (const { name, value } of await dkimRecords(a.store.read, 'a.example'))
      world.zone.names.set(name, { txt: [value] })
    await a.store.commit([{ kind: 'aliasSet', address: 'carol@a.example', targets: ['carol@c.example'] }])
    world.zone.names.set('b.example', { txt: [`v=spf1 ip4:${strangers} -all`] })
    world.zone.names.set('_dmarc.b.example', { txt: ['v=DMARC1; p=reject'] })
    await world.send(a, 'bob@b.example', ['carol@a.example'], text('bob@b.example'))
    await nothingQueued(world, a, 'carol@c.example')
    const ended = (await a.store.read.ledgerWhere('', 'zz', 'carol@c.example', 10)).rows.map(({ outcome }) => outcome)
    assert.equal(ended[0], code === 250 ? 'relayed' : 'bounced', trustedSealers.join())
    await world.stop()
  }
})

test("the operator's rules for senders: the most exact one, and the gravest of what follows", async () => {
  for (const [rule, from, sender, code, place] of [
    [{ from: 'b.example', unproved: 'refuse' }, 'bob@b.example', 'bob@b.example', 550, undefined],
    [{ from: '*', unproved: 'junk' }, 'bob@b.example', 'bob@b.example', 250, 'Junk'],
    [{ from: '*.b.example', unproved: 'refuse' }, 'bob@b.example', 'bob@b.example', 250, 'INBOX'],
    [{ from: 'b.example', unproved: 'refuse' }, 'bob@b.example', 'bob@proved.b.example', 250, 'INBOX'],
    [{ from: 'b.example', spfFail: 'junk' }, 'bob@b.example', 'bob@closed.example', 250, 'Junk'],
    [{ from: 'b.example', spfFail: 'refuse' }, 'bob@b.example', 'bob@closed.example', 550, undefined],
    [{ from: 'strict.example', dmarcFail: 'junk' }, 'x@strict.example', 'bob@b.example', 250, 'Junk'],
    [{ from: 'strict.example', dmarcFail: 'note' }, 'x@strict.example', 'bob@b.example', 250, 'INBOX'],
    [{ from: 'strict.example', dmarcFail: 'obey' }, 'x@strict.example', 'bob@b.example', 550, undefined],
  ] as const) {
    const world = new World()
    const a = await world.start({ ...home, config: { ...checked, senderRules: [rule] } })
    world.zone.names.set('proved.b.example', { txt: [`v=spf1 ip4:${strangers} -all`] })
    world.zone.names.set('closed.example', { txt: ['v=spf1 -all'] })
    world.zone.names.set('_dmarc.strict.example', { txt: ['v=DMARC1; p=reject'] })
    const name = JSON.stringify([rule, from, sender])
    assert.deepEqual(await world.send(a, sender, ['alice@a.example'], text(from)), [code], name)
    if (place) assert.notEqual(await resultsOf(world, a, place), 'none', name)
    await world.stop()
  }
})
